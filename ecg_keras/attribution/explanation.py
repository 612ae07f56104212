"""What one answer rests on, in words and as the colours of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float32Array
from ecg_keras.attribution.explaining import METHODS, Attributions
from ecg_keras.prediction import Answer
from ecg_keras.records import Signal
from ecg_keras.text import percent

CAUTION = (
    "Marks show what the network looked at. They don't show that it is right, or why the patient "
    "has what it says."
)
EPSILON = 1e-7
# leads that a sentence names, and from which share of the whole on
MOST_LEADS, LEAST_SHARE = 4, 0.1
# of integrated gradients, from which share on they don't add up well
LARGE_RESIDUAL = 0.1


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the answer for one label rests on.

    Attributes:
        label: that is explained.
        values: float32 ``(num_samples, num_leads)``, or ``(num_samples,)`` for all leads together.
        smoothed: the same, averaged for a picture.
        method: a name of `METHODS`.
        residual: as of `Attributions`.
        leads: of the columns.
        step: seconds that a step of the map has.
    """

    label: str
    values: Float32Array
    smoothed: Float32Array
    method: str
    residual: float
    leads: tuple[str, ...]
    step: float

    @property
    def lead_shares(self) -> dict[str, float]:
        """Of what speaks for the label, the share in each lead, the largest first; empty where all
        leads are one, or nothing speaks for it.
        """
        if self.smoothed.ndim == 1:
            return {}
        speaks = np.maximum(self.smoothed, 0).sum(axis=0, dtype=np.float64)
        total = float(speaks.sum())
        shares = zip(self.leads, (speaks / (total or 1)).tolist(), strict=True)
        return dict(sorted(shares, key=lambda one: -one[1])) if total else {}

    @property
    def title(self) -> str:
        """Of the legend of a picture."""
        return f"share of the largest: {METHODS[self.method].title} for {self.label}"

    @property
    def sentence(self) -> str:
        """What is marked, in which leads it is, and how fine or exact it is."""
        method = METHODS[self.method]
        against = " and against" if method.signed else ""
        sentence = f"Marked: what speaks for{against} {self.label}, by {method.title}"
        largest = [one for one in self.lead_shares.items() if one[1] >= LEAST_SHARE][:MOST_LEADS]
        if largest:
            sentence += "; of what speaks for it, " + ", ".join(
                f"{percent(share, 0)} is in {lead}" for lead, share in largest
            )
        if not method.signed:
            sentence += f"; all leads together, in steps of {self.step:.2g} s"
        if self.residual > LARGE_RESIDUAL:
            off = percent(self.residual, 0)
            sentence += f". The marks do not add up to the answer: they are off by {off}"
        return f"{sentence}."


@dataclass(frozen=True, eq=False)
class Explained:
    """The answer about a recording, the window that is explained, and what it rests on.

    Attributes:
        answer: as of `predict`.
        signal: the window in millivolts; of a longer recording the one in which the label is most
            probable. ``None`` where nothing is answered.
        window: its number, from 1, in the recording, whose windows may not all be usable; 0 where
            it is the first that is.
        explanation: of the label; ``None`` where nothing is answered.
    """

    answer: Answer
    signal: Signal | None = None
    window: int = 0
    explanation: Explanation | None = None


def explanations(
    found: Attributions, leads: Sequence[str], sampling_rate: float
) -> list[Explanation]:
    """One for each record."""
    rows = zip(
        found.labels, found.values, found.smoothed(sampling_rate), found.residuals, strict=True
    )
    return [
        Explanation(
            label, values, smoothed, found.method, float(residual), tuple(leads),
            found.step / sampling_rate,
        )
        for label, values, smoothed, residual in rows
    ]  # fmt: skip


def choose_label(
    probabilities: npt.NDArray[np.floating[Any]],
    labels: Sequence[str],
    thresholds: Mapping[str, float] | None,
) -> str:
    """The label that is furthest above its threshold, or nearest below it, by its logit.

    Without thresholds the most probable one.

    Args:
        probabilities: ``(labels,)``.
        labels: of these.
        thresholds: of each label.
    """
    kept = np.clip(probabilities.astype(np.float64), EPSILON, 1 - EPSILON)
    limits = np.array([0.5 if thresholds is None else thresholds[label] for label in labels])
    limits = np.clip(limits, EPSILON, 1 - EPSILON)
    margins = np.log(kept / (1 - kept)) - np.log(limits / (1 - limits))
    return labels[int(margins.argmax())]
