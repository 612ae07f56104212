"""`evaluate`: from predictions to scores with patient-bootstrap intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import ConfigError, DataError, unknown_name
from ecg_keras.evaluation.calibrating import Calibration, calibrate
from ecg_keras.evaluation.choosing import choose_thresholds
from ecg_keras.evaluation.draws import (
    Draws,
    check_settings,
    draw_all,
    draw_in,
    fill_absent,
    join_rows,
)
from ecg_keras.evaluation.estimates import Estimate
from ecg_keras.evaluation.grouping import Grouping
from ecg_keras.evaluation.intervals import Patients, count_patients, estimate_mean, estimate_scores
from ecg_keras.evaluation.label_sets import fit_sets, measure_sets
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.scores import FURTHER_LABEL_SCORES, LABEL_SCORES, LabelResult, Scores
from ecg_keras.evaluation.subgroups import score_subgroups
from ecg_keras.metrics import (
    FURTHER,
    METRICS,
    By,
    FurtherScorer,
    FurtherScores,
    LabelScorer,
    LabelScores,
    challenge_gap,
    ece,
    macro,
)
from ecg_keras.sources import codes_of, find_source

Codes = Mapping[str, Collection[str]]
NO_CODES = "the labels have no SNOMED CT codes"


def evaluate(
    test: Predictions,
    valid: Predictions | None,
    *,
    calibration: Literal["none", "temperature", "platt"] = "none",
    thresholds: Literal["validation", "test", "fixed"] = "validation",
    codes: Codes | None = None,
    groupings: Sequence[Grouping] = (),
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    conformal: float | None = 0.9,
    conformal_by: By = "class",
) -> Scores:
    """Scores a model on its test split.

    Intervals are over the test patients, from resamples and leave-outs of them (see
    docs/statistics.md): how the scores of this trained model would vary with other test patients,
    not how they would vary with another training. Each contains its score; where fewer than five
    patients have or lack a label, there is none. A label that no or every test record has is
    undefined: it counts in no mean and is named.

    Args:
        test: predictions of the test split.
        valid: predictions of the validation split, which calibrate and choose the thresholds; may
            be ``None`` where neither is asked for.
        calibration: what is fitted on ``valid`` and applied to both splits before anything else:
            ``"temperature"`` (one for the model), ``"platt"`` (a slope and an intercept for each
            label) or ``"none"``. `Scores.calibration` applies it to other predictions.
        thresholds: ``"validation"`` takes for each label the one with the best F1 on ``valid``,
            and 0.5 where fewer than five patients have it there; ``"fixed"`` takes 0.5 for all;
            ``"test"`` the one with the best F1 on ``test`` itself, which flatters and is there to
            show by how much.
        codes: of each label its SNOMED CT codes, which the Challenge scores need; ``None`` leaves
            them undefined.
        groupings: of `group_records`: groups of test records that are scored beside the rest, as
            by `score_subgroups`.
        bootstrap: number of resamples, at least 100.
        level: of the intervals, above 0.5 and below 1.
        seed: of the resamples.
        conformal: the coverage of the sets of answers that are fitted on ``valid`` (`fit_sets`);
            ``None`` makes none.
        conformal_by: among whom they have it, ``"class"`` or ``"label"``.

    Raises:
        ConfigError: a setting is out of range, or ``valid`` is missing where it is needed.
        DataError: the splits have other labels, or all test records are of one patient.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ids = np.arange(200).astype(str)
        >>> targets = rng.integers(0, 2, (200, 1))
        >>> probabilities = 0.6 * targets + 0.4 * rng.random((200, 1))
        >>> split = Predictions(["MI"], ids, ids, targets, probabilities)
        >>> found = evaluate(split, split).summary["macro_auroc"]
        >>> found.value, round(found.low, 2), found.high
        (1.0, 0.96, 1.0)
    """
    check_settings(bootstrap, level)
    # Sorted, so that the order of the records changes nothing, to the last bit.
    test, valid = test.sorted(), None if valid is None else valid.sorted()
    fitted = _calibrate(test, valid, calibration)
    test, valid = fitted.apply(test), None if valid is None else fitted.apply(valid)
    limits, missing = _choose_thresholds(test, valid, thresholds)
    sets = None
    if valid is not None and conformal is not None:
        sets = measure_sets(fit_sets(valid, level=conformal, by=conformal_by), test, level)
    draws = draw_all(test.patient_ids, bootstrap, seed)
    patients = count_patients(test.patient_ids, test.targets)
    scored, further = _score_rows(test, limits, codes, draws, patients)
    means = fill_absent(scored, patients.support, draws.groups)
    defined = ~np.isnan(scored.auroc[0])
    errors = ece(test.targets, test.probabilities)
    return Scores(
        level=level,
        bootstrap=bootstrap,
        seed=seed,
        records=len(test.record_ids),
        patients=len(draws.patients),
        calibration=fitted,
        thresholds={label: float(t) for label, t in zip(test.labels, limits, strict=True)},
        thresholds_from=thresholds,
        thresholds_missing=missing,
        undefined=tuple(np.array(test.labels)[~defined].tolist()),
        summary={
            name: estimate_mean(name, metric(means), draws.groups, patients.support, level)
            for name, metric in METRICS.items()
        },
        further={
            name: estimate_mean(name, metric(further), draws.groups, patients.support, level)
            for name, metric in FURTHER.items()
        },
        macro_ece=float(macro(errors[defined])) if defined.any() else None,
        challenge_note=_explain_challenge(_columns(test.labels, codes)),
        labels={
            label: LabelResult(
                positives=int(test.targets[:, column].sum()),
                prevalence=float(scored.prevalence[0, column]),
                resamples=int((~np.isnan(scored.auroc[1 + draws.groups :, column])).sum()),
                **estimate_scores(scored, LABEL_SCORES, column, draws.groups, patients, level),
                **estimate_scores(
                    further, FURTHER_LABEL_SCORES, column, draws.groups, patients, level
                ),
                ece=float(errors[column]),
            )
            for column, label in enumerate(test.labels)
        },
        sets=sets,
        subgroups=score_subgroups(
            test, limits, groupings, bootstrap=bootstrap, level=level, seed=seed
        )
        if groupings
        else None,
    )


def estimate_labels(
    predictions: Predictions, thresholds: Float64Array, *, bootstrap: int, level: float, seed: int
) -> dict[str, dict[str, Estimate | None]]:
    """Each label's scores at given thresholds, with the intervals that `evaluate` gives them.

    Args:
        predictions: predictions, of which nothing is calibrated.
        thresholds: ``(labels,)``, or ``(records, labels)`` in the order of the records.
        bootstrap, level, seed: as for `evaluate`.

    Returns:
        By label, the scores of `ecg_keras.evaluation.scores.LABEL_SCORES`.
    """
    order = np.argsort(predictions.record_ids)
    limits = np.broadcast_to(thresholds, predictions.probabilities.shape)[order]
    predictions = predictions.take(order)
    draws = draw_all(predictions.patient_ids, bootstrap, seed)
    patients = count_patients(predictions.patient_ids, predictions.targets)
    scorer = LabelScorer(predictions.targets, predictions.probabilities, limits)
    scored = join_rows(
        [scorer.score(weights) for weights in draws.weights(predictions.patient_ids)]
    )
    rows = draw_in(scored, patients.support, draws.groups)
    return {
        label: estimate_scores(rows, LABEL_SCORES, column, draws.groups, patients, level)
        for column, label in enumerate(predictions.labels)
    }


def _score_rows(
    test: Predictions, limits: Float64Array, codes: Codes | None, draws: Draws, patients: Patients
) -> tuple[LabelScores, FurtherScores]:
    """All scores in every row of the draws."""
    scorer = LabelScorer(test.targets, test.probabilities, limits)
    more = FurtherScorer(scorer, _columns(test.labels, codes))
    blocks = [
        (scorer.score(weights), more.score(weights)) for weights in draws.weights(test.patient_ids)
    ]
    scored, further = (join_rows(own) for own in zip(*blocks, strict=True))
    return (
        draw_in(scored, patients.support, draws.groups),
        draw_in(further, patients.support, draws.groups),
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
) -> tuple[Float64Array, tuple[str, ...]]:
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
    return choose_thresholds(valid)


def _columns(labels: Sequence[str], codes: Codes | None) -> list[Collection[str]] | None:
    """The codes of each label, in the order of the columns."""
    return None if codes is None else [codes.get(label, ()) for label in labels]


def _explain_challenge(columns: Sequence[Collection[str]] | None) -> str | None:
    """Why labels have no score of the Challenge of 2021; ``None`` where they have one."""
    return NO_CODES if columns is None else challenge_gap(columns)


def snomed_codes(source: str, label_set: str) -> Codes | None:
    """The SNOMED CT codes of a source's labels.

    Args:
        source: a name of `ecg_keras.sources.SOURCES`, or the dotted name of a module. A module
            whose database is coded in SNOMED CT has ``DEFINITIONS``: for each label set, of each
            label its codes.
        label_set: of the source.

    Returns:
        ``None`` where the source has no codes, or is not installed here.

    Example:
        >>> snomed_codes("georgia", "georgia")["AF"]
        ('164889003',)
    """
    try:
        return codes_of(find_source(source), label_set)
    except ConfigError:
        return None
