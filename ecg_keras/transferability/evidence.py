"""Bayesian linear regression: the penalty that maximises the evidence, in closed form but for it.

The model is ``y ~ N(F w, 1 / beta)`` with ``w ~ N(0, 1 / alpha)`` (MacKay 1992). With the penalty
``t = alpha / beta``, the squared singular values s of F, the projections z of y on F's left
singular vectors and the rest r of y that F can't reach,

    Q(t) = r + sum over j of z_j^2 t / (t + s_j)

is the penalised sum of squares, ``beta = N / Q(t)`` is the best one for that t, and

    log evidence(t) = -N/2 (1 + log(2 pi Q(t) / N)) - 1/2 sum over j of log(1 + s_j / t)

is left to be maximised over one number. A grid finds the highest hill and a golden section its
top, for all labels at once; a fixed-point iteration could stop on another.
"""

from __future__ import annotations

import numpy as np

from ecg_keras.transferability.inputs import FloatArray

# of the penalty, in units of the largest squared singular value
GRID = np.logspace(-12, 6, 145)
GOLDEN = (np.sqrt(5) - 1) / 2


def maximise_evidence(
    squares: FloatArray, projections: FloatArray, rest: FloatArray, records: int
) -> tuple[FloatArray, FloatArray]:
    """The best penalty for each column of targets, and the log evidence there."""
    energy = projections**2

    def log_evidence(penalty: FloatArray) -> FloatArray:
        shrunk = 1 / (1 + squares[:, None] / penalty)  # t / (t + s)
        misfit = rest + (energy * shrunk).sum(axis=0)
        value: FloatArray = -records / 2 * (1 + np.log(2 * np.pi * misfit / records))
        return value + np.log(shrunk).sum(axis=0) / 2

    grid = GRID * squares[0]
    labels = len(rest)
    best = np.array([log_evidence(np.full(labels, one)) for one in grid]).argmax(axis=0)
    low = np.log(grid[np.maximum(best - 1, 0)])
    high = np.log(grid[np.minimum(best + 1, len(grid) - 1)])
    for _ in range(40):  # each takes 0.62 of the width: 1e-8 of it is left
        step = GOLDEN * (high - low)
        left_is_higher = log_evidence(np.exp(high - step)) > log_evidence(np.exp(low + step))
        low, high = (
            np.where(left_is_higher, low, high - step),
            np.where(left_is_higher, low + step, high),
        )
    penalty = np.exp((low + high) / 2)
    return penalty, log_evidence(penalty)
