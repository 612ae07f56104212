"""`TrainedNetwork`: all that a network is to be asked by, whatever it was opened from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data
from ecg_keras.errors import DataError, look_up
from ecg_keras.evaluation import LabelSets, SignalReference

Forward = Callable[[Float32Array], Float32Array]
# by which float32 may miss 0 and 1
_ROUNDING = 1e-6
SHORT, VERIFY = ("drop", "pad"), ("refuse", "off")


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network that is ready to be asked.

    Attributes:
        place: of its run, file or folder, or its URL.
        labels: names of the columns of its answers.
        leads: names of the columns of its input.
        sampling_rate: of its input, in Hz.
        num_samples: of its input.
        data: how a recording is brought to that, as for the shards it was trained on.
        thresholds: from which probability each label is decided present; ``None`` where none were
            validated.
        thresholds_from: what they were chosen on, as in `evaluation.Scores`; empty where nobody
            says.
        sets: which answers each label may have, with a coverage that was validated; ``None`` where
            it was not.
        network_id: of whose weights and calibration its answers are, the same in a run and in its
            exports; empty where a server's card does not say it.
        reference: by which recordings that are unlike the training ECGs are known; ``None`` where
            there is none.
        calibration: in words, what is done to the network's own probabilities.
        mark: 64 hex digits that are others for another network, calibration or threshold.
        forward: float32 ``(batch, num_samples, num_leads)`` in millivolts to ``(batch, size)``;
            with a reference, distances from it are a last column.
        remark: what speaks against its answers, such as a head that was never trained.
        model: the Keras model, without calibration; ``None`` of a SavedModel.

    Example:
        >>> open_trained("runs/ptbxl_scratch").labels  # doctest: +SKIP
        ('NORM', 'MI', 'STTC', 'CD', 'HYP')
    """

    place: Path | str
    labels: tuple[str, ...]
    leads: tuple[str, ...]
    sampling_rate: float
    num_samples: int
    data: Data
    mark: str
    forward: Forward = field(repr=False)
    thresholds: Mapping[str, float] | None = None
    thresholds_from: str = ""
    calibration: str = "none"
    sets: LabelSets | None = None
    remark: str = ""
    model: Any = field(default=None, repr=False)
    reference: SignalReference | None = None
    network_id: str = ""


def as_probabilities(place: Path | str, values: Float32Array) -> Float32Array:
    """The same, unless they are none; what is not finite stays, as it is that of single ECGs."""
    finite = np.isfinite(values)
    wrong = finite & ((values < -_ROUNDING) | (values > 1 + _ROUNDING))
    if wrong.any():
        raise DataError(
            f"{place}: gives {float(values[wrong][0]):.4g}, and a probability is between 0 and 1. "
            "If these are logits, end the network in a sigmoid, or in a softmax where a recording "
            "has one class."
        )
    return np.where(finite, np.clip(values, 0, 1), values)


def adapt_settings(
    settings: Data | None,
    leads: tuple[str, ...],
    sampling_rate: float,
    num_samples: int,
    short: str | None,
    verify: str | None,
) -> Data:
    """How recordings that no recipe names are brought to what a network takes."""
    kept = settings.model_dump(include={"window", "short", "resample"}) if settings else {}
    for name, choice, allowed in (("short", short, SHORT), ("verify", verify, VERIFY)):
        if choice is not None:
            look_up(name, choice, dict.fromkeys(allowed))
            kept[name] = choice
    # a repair is of the database that was trained on, not of these files
    if settings is not None and settings.verify == "off":
        kept.setdefault("verify", "off")
    return Data(
        source="folder",
        raw=Path(),
        leads=leads,
        sampling_rate=sampling_rate,
        seconds=num_samples / sampling_rate,
        **kept,
    )
