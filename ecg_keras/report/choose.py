"""Which test ECGs a report shows: by rules that are printed with them, never by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras import metrics
from ecg_keras.evaluation import Predictions

EPSILON = 1e-7


@dataclass(frozen=True)
class Choice:
    """A record to show: its row in the predictions, and the rule that chose it."""

    row: int
    rule: str


def choose_records(
    predictions: Predictions, thresholds: npt.NDArray[np.float64]
) -> tuple[Choice, ...]:
    """Up to six records: right, typical and wrong ones, each at most once.

    Records are ordered by their loss, the mean binary cross-entropy over the labels; equal losses
    by record id. A rule that no record fits is left out.

    Args:
        predictions: of the test split.
        thresholds: ``(labels,)``; a label is decided present from its threshold upwards.

    Example:
        >>> import numpy as np
        >>> ids = np.array(["a", "b"])
        >>> shown = Predictions(
        ...     labels=("MI",),
        ...     record_ids=ids,
        ...     patient_ids=ids,
        ...     targets=np.array([[1], [0]], np.uint8),
        ...     probabilities=np.array([[0.9], [0.8]], np.float32),
        ... )
        >>> [choice.row for choice in choose_records(shown, np.array([0.5]))]
        [0, 1]
    """
    chosen: dict[int, Choice] = {}
    for row, rule in _candidates(predictions, thresholds):
        chosen.setdefault(row, Choice(row, rule))
    return tuple(chosen.values())


def choose_worst(
    predictions: Predictions, thresholds: npt.NDArray[np.float64]
) -> tuple[Choice, ...]:
    """Up to three records that were answered worst, each at most once; arguments as above."""
    chosen: dict[int, Choice] = {}
    for row, rule in _wrong(predictions, thresholds):
        chosen.setdefault(row, Choice(row, rule))
    return tuple(chosen.values())


def _candidates(
    predictions: Predictions, thresholds: npt.NDArray[np.float64]
) -> Iterator[tuple[int, str]]:
    truth = np.asarray(predictions.targets, bool)
    probability = np.asarray(predictions.probabilities, np.float64)
    decided = metrics.decide(probability, thresholds).astype(bool)
    order = _order(predictions)
    right = [int(row) for row in order if (truth == decided)[row].all() and truth[row].any()]
    if right:
        yield right[0], "Surest right answer: every label right, smallest loss"
        other = [row for row in right if (truth[row] != truth[right[0]]).any()]
        if other:
            yield other[0], "Surest right answer with other labels than the first"
    yield int(order[(len(order) - 1) // 2]), "Typical: the median loss of the test ECGs"
    yield from _wrong(predictions, thresholds)


def _wrong(
    predictions: Predictions, thresholds: npt.NDArray[np.float64]
) -> Iterator[tuple[int, str]]:
    truth = np.asarray(predictions.targets, bool)
    probability = np.asarray(predictions.probabilities, np.float64)
    decided = metrics.decide(probability, thresholds).astype(bool)
    for wrong, key, rule in (
        (
            truth & ~decided,
            probability,
            "Worst miss: the present label with the lowest probability",
        ),
        (
            ~truth & decided,
            -probability,
            "Worst false alarm: the absent label decided present with the highest probability",
        ),
    ):
        if wrong.any():
            best = np.where(wrong, key, np.inf).min(axis=1)
            yield int(np.lexsort((np.asarray(predictions.record_ids), best))[0]), rule
    yield int(_order(predictions)[-1]), "Largest loss of the test ECGs"


def _order(predictions: Predictions) -> npt.NDArray[np.intp]:
    """Rows from the smallest loss to the largest."""
    truth = np.asarray(predictions.targets, bool)
    kept = np.clip(np.asarray(predictions.probabilities, np.float64), EPSILON, 1 - EPSILON)
    loss = -np.mean(np.where(truth, np.log(kept), np.log(1 - kept)), axis=1)
    return np.lexsort((np.asarray(predictions.record_ids), loss))
