"""Holm's correction for looking at several p-values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def holm(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """p-values corrected so that a true null falls below alpha with a chance of at most alpha.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6: the smallest of m is multiplied by m, the next by m - 1 and so on, and none may be
    smaller than the one before.

    Args:
        p_values: ``(tests,)`` in [0, 1], in any order; they may depend on one another.

    Returns:
        ``(tests,)`` in [0, 1], in the same order.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(2)
        array([0.03, 0.06, 0.06])
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    raised = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(raised, 1.0)
    return corrected
