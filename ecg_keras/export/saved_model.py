"""A Keras model as a SavedModel that TensorFlow Serving can serve as it is."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ecg_keras import __version__
from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Calibration, LabelSets
from ecg_keras.export.card import READING, Card, write_card
from ecg_keras.export.folding import fold_norms
from ecg_keras.export.network_id import identify_network
from ecg_keras.export.signatures import choose_signatures, write_graph
from ecg_keras.export.verification import (
    check_saved_model,
    list_references,
    simulate_check_signals,
    write_warmup,
)
from ecg_keras.files import scratch_folder
from ecg_keras.keras_library import keras
from ecg_keras.metrics import CLIP
from ecg_keras.models import check_has_graph, float32_clone
from ecg_keras.training import exact_float32


@exact_float32()  # or a GPU would be compared in TensorFloat-32
def export_saved_model(
    model: keras.Model,
    folder: str | Path,
    *,
    labels: Sequence[str],
    leads: Sequence[str],
    sampling_rate: float,
    thresholds: Mapping[str, float] | None = None,
    calibration: Calibration | None = None,
    sets: LabelSets | None = None,
    reading: Data | None = None,
    signatures: Sequence[str] | None = None,
    check_signals: Float32Array | None = None,
    replace: bool = False,
) -> Path:
    """Writes ``model`` as a SavedModel whose answers were compared with Keras.

    The signature ``serving_default`` takes ``signal``, float32 ``(batch, num_samples,
    num_leads)`` in millivolts, and returns ``probabilities``, float32 ``(batch, num_labels)``;
    ``recordings`` takes ECGs of any rate, leads and length, and ``examples`` those of shards.
    A request of another shape, or with a NaN or infinite sample, is an error: its probabilities
    could be NaN, which no threshold calls present, or confident and wrong. The network is exported
    in float32 and without cuDNN's recurrent kernels, so that it runs on any server, however it was
    trained; its BatchNorms are folded into the convolutions before them.

    Args:
        model: one input ``(num_samples, num_leads)`` of a fixed length, one output of
            probabilities.
        folder: of this version; its name must be the version, a whole number, because TensorFlow
            Serving looks for those, such as ``runs/quickstart/saved_model/1``.
        labels: names of the output's columns.
        leads: names of the input's columns.
        sampling_rate: of the input, in Hz.
        thresholds: per label, the probability from which the label is called present.
        calibration: of the run's scores; the SavedModel's probabilities are calibrated, as the
            thresholds are. ``None`` exports the network's own.
        sets: of the run's scores, for the card.
        reading: the section ``data`` by which its shards were made, of which ``resample``,
            ``window``, ``short`` and ``verify`` say what ``recordings`` does; their defaults if
            not given.
        signatures: ``serving_default`` and which others of ``SIGNATURES``; all if not given.
        check_signals: float32 ``(batch, num_samples, num_leads)`` in millivolts; the SavedModel is
            compared with Keras on them. They are not stored. ``None`` simulates ECG-like signals.
        replace: write over an existing ``folder``.

    Returns:
        ``folder``.

    Raises:
        ConfigError: an argument does not fit the model, or ``folder`` exists already.
        DataError: the SavedModel differs from Keras, or can't be written. Nothing is left behind.

    Example:
        >>> export_saved_model(  # doctest: +SKIP
        ...     model, Path("serving/ptbxl/1"), labels=labels, leads=LEADS, sampling_rate=100
        ... )
        PosixPath('serving/ptbxl/1')
    """
    folder = Path(folder)
    if not folder.name.isdecimal():
        raise ConfigError(
            f"{folder}: the folder's name must be the version, a whole number. "
            f"Received: {folder.name!r}. Export to {folder / '1'}."
        )
    if folder.exists() and not replace:
        raise ConfigError(
            f"{folder} exists already. Export to {folder.parent / str(int(folder.name) + 1)}, "
            "which a server picks up as the newer version, or replace it: --replace (replace=True)."
        )
    card = make_card(model, labels, leads, sampling_rate, thresholds, calibration, sets, reading)
    rows = choose_signatures(card, signatures)
    signals = checked_signals(card, check_signals)
    # Keras takes a single input bare or in a list, and warns of the other: from here on, bare
    model = keras.Model(model.inputs[0], calibrated(model.outputs[0], calibration))
    clone = float32_clone(model)

    with replacing_folder(folder) as written:
        write_graph(fold_norms(clone), str(written), card, rows)
        # simulated ones: a patient's ECG has no place inside a model that is passed on
        write_warmup(written / "assets.extra", card, rows, simulate_check_signals(card))
        references = list_references(model, clone)
        described = check_saved_model(written, card, rows, references, signals)
        write_card(written / "assets", dataclasses.replace(card, signatures=described))
    return folder


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder that becomes ``folder`` when the block succeeds; a `DataError` where it can't."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent, ".export.") as temporary:
            written = temporary / "written"
            written.mkdir()
            yield written
            if folder.exists():
                folder.rename(temporary / "replaced")
            written.rename(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: can't be written: {error}. Make room, or choose another folder; nothing "
            "was left behind."
        ) from error


def make_card(
    model: keras.Model,
    labels: Sequence[str],
    leads: Sequence[str],
    sampling_rate: float,
    thresholds: Mapping[str, float] | None,
    calibration: Calibration | None,
    sets: LabelSets | None,
    reading: Data | None,
) -> Card:
    """The card, or a `ConfigError` where an argument does not fit the model's shapes."""
    check_has_graph(model)
    takes, returns = model.inputs[0].shape, model.outputs[0].shape
    single = len(model.inputs) == len(model.outputs) == 1
    if not single or len(takes) != 3 or None in takes[1:] or len(returns) != 2:
        raise ConfigError(
            "an exported model has one input (batch, num_samples, num_leads) of a fixed length and "
            f"one output (batch, num_labels). Received: input {takes}, output {returns}."
        )
    for what, names, size in (("leads", leads, takes[2]), ("labels", labels, returns[1])):
        if len(names) != size:
            raise ConfigError(
                f"the model has {size} {what}. Received: {len(names)}: {', '.join(names)}."
            )
    if calibration is not None and tuple(calibration.slopes) != tuple(labels):
        raise ConfigError(
            f"the calibration is of the labels {', '.join(calibration.slopes)}, and the model's "
            f"are {', '.join(labels)}. Both must be the same, in the same order."
        )
    return Card(
        labels=tuple(labels),
        leads=tuple(leads),
        sampling_rate=float(sampling_rate),
        num_samples=takes[1],
        thresholds=None if thresholds is None else {k: float(thresholds[k]) for k in thresholds},
        versions={
            "ecg_keras": __version__,
            "keras": keras.__version__,
            "tensorflow": importlib.metadata.version("tensorflow"),
        },
        calibration="none" if calibration is None else calibration.method,
        sets=sets,
        network_id=identify_network(model, calibration),
        **({} if reading is None else reading.model_dump(include=set(READING))),
    )


def calibrated(
    probabilities: keras.KerasTensor, calibration: Calibration | None, dtype: str = "float64"
) -> keras.KerasTensor:
    """The output after `ecg_keras.metrics.recalibrate`, in double precision as there if it may."""
    if calibration is None or calibration.method == "none":
        return probabilities
    slopes, intercepts = (
        np.array(list(part.values())) for part in (calibration.slopes, calibration.intercepts)
    )
    slopes, intercepts = slopes.astype(dtype), intercepts.astype(dtype)
    exact = keras.ops.cast(probabilities, dtype)
    # each is clipped by itself, as float32 has no number 1 - CLIP
    present, absent = (keras.ops.maximum(one, CLIP) for one in (exact, 1 - exact))
    logits = keras.ops.log(present) - keras.ops.log(absent)
    return keras.ops.cast(keras.ops.sigmoid(logits * slopes + intercepts), "float32")


def checked_signals(card: Card, signals: Float32Array | None) -> Float32Array:
    """The signals to compare on, or a `ConfigError` where the model could not take them."""
    if signals is None:
        return simulate_check_signals(card)
    signals = np.asarray(signals, dtype=np.float32)
    expected = (card.num_samples, len(card.leads))
    if signals.ndim != 3 or not len(signals) or signals.shape[1:] != expected:
        raise ConfigError(
            f"check_signals must have the shape (batch, {expected[0]}, {expected[1]}). "
            f"Received: {signals.shape}."
        )
    if not np.isfinite(signals).all():
        raise ConfigError("check_signals must be finite. Received: NaN or infinite samples.")
    return signals
