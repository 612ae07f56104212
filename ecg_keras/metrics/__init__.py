"""Multi-label scores in plain NumPy: discrimination, decisions, thresholds and calibration."""

from ecg_keras.metrics.calibration import brier, ece, reliability_curve
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
from ecg_keras.metrics.ranking import auprc, auroc, pr_curve, rank_scores, roc_curve
from ecg_keras.metrics.summary import METRICS, LabelScores, macro, score_labels, weighted

__all__ = [
    "METRICS",
    "Confusion",
    "LabelScores",
    "auprc",
    "auroc",
    "best_f1_thresholds",
    "brier",
    "confusion",
    "decide",
    "ece",
    "f1",
    "macro",
    "pr_curve",
    "prevalence",
    "rank_scores",
    "reliability_curve",
    "roc_curve",
    "score_labels",
    "sensitivity",
    "specificity",
    "weighted",
]
