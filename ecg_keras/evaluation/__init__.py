"""Predictions, their scores with intervals over patients, paired comparisons and verdicts."""

from ecg_keras.evaluation.arm_scores import plan_draws, score_arm
from ecg_keras.evaluation.arms import Arm, Thresholds, check_arms
from ecg_keras.evaluation.calibrating import Calibration, calibrate
from ecg_keras.evaluation.choosing import (
    CALIBRATED_LOSS,
    choose,
    choose_thresholds,
    score_validation,
)
from ecg_keras.evaluation.comparing import compare
from ecg_keras.evaluation.comparison import Comparison, Difference, LabelDifference
from ecg_keras.evaluation.contrast import contrast, contrasts
from ecg_keras.evaluation.decision_bands import POOLED, DecisionCurve, decision_curves
from ecg_keras.evaluation.delong import DeLong, delong_test
from ecg_keras.evaluation.diagnostics import (
    Pair,
    diagnose,
    diagnose_comparison,
    diagnose_run,
    upstream_is_no_better,
)
from ecg_keras.evaluation.draws import check_settings
from ecg_keras.evaluation.estimates import Estimate, p_text, with_interval, without_nan
from ecg_keras.evaluation.evaluating import estimate_labels, evaluate, snomed_codes
from ecg_keras.evaluation.gained import Gained, GroupGain, say_gains
from ecg_keras.evaluation.grouping import AGE, Grouping, group_records, parse_column
from ecg_keras.evaluation.inference import (
    Contrast,
    Design,
    infer,
    infer_difference,
)
from ecg_keras.evaluation.intervals import LEAST_PATIENTS, Patients, count_patients
from ecg_keras.evaluation.judging import (
    FEWEST_SEEDS,
    MARGIN,
    WORDS,
    Plan,
    Verdict,
    Word,
    correct,
    count_words,
    judge,
    overall,
)
from ecg_keras.evaluation.label_sets import (
    LabelSet,
    LabelSets,
    expected_coverage,
    fit_sets,
    measure_sets,
    read_sets,
)
from ecg_keras.evaluation.pairing import is_same_test
from ecg_keras.evaluation.predicting import predict, predict_splits
from ecg_keras.evaluation.prediction_tables import KINDS as TABLE_KINDS
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.run_facts import (
    Budget,
    Fit,
    RunFacts,
    mean_budget,
    read_budgets,
    read_facts,
    warn_of_budgets,
)
from ecg_keras.evaluation.scores import LabelResult, Scores
from ecg_keras.evaluation.signal_reference import (
    SignalReference,
    fit_reference,
    make_reference,
)
from ecg_keras.evaluation.subgroup_scores import (
    Beside,
    Subgroup,
    SubgroupLabel,
    Subgroups,
    name_score,
)
from ecg_keras.evaluation.subgroups import common_labels, score_subgroups
from ecg_keras.evaluation.tuning_words import (
    describe_tuning,
    tuning_rows,
    tuning_sentence,
    tuning_table,
)
from ecg_keras.evaluation.variance import free_degrees

__all__ = [
    "AGE",
    "CALIBRATED_LOSS",
    "FEWEST_SEEDS",
    "LEAST_PATIENTS",
    "MARGIN",
    "POOLED",
    "TABLE_KINDS",
    "WORDS",
    "Arm",
    "Beside",
    "Budget",
    "Calibration",
    "Comparison",
    "Contrast",
    "DeLong",
    "DecisionCurve",
    "Design",
    "Difference",
    "Estimate",
    "Fit",
    "Gained",
    "GroupGain",
    "Grouping",
    "LabelDifference",
    "LabelResult",
    "LabelSet",
    "LabelSets",
    "Pair",
    "Patients",
    "Plan",
    "Predictions",
    "RunFacts",
    "Scores",
    "SignalReference",
    "Subgroup",
    "SubgroupLabel",
    "Subgroups",
    "Thresholds",
    "Verdict",
    "Word",
    "calibrate",
    "check_arms",
    "check_settings",
    "choose",
    "choose_thresholds",
    "common_labels",
    "compare",
    "contrast",
    "contrasts",
    "correct",
    "count_patients",
    "count_words",
    "decision_curves",
    "delong_test",
    "describe_tuning",
    "diagnose",
    "diagnose_comparison",
    "diagnose_run",
    "estimate_labels",
    "evaluate",
    "expected_coverage",
    "fit_reference",
    "fit_sets",
    "free_degrees",
    "group_records",
    "infer",
    "infer_difference",
    "is_same_test",
    "judge",
    "make_reference",
    "mean_budget",
    "measure_sets",
    "name_score",
    "overall",
    "p_text",
    "parse_column",
    "plan_draws",
    "predict",
    "predict_splits",
    "read_budgets",
    "read_facts",
    "read_sets",
    "say_gains",
    "score_arm",
    "score_subgroups",
    "score_validation",
    "snomed_codes",
    "tuning_rows",
    "tuning_sentence",
    "tuning_table",
    "upstream_is_no_better",
    "warn_of_budgets",
    "with_interval",
    "without_nan",
]
