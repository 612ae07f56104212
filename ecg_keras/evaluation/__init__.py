"""Predictions, their scores with patient-bootstrap intervals, and paired comparisons."""

from ecg_keras.evaluation.bootstrap import Estimate
from ecg_keras.evaluation.budget import Budget, read_budgets
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
from ecg_keras.evaluation.evaluating import evaluate
from ecg_keras.evaluation.further import snomed_codes
from ecg_keras.evaluation.predicting import predict
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.run_facts import Fit, RunFacts, read_facts
from ecg_keras.evaluation.scores import LabelResult, Scores
from ecg_keras.evaluation.tuned_words import tuning_rows, tuning_sentence, tuning_table

__all__ = [
    "CALIBRATED_LOSS",
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
    "compare",
    "delong_test",
    "diagnose",
    "diagnose_comparison",
    "diagnose_run",
    "evaluate",
    "predict",
    "read_budgets",
    "read_facts",
    "score_validation",
    "snomed_codes",
    "tuning_rows",
    "tuning_sentence",
    "tuning_table",
    "upstream_is_no_better",
]
