"""Plain text tables for terminals and log files."""

from __future__ import annotations

import math

from ecg_keras.evaluation.bootstrap import Estimate

SCORE_NAMES = {
    "macro_auroc": "macro AUROC",
    "macro_auprc": "macro AUPRC",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "macro_f_max": "macro F-max",
    "sample_f_max": "sample-centric F-max",
    "macro_sensitivity_at_95_specificity": "macro sensitivity at 95 % specificity",
    "macro_brier": "macro Brier score (lower is better)",
    "challenge_2020": "Challenge 2020 score",
    "challenge_2021": "Challenge 2021 score",
}


def score_name(name: str) -> str:
    """``macro_auroc`` as people write it.

    Args:
        name: of `ecg_keras.metrics.METRICS` or `ecg_keras.evaluation.further.FURTHER`; one of
            another version keeps its name.

    Example:
        >>> score_name("macro_auroc")
        'macro AUROC'
    """
    return SCORE_NAMES.get(name, name.replace("_", " "))


def with_interval(score: Estimate | None, sign: str = "") -> str:
    """A value with its interval, or a dash where it is undefined, or why it has no interval.

    Args:
        score: what to write.
        sign: ``"+"`` also writes the plus of a positive number.

    Example:
        >>> with_interval(Estimate(0.5, 0.41, 0.62))
        '0.500 [0.410, 0.620]'
        >>> with_interval(Estimate(0.5, math.nan, math.nan))
        '0.500 [too few]'
    """
    if score is None:
        return "-"
    if not score.has_interval:
        return f"{score.value:{sign}.3f} [too few]"
    return f"{score.value:{sign}.3f} [{score.low:{sign}.3f}, {score.high:{sign}.3f}]"


def p_text(value: float | None, equals: str = "") -> str:
    """A p-value to three decimals, or a dash where it is undefined.

    Args:
        value: what to write.
        equals: what to write before it; ``"p = "`` becomes ``"p < "`` where that is true.

    Example:
        >>> p_text(0.0004, "p = "), p_text(0.0312)
        ('p < 0.001', '0.031')
    """
    if value is None or math.isnan(value):
        return "-"
    if value < 0.001:
        return f"{equals.replace('=', '<')}0.001" if equals else "<0.001"
    return f"{equals}{value:.3f}"
