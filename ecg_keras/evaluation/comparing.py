"""`compare`: the paired difference of two models on the same test records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import look_up
from ecg_keras.evaluation.arms import Arm
from ecg_keras.evaluation.comparison import Comparison, Difference, LabelDifference
from ecg_keras.evaluation.contrasting import align_arms
from ecg_keras.evaluation.delong import delong_p_values
from ecg_keras.evaluation.draws import check_settings
from ecg_keras.evaluation.inference import Contrast
from ecg_keras.evaluation.judging import MARGIN, judge
from ecg_keras.evaluation.pairing import check_same_labels
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.run_facts import Budget
from ecg_keras.metrics import METRICS


def compare(
    a: Predictions,
    b: Predictions,
    *,
    metric: str = "macro_auroc",
    names: tuple[str, str] = ("a", "b"),
    thresholds_a: Mapping[str, float] | None = None,
    thresholds_b: Mapping[str, float] | None = None,
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    budgets: tuple[Budget, Budget] | None = None,
    margin: float = MARGIN,
) -> Comparison:
    """The difference a - b in every summary score and in each label's AUROC.

    Both models are scored on the same resamples of the test patients, so what makes a resample
    easy or hard for both cancels out of the difference. `evaluate` describes the intervals.

    Args:
        a: test predictions of the first model, such as a fine-tuned one.
        b: test predictions of the second, of the same records in any order.
        metric: the score that decides, a name of `ecg_keras.metrics.METRICS`.
        names: what to call them.
        thresholds_a: each label's threshold for a, as in `Scores.thresholds`; none takes 0.5.
        thresholds_b: the same for b.
        bootstrap: number of resamples, at least 100.
        level: of the intervals, above 0.5 and below 1.
        seed: of the resamples.
        budgets: what both were trained for, from `read_budgets`, to be shown beside the difference.
        margin: differences below it do not matter: two models within it are equivalent.

    Raises:
        ConfigError: a setting is out of range, or there is no such metric.
        DataError: records, patients, targets or labels of the two differ, thresholds are not one
            for each label, all records are of one patient, or every label is undefined.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ids = np.arange(300).astype(str)
        >>> targets = rng.integers(0, 2, (300, 1))
        >>> noise = rng.random((300, 1))
        >>> good = Predictions(["MI"], ids, ids, targets, 0.4 * targets + 0.6 * noise)
        >>> poor = Predictions(["MI"], ids, ids, targets, 0.1 * targets + 0.9 * noise)
        >>> compare(good, poor).verdict
        'better'
    """
    look_up("metric", metric, METRICS)
    check_settings(bootstrap, level)
    check_same_labels(a.labels, b.labels, names)
    arms = [
        Arm(((test,),), ((thresholds,),), name=name)
        for test, thresholds, name in zip((a, b), (thresholds_a, thresholds_b), names, strict=True)
    ]
    aligned = align_arms(arms, [1.0, -1.0], bootstrap, seed)
    summary = {name: aligned.infer_mean(name, level) for name in METRICS}
    (verdict,) = judge([summary[metric]], margin=margin, level=level)
    ours, theirs = aligned.scored
    delong = delong_p_values(a, b)
    resampled = ours.auroc[:, 0, 1 + aligned.draws.groups :]
    labels: dict[str, LabelDifference | None] = dict.fromkeys(a.labels)
    for column, label in enumerate(a.labels):
        found = aligned.infer_label(column, level)
        if found is not None:
            labels[label] = LabelDifference(
                **_numbers(found, ours.auroc[column], theirs.auroc[column]),
                resamples=int(np.count_nonzero(~np.isnan(resampled[column]))),
                delong_p_value=delong[label],
            )
    return Comparison(
        metric=metric,
        names=names,
        level=level,
        bootstrap=bootstrap,
        seed=seed,
        records=len(a.record_ids),
        patients=len(aligned.draws.patients),
        several_records=len(aligned.draws.patients) < len(a.record_ids),
        undefined=tuple(label for label, found in labels.items() if found is None),
        verdict=verdict.word,
        summary={
            name: Difference(**_numbers(found, ours.summary[name], theirs.summary[name]))
            for name, found in summary.items()
        },
        labels=labels,
        budgets=budgets,
        margin=margin,
        has_ridge_head=False,
    )


def _numbers(found: Contrast, ours: Float64Array, theirs: Float64Array) -> dict[str, float]:
    """The fields of a `Difference`; scores are ``(seeds, rows)``, the first row of all patients."""
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "a": float(ours[0, 0]),
        "b": float(theirs[0, 0]),
        "p_value": found.p_value,
    }
