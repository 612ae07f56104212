"""`evaluate`: from predictions to scores with patient-bootstrap intervals."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError, DataError, unknown_name
from ecg_keras.evaluation.bootstrap import check_settings, estimate, resample_scores
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.scores import LABEL_SCORES, LabelResult, Scores
from ecg_keras.metrics import METRICS, best_f1_thresholds, score_labels


def evaluate(
    test: Predictions,
    valid: Predictions | None,
    *,
    thresholds: Literal["validation", "fixed"] = "validation",
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Scores:
    """Scores a model on its test split.

    Intervals are percentiles over resamples of the test patients (see docs/statistics.md). They
    tell how the scores of this trained model would vary with other test patients, not how they
    would vary with another training. A label that no or every test record has is undefined: it
    counts in no mean and is named. In a resample where a label is undefined, the means are taken
    over the others, and the label's own interval over the remaining resamples.

    Args:
        test: predictions of the test split.
        valid: predictions of the validation split, which choose the thresholds; may be ``None``
            for fixed thresholds.
        thresholds: ``"validation"`` takes for each label the one with the best F1 on ``valid``;
            ``"fixed"`` takes 0.5.
        bootstrap: number of resamples, at least 100.
        level: of the intervals, above 0.5 and below 1.
        seed: of the resamples.

    Raises:
        ConfigError: a setting is out of range, or ``valid`` is missing where it is needed.
        DataError: the splits have other labels, or all test records are of one patient.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ids = np.arange(200).astype(str)
        >>> targets = rng.integers(0, 2, (200, 1))
        >>> probabilities = 0.6 * targets + 0.4 * rng.random((200, 1))
        >>> split = Predictions(["MI"], ids, ids, targets, probabilities)
        >>> evaluate(split, split).summary["macro_auroc"]
        Estimate(value=1.0, low=1.0, high=1.0)
    """
    check_settings(bootstrap, level)
    limits, missing = _choose_thresholds(test, valid, thresholds)
    test = test.sorted()  # so that the order of the records changes nothing, to the last bit
    point = score_labels(test.targets, test.probabilities, limits)
    (resampled,) = resample_scores([test], [limits], bootstrap=bootstrap, seed=seed)
    defined = ~np.isnan(point.auroc)
    return Scores(
        level=level,
        bootstrap=bootstrap,
        seed=seed,
        records=len(test.record_ids),
        patients=len(np.unique(test.patient_ids)),
        thresholds={label: float(t) for label, t in zip(test.labels, limits, strict=True)},
        thresholds_from=thresholds,
        thresholds_missing=missing,
        undefined=tuple(np.array(test.labels)[~defined].tolist()),
        summary={
            name: estimate(float(metric(point)), metric(resampled), level)
            for name, metric in METRICS.items()
        },
        labels={
            label: LabelResult(
                positives=int(test.targets[:, column].sum()),
                prevalence=float(point.prevalence[column]),
                resamples=int((~np.isnan(resampled.auroc[:, column])).sum()),
                **{
                    name: estimate(
                        float(getattr(point, name)[column]),
                        getattr(resampled, name)[:, column],
                        level,
                    )
                    for name in LABEL_SCORES
                },
            )
            for column, label in enumerate(test.labels)
        },
    )


def _choose_thresholds(
    test: Predictions, valid: Predictions | None, thresholds: str
) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """A threshold for each label, and the labels for which validation had none to offer."""
    if thresholds == "fixed":
        return np.full(len(test.labels), 0.5), ()
    if thresholds != "validation":
        raise ConfigError(unknown_name("choice of thresholds", thresholds, ("fixed", "validation")))
    if valid is None:
        raise ConfigError(
            "thresholds from validation need the predictions of the validation split. Pass them, "
            "or set thresholds to 'fixed'."
        )
    if valid.labels != test.labels:
        raise DataError(
            "validation and test predictions must have the same labels in the same order. "
            f"Received: {', '.join(valid.labels)} and {', '.join(test.labels)}."
        )
    absent = np.array(valid.labels)[~valid.targets.any(axis=0)]
    return best_f1_thresholds(valid.targets, valid.probabilities), tuple(absent.tolist())
