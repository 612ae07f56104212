"""Predictions, their scores with patient-bootstrap intervals, and paired comparisons."""

from ecg_keras.evaluation.bootstrap import Estimate
from ecg_keras.evaluation.budget import Budget, read_budgets
from ecg_keras.evaluation.calibrating import Calibration, calibrate
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

__all__ = [
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
    "compare",
    "delong_test",
    "diagnose",
    "diagnose_comparison",
    "diagnose_run",
    "evaluate",
    "predict",
    "read_budgets",
    "read_facts",
    "snomed_codes",
    "upstream_is_no_better",
]
