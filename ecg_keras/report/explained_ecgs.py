"""What the answers rest on that the page of a run shows: computed once, then read from the run.

So a page that is written again is the same on every machine, and needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ecg_keras.array_files import read_arrays
from ecg_keras.attribution import Attributions, Explanation, explainer, explanations
from ecg_keras.config import fingerprint
from ecg_keras.errors import DataError, shortened
from ecg_keras.files import replacing, sha256_of
from ecg_keras.prediction import open_trained
from ecg_keras.report.run_files import RunFiles
from ecg_keras.report.shown_ecgs import Choice, Stored

METHOD, STEPS = "integrated_gradients", 32
NUMBERS = ("values", "outputs", "flat_outputs")
NAMES = ("mark", "labels", *NUMBERS)


@dataclass(frozen=True)
class MarkedEcgs:
    """What answers rest on, by record ids; or why that is not known."""

    of_records: Mapping[str, Explanation] = field(default_factory=dict)
    why_not: str = ""


def explain_choices(
    files: RunFiles, choices: Sequence[Choice], stored: Mapping[str, Stored]
) -> MarkedEcgs:
    """Of the chosen records that are stored, what the answers about their labels rest on."""
    ids = [str(files.test.record_ids[choice.row]) for choice in choices]
    shown = {name: one.label for name, one in zip(ids, choices, strict=True) if name in stored}
    if not shown:
        return MarkedEcgs()
    if not files.run.model.is_file():
        return MarkedEcgs(why_not="the run has no model.keras.")
    mark = fingerprint(
        {
            "model": sha256_of(files.run.model),
            "dataset": files.dataset.fingerprint,
            "shown": list(shown.items()),
            "method": [METHOD, STEPS],
        }
    )
    signals = np.stack([stored[name][0].signal for name in shown])
    found = _read(files.run.explanations, mark, signals.shape)
    if found is None:
        try:
            ask = explainer(open_trained(files.run.folder), method=METHOD, steps=STEPS)
            found = ask(signals, list(shown.values()))
        except Exception as error:  # layers of somebody's own raise what they like
            why = str(error).partition("\n")[0] or type(error).__name__
            return MarkedEcgs(why_not=shortened(why, 300))
        _write(files.run.explanations, mark, found)
    rows = explanations(found, files.dataset.leads, files.dataset.sampling_rate)
    return MarkedEcgs(dict(zip(shown, rows, strict=True)))


def _read(path: Path, mark: str, shape: tuple[int, ...]) -> Attributions | None:
    """Those that are there, if they are of this network and of these ECGs."""
    try:
        arrays = read_arrays(path, NAMES, "explanations")
    except DataError:  # none, or damaged: they are made again
        return None
    if set(arrays) != set(NAMES) or str(arrays["mark"]) != mark or arrays["values"].shape != shape:
        return None
    values, outputs, flat_outputs = (np.asarray(arrays[name], np.float32) for name in NUMBERS)
    return Attributions(values, tuple(arrays["labels"].tolist()), outputs, flat_outputs, METHOD)


def _write(path: Path, mark: str, found: Attributions) -> None:
    numbers = {name: getattr(found, name) for name in NUMBERS}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, mark=np.array(mark), labels=np.array(found.labels), **numbers)
