"""A Keras model in any format of the table, compared with Keras in the format's own reader."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data
from ecg_keras.errors import ConfigError, DataError, look_up, printable, shortened
from ecg_keras.evaluation import Calibration, LabelSets
from ecg_keras.export.card import Card, read_card, write_card
from ecg_keras.export.folding import fold_norms
from ecg_keras.export.format_table import FORMATS, ExportFormat
from ecg_keras.export.precision import MAX_LOSS, check_loss, measure_loss
from ecg_keras.export.saved_model import (
    calibrated,
    checked_signals,
    export_saved_model,
    make_card,
    replacing_folder,
)
from ecg_keras.export.verification import (
    References,
    check_probabilities,
    list_references,
    simulate_check_signals,
)
from ecg_keras.keras_library import keras
from ecg_keras.models import as_graph, float32_clone
from ecg_keras.training import exact_float32
from ecg_keras.user_modules import import_function


@exact_float32()  # or a GPU would be compared in TensorFloat-32
def export_model(
    model: keras.Model,
    folder: str | Path,
    *,
    labels: Sequence[str],
    leads: Sequence[str],
    sampling_rate: float,
    format: str = "saved_model",
    precision: str = "float32",
    thresholds: Mapping[str, float] | None = None,
    calibration: Calibration | None = None,
    sets: LabelSets | None = None,
    reading: Data | None = None,
    check_signals: Float32Array | None = None,
    range_signals: Float32Array | None = None,
    valid: Iterable[tuple[Any, Any]] | None = None,
    max_loss: float = MAX_LOSS,
    replace: bool = False,
) -> Card:
    """Writes ``model`` in a format whose reader was asked the same as Keras.

    The network is that of `export_saved_model`: float32, calibrated, without cuDNN's kernels, and
    with its BatchNorms folded. It takes ``signal``, float32 ``(batch, num_samples, num_leads)`` in
    millivolts, and returns ``probabilities``, float32 ``(batch, num_labels)``; LiteRT takes one
    ECG. Other formats than a SavedModel can't refuse an ECG: one with a NaN or infinite sample has
    the probabilities NaN.

    Args:
        model, labels, leads, sampling_rate, thresholds, calibration, sets, reading: as of
            `export_saved_model`.
        folder: of this network. It holds what the format's row of `FORMATS` says, ``card.json``
            and ``labels.txt``.
        format: a name of `FORMATS`.
        precision: ``"float32"``; ``"float16"`` stores weights in half the space; ``"int8"``
            computes in 8 bits, within the ranges that ``range_signals`` have in the network.
        check_signals: float32 ``(batch, num_samples, num_leads)`` in millivolts; the file is
            compared with Keras on them. ``None`` simulates ECG-like signals.
        range_signals: of the same shape, some hundred ECGs of the training split; int8 needs them.
        valid: batches ``(signals, targets)`` of the validation split; what float16 and int8 lose is
            measured on them. int8 needs them. Thresholds and sets stay those of float32.
        max_loss: of macro AUROC on ``valid``; more than that stops the export.
        replace: write over an existing ``folder``.

    Returns:
        The card, whose ``loss`` says what was measured.

    Raises:
        ConfigError: an argument does not fit, the format lacks something that the network needs, a
            package is missing, or ``folder`` exists already.
        DataError: the file differs from Keras, loses too much, or can't be written. Nothing is left
            behind.

    Example:
        >>> export_model(  # doctest: +SKIP
        ...     model,
        ...     Path("phone/ptbxl"),
        ...     format="litert",
        ...     labels=labels,
        ...     leads=LEADS,
        ...     sampling_rate=100,
        ... ).precision
        'float32'
    """
    row, folder = look_up("format", format, FORMATS), Path(folder)
    _check_request(row, precision, folder, replace, (range_signals, valid))
    if row.write is None:
        export_saved_model(
            model,
            folder,
            labels=labels,
            leads=leads,
            sampling_rate=sampling_rate,
            thresholds=thresholds,
            calibration=calibration,
            sets=sets,
            reading=reading,
            check_signals=check_signals,
            replace=replace,
        )
        return read_card(folder)
    card = make_card(model, labels, leads, sampling_rate, thresholds, calibration, sets, reading)
    card = dataclasses.replace(card, format=row.name, precision=precision)
    signals = checked_signals(card, check_signals)
    outputs = calibrated(model.outputs[0], calibration, row.calibrates_in)
    model = keras.Model(model.inputs[0], outputs, name=model.name)
    _check_operations(row, model)
    clone = float32_clone(model)
    network = fold_norms(clone)
    with replacing_folder(folder) as written:
        ask = _convert(row, network, written, card, range_signals)
        answers = ask(signals)
        check_probabilities(answers, f"{row.title} file")
        if precision == "float32":
            _compare(answers, signals, list_references(model, clone), row)
        elif valid is not None:
            limits = None if thresholds is None else [thresholds[label] for label in card.labels]
            loss = measure_loss(as_graph(clone, *clone.input_shape[1:]), ask, valid, limits, sets)
            check_loss(loss, precision, max_loss)
            card = dataclasses.replace(card, loss=loss)
        write_card(written, card)
    return card


def _check_request(
    row: ExportFormat,
    precision: str,
    folder: Path,
    replace: bool,
    needs: tuple[object, object],
) -> None:
    """What can be known before the network is touched."""
    if precision not in row.precisions:
        raise ConfigError(
            f"precision of {row.title} must be one of {', '.join(row.precisions)}. Received: "
            f"{shortened(repr(precision))}. {_who_has(precision)}"
        )
    missing = [name for name in row.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{row.title} needs the packages {', '.join(missing)}: pip install 'ecg_keras[export]'."
        )
    if precision == "int8" and any(one is None for one in needs):
        raise ConfigError(
            "int8 needs ECGs of the training split, which give its ranges, and of the validation "
            "split, which show what it loses: range_signals and valid."
        )
    if row.write is not None and folder.exists() and not replace:
        raise ConfigError(
            f"{folder} exists already. Name another folder, or replace it: --replace "
            "(replace=True)."
        )


def _who_has(precision: str) -> str:
    others = [row.name for row in FORMATS.values() if precision in row.precisions]
    return f"Of formats that have it: {', '.join(others)}." if others else ""


def _convert(
    row: ExportFormat,
    network: keras.Model,
    folder: Path,
    card: Card,
    ranges: Float32Array | None,
) -> Any:
    """Writes the network and opens it in its reader; one line where the format lacks something."""
    try:
        import_function("format", str(row.write))(network, folder, card, card.precision, ranges)
        ask = import_function("format", row.read)(folder, card)
        ask(simulate_check_signals(card, count=1))
        return ask
    except OSError:
        raise
    except Exception as error:  # converters raise whatever they are stopped by
        why = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise _refuse(row, network, card.precision, shortened(printable(why), 200)) from error


def _check_operations(row: ExportFormat, model: keras.Model) -> None:
    """Raises a `ConfigError` where the table says that a format lacks something of a network."""
    found = {type(one).__name__ for one in model.operations}
    if lacking := [what for what, kinds in row.lacks.items() if found.intersection(kinds)]:
        raise _refuse(row, model, "any precision", "; ".join(lacking))


def _refuse(row: ExportFormat, model: keras.Model, precision: str, why: str) -> ConfigError:
    return ConfigError(
        f"{model.name} can't be exported as {row.title} in {precision}: {why.rstrip('.')}. Nothing "
        "was exported. Take another format or precision: docs/serving.md says which were tested."
    )


def _compare(
    answers: Float32Array,
    signals: Float32Array,
    references: References,
    row: ExportFormat,
) -> None:
    for name, (run, limit) in references.items():
        difference = float(np.max(np.abs(answers - run(signals))))
        if not difference <= limit:  # or it is no number
            raise DataError(
                f"the {row.title} file, read by {row.reader}, differs from the {name} by "
                f"{difference:.2g} on {len(signals)} ECGs; at most {limit:g} is allowed. Nothing "
                "was exported. A layer that is random in inference does this."
            )
