"""What numbers of fewer bits cost: the probabilities of both networks on the validation split."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.errors import DataError
from ecg_keras.evaluation import LabelSets
from ecg_keras.metrics import auroc, decide, macro

# of macro AUROC: what a network of fewer bits may lose
MAX_LOSS = 0.01


@dataclass(frozen=True)
class PrecisionLoss:
    """What an exported network answers otherwise than in float32, on the run's validation split.

    Attributes:
        records: of the split.
        max_difference: largest difference of two probabilities of one label.
        mean_difference: mean over records and labels.
        macro_auroc: of the exported network; none where no label has positive and negative records.
        macro_auroc_float32: of the network before.
        changed_decisions: share of labels of records that are called otherwise at the thresholds,
            which are 0.5 where none were chosen.
        changed_sets: share of labels of records whose set of answers is another; ``None`` where
            there are no sets, or an earlier version measured.

    Example:
        >>> PrecisionLoss(400, 0.02, 0.001, 0.91, 0.915, 0.002).lost
        0.005
    """

    records: int
    max_difference: float
    mean_difference: float
    macro_auroc: float | None
    macro_auroc_float32: float | None
    changed_decisions: float
    changed_sets: float | None = None

    @property
    def lost(self) -> float:
        """Macro AUROC that was lost; below 0 where it became more, 0 where it is undefined."""
        if self.macro_auroc is None or self.macro_auroc_float32 is None:
            return 0.0
        return round(self.macro_auroc_float32 - self.macro_auroc, 6)

    def sentence(self) -> str:
        """One line for the terminal."""
        scores = "macro AUROC is undefined"
        if self.macro_auroc is not None and self.macro_auroc_float32 is not None:
            scores = (
                f"macro AUROC {self.macro_auroc:.4f} ({self.macro_auroc_float32:.4f} in float32)"
            )
        sets = "" if self.changed_sets is None else f" and {self.changed_sets:.2%} of sets"
        return (
            f"on {self.records} validation ECGs: {scores}, probabilities differ by "
            f"{self.mean_difference:.2g} on average and {self.max_difference:.2g} at most, "
            f"{self.changed_decisions:.2%} of decisions{sets} change"
        )


def measure_loss(
    exact: Callable[[Float32Array], Any],
    ask: Callable[[Float32Array], Float32Array],
    batches: Iterable[tuple[Any, Any]],
    thresholds: Sequence[float] | None,
    sets: LabelSets | None = None,
) -> PrecisionLoss:
    """Asks both networks about every ECG of ``(signals, targets)``."""
    expected, received, targets = [], [], []
    for signals, target in batches:
        ecgs = np.asarray(signals, np.float32)
        expected.append(np.asarray(exact(ecgs)))
        received.append(ask(ecgs))
        targets.append(np.asarray(target))
    if not targets:
        raise DataError("the validation split has no record to measure the loss on.")
    before, after, truth = (np.concatenate(one) for one in (expected, received, targets))
    difference = np.abs(after.astype(np.float64) - before)
    limits = 0.5 if thresholds is None else thresholds
    return PrecisionLoss(
        records=len(truth),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        macro_auroc=_macro_auroc(truth, after),
        macro_auroc_float32=_macro_auroc(truth, before),
        changed_decisions=float((decide(after, limits) != decide(before, limits)).mean()),
        changed_sets=None if sets is None else _share_of_other_sets(sets, before, after),
    )


def _share_of_other_sets(sets: LabelSets, before: Float32Array, after: Float32Array) -> float:
    both = (np.array(sets.find(one)) for one in (before, after))
    return float(np.not_equal(*both).mean())


def _macro_auroc(targets: AnyArray, probabilities: Float32Array) -> float | None:
    value = float(macro(auroc(targets, probabilities)))
    return value if math.isfinite(value) else None


def check_loss(loss: PrecisionLoss, precision: str, most: float) -> None:
    """Raises a `DataError` where more is lost than may be."""
    if loss.lost > most:
        raise DataError(
            f"{precision} loses {loss.lost:.4f} of macro AUROC, more than {most:g}: "
            f"{loss.sentence()}. Nothing was exported. Take another precision, or accept the loss "
            "with --max-loss (max_loss)."
        )
