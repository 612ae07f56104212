"""Multi-label scores in NumPy and SciPy: discrimination, decisions, thresholds and calibration."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.metrics.benefits import (
        benefit_of_all as benefit_of_all,
        net_benefit as net_benefit,
        worth_of_labels as worth_of_labels,
    )
    from ecg_keras.metrics.calibration import (
        CLIP as CLIP,
        brier as brier,
        cross_entropy as cross_entropy,
        ece as ece,
        reliability_bins as reliability_bins,
        reliability_curve as reliability_curve,
    )
    from ecg_keras.metrics.challenge import (
        YEARS as YEARS,
        ChallengeScorer as ChallengeScorer,
        challenge_gap as challenge_gap,
        challenge_score as challenge_score,
    )
    from ecg_keras.metrics.conformal import (
        SETS as SETS,
        By as By,
        ConformalLimits as ConformalLimits,
        conformal_sets as conformal_sets,
        fit_conformal as fit_conformal,
        least_patients as least_patients,
        patient_quantile as patient_quantile,
    )
    from ecg_keras.metrics.decisions import (
        Confusion as Confusion,
        best_f1_thresholds as best_f1_thresholds,
        confusion as confusion,
        decide as decide,
        f1 as f1,
        prevalence as prevalence,
        sensitivity as sensitivity,
        specificity as specificity,
    )
    from ecg_keras.metrics.inputs import (
        Weights as Weights,
        check_weights as check_weights,
        mean_over_records as mean_over_records,
        squeeze as squeeze,
    )
    from ecg_keras.metrics.operating import (
        f_max as f_max,
        operating_scores as operating_scores,
        sample_f_max as sample_f_max,
        sensitivity_at_specificity as sensitivity_at_specificity,
    )
    from ecg_keras.metrics.ranking import (
        auprc as auprc,
        auroc as auroc,
        pr_curve as pr_curve,
        rank_scores as rank_scores,
        roc_curve as roc_curve,
    )
    from ecg_keras.metrics.recalibration import (
        Recalibration as Recalibration,
        fit_platt as fit_platt,
        fit_temperature as fit_temperature,
        recalibrate as recalibrate,
    )
    from ecg_keras.metrics.ridge import (
        RidgeHead as RidgeHead,
        fit_ridge_head as fit_ridge_head,
        spectrum as spectrum,
    )
    from ecg_keras.metrics.summary import (
        SPECIFICITY as SPECIFICITY,
        FurtherScorer as FurtherScorer,
        FurtherScores as FurtherScores,
        LabelScorer as LabelScorer,
        LabelScores as LabelScores,
        macro as macro,
        score_labels as score_labels,
        weighted as weighted,
    )
    from ecg_keras.metrics.table import (
        FURTHER as FURTHER,
        METRICS as METRICS,
        Metric as Metric,
        score_name as score_name,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
