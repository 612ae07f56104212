"""When curves first reach a target."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def find_target(curves: FloatArray, share: float) -> FloatArray:
    """``(curves,)`` a share of the best of each curve.

    Example:
        >>> find_target(np.array([[0.5, 0.8, 0.7]]), 0.75)
        array([0.6])
    """
    # rounding must not put the target above the best itself
    best: FloatArray = curves.max(axis=1)
    return np.minimum(share * best, best)


def find_epoch(curves: FloatArray, target: FloatArray) -> FloatArray:
    """``(curves,)`` epoch at which each first reaches its target, infinite where it never does.

    Curves are straight lines from epoch to epoch, so that time does not jump by whole epochs when
    a curve moves a little. Nothing is known before the first epoch: reached there counts as 1.

    Args:
        curves: ``(curves, epochs)``, from epoch 1.
        target: ``(curves,)``.

    Example:
        >>> find_epoch(np.array([[0.5, 0.7, 0.6, 0.9], [0.1, 0.1, 0.1, 0.1]]), np.array([0.65, 1]))
        array([1.75,  inf])
    """
    reached = curves >= target[:, None]
    after = reached.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(curves))
    rise = curves[rows, after] - curves[rows, before]
    part = (target - curves[rows, before]) / np.where(after > 0, rise, 1.0)
    return np.where(reached.any(axis=1), np.where(after > 0, after + part, 1.0), np.inf)
