"""Attributions as a file: an `.npz` of all, and what a command that was stopped keeps of each."""

from __future__ import annotations

import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from ecg_keras.array_files import holds_array
from ecg_keras.attribution.explaining import Attributions
from ecg_keras.attribution.explanation import Explained, Explanation
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import replacing
from ecg_keras.prediction import Answer, TrainedNetwork
from ecg_keras.records import Signal

# numbers of a recording in a file, and what they are there
BLOCKS = ("attributions", "signals")
# NumPy does not give the types of these functions
_NPY: Any = np.lib.format


def write_attributions(
    path: str | Path, rows: Iterable[Explained], trained: TrainedNetwork, method: str
) -> Iterator[Explained]:
    """Passes explained recordings on, and writes an ``.npz`` of them at the end, whole or not.

    It holds ``record_ids``, ``labels``, ``probabilities`` (of the label, of the whole recording),
    ``windows`` (numbers, from 1), ``residuals``, ``attributions`` and ``signals`` (in millivolts,
    ``(records, num_samples, num_leads)``), and ``leads``, ``sampling_rate`` and ``method``. No more
    than a recording is in memory.

    Raises:
        ConfigError: the name does not end in ``.npz``.
        DataError: there is a file of that name that holds no attributions.
    """
    check_attributions(Path(path))
    return _write(Path(path), rows, trained, method)


def check_attributions(path: Path) -> None:
    """Refuses what is no name of a file of attributions."""
    if path.suffix != ".npz":
        raise ConfigError(
            f"{path}: attributions are written as an .npz. Received: {path.suffix!r}."
        )
    if path.exists() and not holds_array(path, BLOCKS[0]):
        raise DataError(
            f"{path}: is there already, and holds no attributions, so it is left alone. Name "
            "another file, or remove it."
        )


def keep(one: Explained) -> dict[str, Any]:
    """What is beside its answer in a journal."""
    found, signal = one.explanation, one.signal
    if found is None or signal is None:
        return {}
    return {
        "label": found.label,
        "window": one.window,
        "signal": signal.values,
        "attributions": found.values,
        "residual": None if math.isnan(found.residual) else found.residual,
        "step": found.step,
    }


def restore(
    answer: Answer, kept: Mapping[str, Any], trained: TrainedNetwork, method: str
) -> Explained:
    """What was kept, as it was."""
    if not kept:
        return Explained(answer)
    label, values, residual = kept["label"], kept["attributions"], kept["residual"]
    nothing = np.zeros(1, np.float32)
    found = Attributions(values[None], (label,), nothing, nothing, method)
    explanation = Explanation(
        label,
        values,
        found.smoothed(trained.sampling_rate)[0],
        method,
        math.nan if residual is None else residual,
        tuple(trained.leads),
        kept["step"],
    )
    signal = Signal(kept["signal"], trained.sampling_rate, trained.leads)
    return Explained(answer, signal, kept["window"], explanation)


def _write(
    path: Path, rows: Iterable[Explained], trained: TrainedNetwork, method: str
) -> Iterator[Explained]:
    path.parent.mkdir(parents=True, exist_ok=True)
    facts: list[tuple[str, str, float, int, float]] = []
    shape: tuple[int, ...] = (trained.num_samples, len(trained.leads))
    with ExitStack() as stack:
        spools = {
            name: stack.enter_context(tempfile.TemporaryFile(dir=path.parent)) for name in BLOCKS
        }
        for one in rows:
            found, values = one.explanation, one.answer.values
            if found is not None and one.signal is not None and values is not None:
                shape = found.values.shape
                probability = float(values[trained.labels.index(found.label)])
                name = one.answer.record_id.encode("utf-8", "backslashreplace").decode()
                facts.append((name, found.label, probability, one.window, found.residual))
                for spool, block in zip(
                    spools.values(), (found.values, one.signal.values), strict=True
                ):
                    spool.write(np.ascontiguousarray(block, "<f4").tobytes())
            yield one
        columns = zip(*facts, strict=True) if facts else ((),) * 5
        names, labels, probabilities, windows, residuals = columns
        arrays = {
            "record_ids": np.array(names, np.str_),
            "labels": np.array(labels, np.str_),
            "probabilities": np.array(probabilities, np.float32),
            "windows": np.array(windows, np.int64),
            "residuals": np.array(residuals, np.float64),
            "leads": np.array(trained.leads),
            "sampling_rate": np.array(trained.sampling_rate),
            "method": np.array(method),
        }
        shapes = {"attributions": shape, "signals": (trained.num_samples, len(trained.leads))}
        with replacing(path) as temporary:
            np.savez_compressed(temporary, **arrays)
            with zipfile.ZipFile(temporary, "a", zipfile.ZIP_DEFLATED) as archive:
                for name, spool in spools.items():
                    _add(archive, name, spool, (len(facts), *shapes[name]))


def _add(archive: zipfile.ZipFile, name: str, spool: IO[bytes], shape: tuple[int, ...]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    spool.seek(0)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        _NPY.write_array_header_1_0(member, header)
        shutil.copyfileobj(spool, member)
