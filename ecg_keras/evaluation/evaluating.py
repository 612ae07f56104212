"""`evaluate`: from predictions to scores with patient-bootstrap intervals."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError, DataError, unknown_name
from ecg_keras.evaluation.bootstrap import check_settings, estimate, resample_scores
from ecg_keras.evaluation.calibrating import Calibration, calibrate
from ecg_keras.evaluation.further import (
    FURTHER,
    Codes,
    explain_challenge,
    resample_further,
    score_further,
)
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.scores import FURTHER_LABEL_SCORES, LABEL_SCORES, LabelResult, Scores
from ecg_keras.metrics import METRICS, best_f1_thresholds, ece, macro, score_labels


def evaluate(
    test: Predictions,
    valid: Predictions | None,
    *,
    calibration: Literal["none", "temperature", "platt"] = "none",
    thresholds: Literal["validation", "test", "fixed"] = "validation",
    codes: Codes | None = None,
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
        valid: predictions of the validation split, which calibrate and choose the thresholds; may
            be ``None`` where neither is asked for.
        calibration: what is fitted on ``valid`` and applied to both splits before anything else:
            ``"temperature"`` (one for the model), ``"platt"`` (a slope and an intercept for each
            label) or ``"none"``. `Scores.calibration` applies it to other predictions.
        thresholds: ``"validation"`` takes for each label the one with the best F1 on ``valid``;
            ``"fixed"`` takes 0.5; ``"test"`` the one with the best F1 on ``test`` itself, which
            flatters and is there to show by how much.
        codes: of each label its SNOMED CT codes, which the Challenge scores need; ``None`` leaves
            them undefined.
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
    # Sorted, so that the order of the records changes nothing, to the last bit.
    test, valid = test.sorted(), None if valid is None else valid.sorted()
    mended = _calibrate(test, valid, calibration)
    test, valid = mended.apply(test), None if valid is None else mended.apply(valid)
    limits, missing = _choose_thresholds(test, valid, thresholds)
    point = score_labels(test.targets, test.probabilities, limits)
    further = score_further(test, limits, codes)
    (resampled,) = resample_scores([test], [limits], bootstrap=bootstrap, seed=seed)
    also = resample_further(test, limits, codes, bootstrap=bootstrap, seed=seed)
    defined = ~np.isnan(point.auroc)
    errors = ece(test.targets, test.probabilities)
    return Scores(
        level=level,
        bootstrap=bootstrap,
        seed=seed,
        records=len(test.record_ids),
        patients=len(np.unique(test.patient_ids)),
        calibration=mended,
        thresholds={label: float(t) for label, t in zip(test.labels, limits, strict=True)},
        thresholds_from=thresholds,
        thresholds_missing=missing,
        undefined=tuple(np.array(test.labels)[~defined].tolist()),
        summary={
            name: estimate(float(metric(point)), metric(resampled), level)
            for name, metric in METRICS.items()
        },
        further={
            name: estimate(float(metric(further)), metric(also), level)
            for name, metric in FURTHER.items()
        },
        macro_ece=float(macro(errors[defined])) if defined.any() else None,
        challenge_note=explain_challenge(test.labels, codes),
        labels={
            label: LabelResult(
                positives=int(test.targets[:, column].sum()),
                prevalence=float(point.prevalence[column]),
                resamples=int((~np.isnan(resampled.auroc[:, column])).sum()),
                **{
                    name: estimate(
                        float(getattr(scores, name)[column]),
                        getattr(samples, name)[:, column],
                        level,
                    )
                    for scores, samples, names in (
                        (point, resampled, LABEL_SCORES),
                        (further, also, FURTHER_LABEL_SCORES),
                    )
                    for name in names
                },
                ece=float(errors[column]),
            )
            for column, label in enumerate(test.labels)
        },
    )


def _calibrate(test: Predictions, valid: Predictions | None, method: str) -> Calibration:
    """What is fitted on validation, after a look at whether it can be."""
    if valid is None:
        if method != "none":
            raise ConfigError(
                "a calibration needs the predictions of the validation split. Pass them, or set "
                "calibration to 'none'."
            )
        return calibrate(test, method)
    if valid.labels != test.labels:
        raise DataError(
            "validation and test predictions must have the same labels in the same order. "
            f"Received: {', '.join(valid.labels)} and {', '.join(test.labels)}."
        )
    return calibrate(valid, method)


def _choose_thresholds(
    test: Predictions, valid: Predictions | None, thresholds: str
) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """A threshold for each label, and the labels for which validation had none to offer."""
    if thresholds == "fixed":
        return np.full(len(test.labels), 0.5), ()
    if thresholds not in ("validation", "test"):
        allowed = ("fixed", "test", "validation")
        raise ConfigError(unknown_name("choice of thresholds", thresholds, allowed))
    if thresholds == "test":
        valid = test
    if valid is None:
        raise ConfigError(
            "thresholds from validation need the predictions of the validation split. Pass them, "
            "or set thresholds to 'fixed'."
        )
    absent = np.array(valid.labels)[~valid.targets.any(axis=0)]
    return best_f1_thresholds(valid.targets, valid.probabilities), tuple(absent.tolist())
