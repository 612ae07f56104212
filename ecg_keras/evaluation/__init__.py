"""Predictions, their scores with intervals over patients, paired comparisons and verdicts."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.evaluation.arm_scores import plan_draws as plan_draws, score_arm as score_arm
    from ecg_keras.evaluation.arms import (
        Arm as Arm,
        Thresholds as Thresholds,
        check_arms as check_arms,
    )
    from ecg_keras.evaluation.calibrating import Calibration as Calibration, calibrate as calibrate
    from ecg_keras.evaluation.choosing import (
        CALIBRATED_LOSS as CALIBRATED_LOSS,
        choose as choose,
        choose_thresholds as choose_thresholds,
        score_validation as score_validation,
    )
    from ecg_keras.evaluation.comparing import compare as compare
    from ecg_keras.evaluation.comparison import (
        Comparison as Comparison,
        Difference as Difference,
        LabelDifference as LabelDifference,
    )
    from ecg_keras.evaluation.contrasting import contrast as contrast, contrasts as contrasts
    from ecg_keras.evaluation.decision_bands import (
        POOLED as POOLED,
        DecisionCurve as DecisionCurve,
        decision_curves as decision_curves,
    )
    from ecg_keras.evaluation.delong import (
        DeLong as DeLong,
        delong_p_values as delong_p_values,
        delong_test as delong_test,
    )
    from ecg_keras.evaluation.diagnostics import (
        Pair as Pair,
        diagnose as diagnose,
        diagnose_comparison as diagnose_comparison,
        diagnose_run as diagnose_run,
        diagnose_ways as diagnose_ways,
        upstream_is_no_better as upstream_is_no_better,
    )
    from ecg_keras.evaluation.draws import check_settings as check_settings
    from ecg_keras.evaluation.estimates import (
        Estimate as Estimate,
        p_text as p_text,
        share_interval as share_interval,
        with_interval as with_interval,
        without_nan as without_nan,
    )
    from ecg_keras.evaluation.evaluating import (
        estimate_labels as estimate_labels,
        evaluate as evaluate,
        snomed_codes as snomed_codes,
    )
    from ecg_keras.evaluation.gained import (
        Gained as Gained,
        GroupGain as GroupGain,
        say_gains as say_gains,
    )
    from ecg_keras.evaluation.grouping import (
        AGE as AGE,
        Grouping as Grouping,
        group_records as group_records,
        name_comparisons as name_comparisons,
        parse_column as parse_column,
    )
    from ecg_keras.evaluation.inference import (
        Contrast as Contrast,
        Design as Design,
        infer as infer,
        infer_difference as infer_difference,
    )
    from ecg_keras.evaluation.intervals import (
        LEAST_PATIENTS as LEAST_PATIENTS,
        Patients as Patients,
        count_patients as count_patients,
    )
    from ecg_keras.evaluation.judging import (
        FEWEST_SEEDS as FEWEST_SEEDS,
        MARGIN as MARGIN,
        WORDS as WORDS,
        Plan as Plan,
        Verdict as Verdict,
        Word as Word,
        correct as correct,
        correct_once as correct_once,
        count_words as count_words,
        judge as judge,
        overall as overall,
    )
    from ecg_keras.evaluation.label_sets import (
        LabelSet as LabelSet,
        LabelSets as LabelSets,
        expected_coverage as expected_coverage,
        fit_sets as fit_sets,
        measure_sets as measure_sets,
        read_sets as read_sets,
    )
    from ecg_keras.evaluation.pairing import is_same_test as is_same_test
    from ecg_keras.evaluation.predicting import predict as predict, predict_splits as predict_splits
    from ecg_keras.evaluation.prediction_tables import TABLE_KINDS as TABLE_KINDS
    from ecg_keras.evaluation.predictions import Predictions as Predictions
    from ecg_keras.evaluation.run_facts import (
        Budget as Budget,
        Fit as Fit,
        RunFacts as RunFacts,
        count_scarce as count_scarce,
        mean_budget as mean_budget,
        read_budgets as read_budgets,
        read_facts as read_facts,
        warn_of_budgets as warn_of_budgets,
    )
    from ecg_keras.evaluation.scores import LabelResult as LabelResult, Scores as Scores
    from ecg_keras.evaluation.signal_reference import (
        SignalReference as SignalReference,
        fit_reference as fit_reference,
        make_reference as make_reference,
    )
    from ecg_keras.evaluation.subgroup_scores import (
        Beside as Beside,
        Subgroup as Subgroup,
        SubgroupLabel as SubgroupLabel,
        Subgroups as Subgroups,
        name_score as name_score,
    )
    from ecg_keras.evaluation.subgroups import (
        common_labels as common_labels,
        score_subgroups as score_subgroups,
    )
    from ecg_keras.evaluation.tuning_words import (
        NO_RATE as NO_RATE,
        UNKNOWN_TUNING as UNKNOWN_TUNING,
        describe_tuning as describe_tuning,
        say_beyond as say_beyond,
        tuning_rows as tuning_rows,
        tuning_sentence as tuning_sentence,
        tuning_table as tuning_table,
    )
    from ecg_keras.evaluation.variance import free_degrees as free_degrees
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
