"""Multi-label scores in NumPy and SciPy: discrimination, decisions, thresholds and calibration."""

from ecg_keras.metrics.calibration import brier, ece, reliability_curve
from ecg_keras.metrics.challenge import ChallengeScorer, challenge_gap, challenge_score
from ecg_keras.metrics.decisions import (
    Confusion,
    best_f1_thresholds,
    confusion,
    decide,
    f1,
    prevalence,
    sensitivity,
    specificity,
)
from ecg_keras.metrics.operating import (
    f_max,
    operating_scores,
    sample_f_max,
    sensitivity_at_specificity,
)
from ecg_keras.metrics.ranking import auprc, auroc, pr_curve, rank_scores, roc_curve
from ecg_keras.metrics.recalibration import (
    CLIP,
    Recalibration,
    fit_platt,
    fit_temperature,
    recalibrate,
)
from ecg_keras.metrics.ridge import RidgeHead, fit_ridge_head, spectrum
from ecg_keras.metrics.summary import (
    METRICS,
    LabelScorer,
    LabelScores,
    macro,
    score_labels,
    weighted,
)

__all__ = [
    "CLIP",
    "METRICS",
    "ChallengeScorer",
    "Confusion",
    "LabelScorer",
    "LabelScores",
    "Recalibration",
    "RidgeHead",
    "auprc",
    "auroc",
    "best_f1_thresholds",
    "brier",
    "challenge_gap",
    "challenge_score",
    "confusion",
    "decide",
    "ece",
    "f1",
    "f_max",
    "fit_platt",
    "fit_ridge_head",
    "fit_temperature",
    "macro",
    "operating_scores",
    "pr_curve",
    "prevalence",
    "rank_scores",
    "recalibrate",
    "reliability_curve",
    "roc_curve",
    "sample_f_max",
    "score_labels",
    "sensitivity",
    "sensitivity_at_specificity",
    "specificity",
    "spectrum",
    "weighted",
]
