"""Predictions, their scores with patient-bootstrap intervals, and paired comparisons."""

from ecg_keras.evaluation.bootstrap import Estimate
from ecg_keras.evaluation.budget import (
    Budget,
    describe_tuning,
    mean_budget,
    read_budgets,
    warn_of_budgets,
)
from ecg_keras.evaluation.calibrating import Calibration, calibrate
from ecg_keras.evaluation.choosing import CALIBRATED_LOSS, choose, score_validation
from ecg_keras.evaluation.comparing import compare
from ecg_keras.evaluation.comparison import Comparison, Difference, LabelDifference
from ecg_keras.evaluation.delong import DeLong, delong_test
from ecg_keras.evaluation.diagnostics import (
    Pair,
    diagnose,
    diagnose_comparison,
    diagnose_run,
    upstream_is_no_better,
)
from ecg_keras.evaluation.evaluating import estimate_labels, evaluate, snomed_codes
from ecg_keras.evaluation.predicting import predict
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.run_facts import Fit, RunFacts, read_facts
from ecg_keras.evaluation.scores import LabelResult, Scores
from ecg_keras.evaluation.tables import p_text, with_interval
from ecg_keras.evaluation.thresholds import LEAST_PATIENTS, choose_thresholds
from ecg_keras.evaluation.tuned_words import tuning_rows, tuning_sentence, tuning_table

__all__ = [
    "CALIBRATED_LOSS",
    "LEAST_PATIENTS",
    "Budget",
    "Calibration",
    "Comparison",
    "DeLong",
    "Difference",
    "Estimate",
    "Fit",
    "LabelDifference",
    "LabelResult",
    "Pair",
    "Predictions",
    "RunFacts",
    "Scores",
    "calibrate",
    "choose",
    "choose_thresholds",
    "compare",
    "delong_test",
    "describe_tuning",
    "diagnose",
    "diagnose_comparison",
    "diagnose_run",
    "estimate_labels",
    "evaluate",
    "mean_budget",
    "p_text",
    "predict",
    "read_budgets",
    "read_facts",
    "score_validation",
    "snomed_codes",
    "tuning_rows",
    "tuning_sentence",
    "tuning_table",
    "upstream_is_no_better",
    "warn_of_budgets",
    "with_interval",
]
