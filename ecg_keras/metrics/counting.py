"""What a threshold at each positive record's score decides: the counts that all curves share.

One sort per label. With record weights the sort is shared by all resamples, so a bootstrap costs a
cumulative sum per resample, not a sort. Scores of negative records need no counts of their own: a
threshold that is lowered past a negative adds a false alarm and finds nobody.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecg_keras.metrics.inputs import BoolArray, FloatArray


class PositiveCounts(NamedTuple):
    """Weights around the score of each positive record, ``(resamples, positive records)``.

    Attributes:
        own: of the record itself.
        below: of all records that score lower.
        up_to: of all records that score lower or the same.
        hits: of the positive records that score as high.
        chosen: of all records that score as high.
        positives: of all positive records, ``(resamples,)``.
        negatives: of all negative records, ``(resamples,)``.
    """

    own: FloatArray
    below: FloatArray
    up_to: FloatArray
    hits: FloatArray
    chosen: FloatArray
    positives: FloatArray
    negatives: FloatArray


def count_at_positives(truth: BoolArray, scores: FloatArray, weights: FloatArray) -> PositiveCounts:
    """The counts of one label; records that score the same are decided together.

    Args:
        truth: ``(records,)``.
        scores: finite, ``(records,)``.
        weights: ``(resamples, records)``.

    Example:
        >>> counts = count_at_positives(
        ...     np.array([True, False, True]), np.array([0.2, 0.4, 0.7]), np.ones((1, 3))
        ... )
        >>> counts.hits, counts.chosen
        (array([[2., 1.]]), array([[3., 1.]]))
    """
    order = np.argsort(scores)
    ranked = scores[order]
    begins = np.concatenate(([True], ranked[1:] != ranked[:-1]))
    first = np.flatnonzero(begins)  # of each group of equal scores
    last = np.concatenate((first[1:], [len(ranked)]))
    positive = np.flatnonzero(truth[order])
    group = np.cumsum(begins)[positive] - 1

    # Everything below is needed at the positives alone: few columns where a label is rare.
    cumulative = np.zeros((len(weights), len(ranked) + 1))
    np.cumsum(weights[:, order], axis=1, out=cumulative[:, 1:])
    below = cumulative[:, first[group]]
    own = weights[:, order[positive]]
    positives = own.sum(axis=1)
    positives_below = np.zeros((len(weights), len(positive) + 1))
    np.cumsum(own, axis=1, out=positives_below[:, 1:])
    return PositiveCounts(
        own=own,
        below=below,
        up_to=cumulative[:, last[group]],
        hits=positives[:, None] - positives_below[:, np.searchsorted(positive, first[group])],
        chosen=cumulative[:, -1:] - below,
        positives=positives,
        negatives=weights[:, ~truth].sum(axis=1),
    )
