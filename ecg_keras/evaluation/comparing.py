"""`compare`: the paired difference of two models on the same test records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ecg_keras.errors import DataError, look_up
from ecg_keras.evaluation.comparison import Comparison, Difference, LabelDifference
from ecg_keras.evaluation.delong import delong_test
from ecg_keras.evaluation.draws import check_settings, draw_all, draw_in, fill_absent, score_rows
from ecg_keras.evaluation.inference import Contrast, Design, infer_difference
from ecg_keras.evaluation.intervals import count_patients
from ecg_keras.evaluation.judging import MARGIN, judge
from ecg_keras.evaluation.pairing import check_same_labels, check_same_test
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.run_facts import Budget
from ecg_keras.metrics import METRICS, FloatArray


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
    limits = [
        _in_order(thresholds, one.labels, name)
        for thresholds, one, name in zip((thresholds_a, thresholds_b), (a, b), names, strict=True)
    ]
    a, b = a.sorted(), b.sorted()
    check_same_test(a, b, a.labels, names)
    support = count_patients(a.patient_ids, a.targets).support
    draws = draw_all(a.patient_ids, bootstrap, seed)
    scored = [draw_in(rows, support, draws.groups) for rows in score_rows([a, b], limits, draws)]
    means = [fill_absent(rows, support, draws.groups) for rows in scored]
    undefined = np.isnan(scored[0].auroc[0])
    if undefined.all():
        raise DataError(
            "no score is defined: each label needs a test record that has it and one that has not."
        )

    design = Design(draws.groups, len(a.record_ids), len(draws.patients))
    # the summary scores, then the AUROC of each label that is defined
    defined = np.flatnonzero(~undefined).tolist()
    pairs = [([score(own) for own in means], support) for score in METRICS.values()]
    pairs += [([one.auroc[:, at] for one in scored], support[at : at + 1]) for at in defined]
    found = [
        infer_difference((own - other)[None], design, behind, level)
        for (own, other), behind in pairs
    ]
    (verdict,) = judge([found[list(METRICS).index(metric)]], margin=margin, level=level)
    numbers = [_numbers(one, rows) for one, (rows, _) in zip(found, pairs, strict=True)]
    summary, of_labels = numbers[: len(METRICS)], numbers[len(METRICS) :]
    labels: dict[str, LabelDifference | None] = dict.fromkeys(a.labels)
    for at, values in zip(defined, of_labels, strict=True):
        labels[a.labels[at]] = LabelDifference(
            **values,
            resamples=int(np.count_nonzero(~np.isnan(scored[0].auroc[1 + draws.groups :, at]))),
            delong_p_value=_delong(a, b, at),
        )
    return Comparison(
        metric=metric,
        names=names,
        level=level,
        bootstrap=bootstrap,
        seed=seed,
        records=len(a.record_ids),
        patients=len(draws.patients),
        several_records=len(draws.patients) < len(a.record_ids),
        undefined=tuple(np.array(a.labels)[undefined].tolist()),
        verdict=verdict.word,
        summary={name: Difference(**row) for name, row in zip(METRICS, summary, strict=True)},
        labels=labels,
        budgets=budgets,
        margin=margin,
    )


def _in_order(
    thresholds: Mapping[str, float] | None, labels: tuple[str, ...], name: str
) -> FloatArray:
    if thresholds is None:
        return np.full(len(labels), 0.5)
    if set(thresholds) != set(labels):
        raise DataError(
            f"thresholds of {name} must be one for each label: {', '.join(labels)}. "
            f"Received: {', '.join(thresholds) or 'none'}."
        )
    return np.array([thresholds[label] for label in labels], dtype=np.float64)


def _delong(a: Predictions, b: Predictions, column: int) -> float | None:
    test = delong_test(a.targets[:, column], a.probabilities[:, column], b.probabilities[:, column])
    return None if np.isnan(test.p_value) else test.p_value


def _numbers(found: Contrast, rows: Sequence[FloatArray]) -> dict[str, float]:
    """The fields of a `Difference`; the first of the rows is of all patients."""
    a, b = (float(own[0]) for own in rows)
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "a": a,
        "b": b,
        "p_value": found.p_value,
    }
