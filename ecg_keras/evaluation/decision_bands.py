"""`decision_curves`: net benefit over thresholds, with intervals over patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array, IntArray
from ecg_keras.evaluation.draws import Draws, check_settings, draw_all
from ecg_keras.evaluation.estimates import Estimate
from ecg_keras.evaluation.intervals import LEAST_PATIENTS, count_patients
from ecg_keras.evaluation.pairing import check_same_labels, check_same_test
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.variance import find_parts, free_degrees
from ecg_keras.metrics import mean_over_records, worth_of_labels

# Up to one half: beyond it a false alarm would be worse than a missed diagnosis.
THRESHOLDS = (0.01, *(step / 40 for step in range(1, 21)))
POOLED = "all labels"


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """The net benefit of one label, or of all pooled, at each threshold.

    Attributes:
        label: its name; `POOLED` of all labels together.
        thresholds: at which a record is treated.
        networks: of each network its net benefit with its interval, ``[network][threshold]``.
        treat_all: the net benefit of treating everybody; that of treating nobody is 0.
        gain: of the first network, over the better of treating all and nobody.
        difference: the first network less the second; empty of one network.
    """

    label: str
    thresholds: tuple[float, ...]
    networks: tuple[tuple[Estimate, ...], ...]
    treat_all: tuple[float, ...]
    gain: tuple[Estimate, ...]
    difference: tuple[Estimate, ...]


def decision_curves(
    networks: Sequence[Predictions],
    *,
    labels: Sequence[str] | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    names: tuple[str, str] = ("the first", "the second"),
) -> tuple[DecisionCurve, ...]:
    """Decision curves of one or two networks (Vickers & Elkin 2006), paired over patients.

    Intervals hold at one threshold at a time, and are those of `evaluate`: resamples and leave-outs
    of patients. Where fewer than five patients have or lack a label, it has none.

    Args:
        networks: calibrated predictions of one test, one or two.
        labels: that have a curve, besides that of all labels pooled; none takes all.
        thresholds: above 0 and below 1.
        bootstrap, level, seed: as of `evaluate`.
        names: of the networks, for errors.

    Returns:
        The curve of all labels pooled, whose net benefit is the mean of theirs, then of each label.

    Raises:
        ConfigError: a setting is out of range.
        DataError: the networks were tested on other records or labels, or on one patient.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ids, chance = np.arange(400).astype(str), rng.random((400, 1))
        >>> tested = Predictions(["MI"], ids, ids, rng.random((400, 1)) < chance, chance)
        >>> pooled, of_mi = decision_curves([tested], thresholds=[0.2], bootstrap=200)
        >>> of_mi.gain[0].low > 0
        True
    """
    check_settings(bootstrap, level)
    ordered = [one.sorted() for one in networks]
    first = ordered[0]
    for other in ordered[1:]:
        check_same_labels(first.labels, other.labels, names)
        check_same_test(first, other, first.labels, names)
    draws = draw_all(first.patient_ids, bootstrap, seed)
    shown = first.labels if labels is None else tuple(labels)
    limits = np.asarray(thresholds, dtype=np.float64)
    support = count_patients(first.patient_ids, first.targets).support
    everyone = np.ones_like(first.probabilities)
    every = [_rows(first, one.probabilities, limits, shown, draws) for one in ordered]
    every.append(_rows(first, everyone, limits, shown, draws))
    # by name ``(networks and all, rows, thresholds)``
    rows = {name: np.stack(own) for name, *own in zip((POOLED, *shown), *every, strict=True)}
    return tuple(
        _curve(
            name,
            own,
            limits,
            support if name == POOLED else support[[first.labels.index(name)]],
            draws.groups,
            level,
        )
        for name, own in rows.items()
    )


def _rows(
    test: Predictions,
    scores: npt.ArrayLike,
    limits: Float64Array,
    shown: Sequence[str],
    draws: Draws,
) -> list[Float64Array]:
    """Net benefit in every row of the draws, ``(rows, thresholds)``: of the mean, of each label."""
    total = np.zeros((len(test.record_ids), len(limits)))
    kept: dict[str, Float64Array] = {}
    worths = worth_of_labels(test.targets == 1, np.asarray(scores, np.float64), limits)
    for label, worth in zip(test.labels, worths, strict=True):
        total += worth
        if label in shown:
            kept[label] = worth
    # the worth of a record over all labels is the mean of theirs, as is that of the records
    wanted = np.concatenate([total / len(test.labels), *(kept[label] for label in shown)], axis=1)
    blocks = [mean_over_records(wanted, weights) for weights in draws.weights(test.patient_ids)]
    return np.split(np.concatenate(blocks), len(shown) + 1, axis=1)


def _curve(
    name: str,
    rows: Float64Array,
    limits: Float64Array,
    support: IntArray,
    groups: int,
    level: float,
) -> DecisionCurve:
    *networks, everyone = rows

    def estimate(values: Float64Array) -> tuple[Estimate, ...]:
        return tuple(_estimate(column, groups, support, level) for column in values.T)

    best_default = everyone * (everyone[0] > 0)
    return DecisionCurve(
        label=name,
        thresholds=tuple(limits.tolist()),
        networks=tuple(estimate(own) for own in networks),
        treat_all=tuple(everyone[0].tolist()),
        gain=estimate(networks[0] - best_default),
        difference=estimate(networks[0] - networks[1]) if len(networks) > 1 else (),
    )


def _estimate(rows: Float64Array, groups: int, support: IntArray, level: float) -> Estimate:
    value = float(rows[0])
    if support.sum() < LEAST_PATIENTS:
        return Estimate(value, math.nan, math.nan)
    reach = find_parts(rows[None, :], groups, free_degrees(support)).reach(level)
    return Estimate(value, value - reach, value + reach)
