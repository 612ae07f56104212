"""What a threshold at each positive record's score decides: the counts that all curves share.

Records are sorted once for each label, whatever number of resamples is counted: what is between
the scores of two positives is a row of a sparse matrix, and its product with the weights of many
resamples adds up long rows of memory. Scores of negative records need no counts of their own: a
threshold that is lowered past a negative adds a false alarm and finds nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from ecg_keras.array_types import BoolArray, Float64Array, IntArray
from ecg_keras.metrics.inputs import Weights

STRIDE = 32  # rows that are added up one after another, in all strides at once


@dataclass(frozen=True, eq=False)
class PositiveCounts:
    """Weights at each distinct score of a positive record, the highest score first."""

    own: Weights
    hits: Weights
    alarms: Weights
    tied: Weights | None
    positives: Float64Array
    negatives: Float64Array


class RankedLabel:
    """The records of one label, sorted by their scores; those that score the same together."""

    def __init__(self, truth: BoolArray, scores: Float64Array) -> None:
        order = np.argsort(-scores, kind="stable")
        positive = truth[order]
        found, alarm = order[positive], order[~positive]
        at = scores[found]
        begins = np.flatnonzero(np.concatenate((at[:1] == at[:1], at[1:] != at[:-1])))
        # searchsorted wants them ascending
        level, others = -at[begins], -scores[alarm]
        above = np.searchsorted(others, level, "left")
        as_high = np.searchsorted(others, level, "right")
        records = len(truth)
        self._own = _rows(found, np.append(begins, len(found)), records)
        self._alarms = _rows(alarm, np.concatenate(([0], as_high, [len(alarm)])), records)
        self._tied = None
        if (as_high > above).any():
            within = [alarm[low:high] for low, high in zip(above, as_high, strict=True)]
            ends = np.cumsum([0, *map(len, within)])
            self._tied = _rows(np.concatenate(within), ends, records)

    def count(self, weights: Weights) -> PositiveCounts:
        """The counts of many resamples at once."""
        own = self._own @ weights
        hits = add_up(own)
        alarms = add_up(self._alarms @ weights)
        none = np.zeros(weights.shape[1])
        return PositiveCounts(
            own=own,
            hits=hits,
            alarms=alarms[:-1],
            tied=None if self._tied is None else self._tied @ weights,
            positives=hits[-1].astype(np.float64) if len(hits) else none,
            negatives=alarms[-1].astype(np.float64),
        )


def add_up(values: Weights) -> Weights:
    """`numpy.cumsum` down the rows, which runs down one column after another, by whole rows."""
    rows, columns = values.shape
    total: Weights
    if rows < 2 * STRIDE:
        whole: Any = np.cumsum(values, axis=0)
        total = whole
        return total
    padded: Any = np.zeros((-(-rows // STRIDE), STRIDE, columns), dtype=values.dtype)
    padded.reshape(-1, columns)[:rows] = values
    for row in range(1, STRIDE):
        padded[:, row] += padded[:, row - 1]
    padded[1:] += add_up(padded[:-1, -1])[:, None]
    total = padded.reshape(-1, columns)[:rows]
    return total


def rank_labels(truth: BoolArray, scores: Float64Array) -> tuple[RankedLabel, ...]:
    """Each label of ``(records, labels)``, sorted."""
    return tuple(RankedLabel(truth[:, label], scores[:, label]) for label in range(truth.shape[1]))


def _rows(records: IntArray, ends: IntArray, number: int) -> Any:
    """A sparse matrix of ones: each row adds up the records between two ends."""
    return sparse.csr_array(
        (np.ones(len(records), dtype=np.float32), records.astype(np.int32), ends.astype(np.int32)),
        shape=(len(ends) - 1, number),
    )
