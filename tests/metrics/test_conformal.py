"""Conformal limits: exact on small cases, and right as often as promised on new patients."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import (
    SETS,
    conformal_sets,
    fit_conformal,
    fit_platt,
    least_patients,
    patient_quantile,
    recalibrate,
)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(50, 99))
def test_with_one_record_a_patient_the_quantile_is_an_order_statistic(scores, percent):
    rank = -(-(len(scores) + 1) * percent // 100)
    expected = sorted(scores)[rank - 1] if rank <= len(scores) else math.inf
    assert patient_quantile(scores, np.arange(len(scores)), percent / 100) == expected


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=30),
    st.floats(0.5, 0.95),
)
def test_a_patient_counts_once_however_many_records_there_are(rows, level):
    scores, patients = map(list, zip(*rows, strict=True))
    once = patient_quantile(scores, patients, level)
    assert patient_quantile(scores * 3, patients * 3, level) == once
    order = np.random.default_rng(0).permutation(len(scores))
    assert patient_quantile(np.array(scores)[order], np.array(patients)[order], level) == once


def leave_one_out(scores, patients, level):
    """Over the patients, the mean share of records that the others' quantile covers."""
    shares = []
    for one in np.unique(patients):
        own = patients == one
        limit = patient_quantile(scores[~own], patients[~own], level)
        shares.append((scores[own] <= limit).mean())
    return np.mean(shares)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(12, 40), st.sampled_from([0.8, 0.9]))
def test_of_exchangeable_patients_as_many_are_covered_as_promised(seed, patients, level):
    """The guarantee itself: any of the patients may be the new one, so their mean is covered."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(patients), rng.integers(1, 6, patients))
    # patients with many records are those with high scores: records are not exchangeable
    scores = np.bincount(of)[of] + rng.normal(size=patients)[of] + 0.1 * rng.normal(size=len(of))
    assert leave_one_out(scores, of, level) >= level - 1e-9


def test_to_ignore_patients_would_cover_too_few():
    """What the weights are for: one record of a person says little of another's."""
    rng = np.random.default_rng(1)
    covered, naive = [], []
    for _ in range(300):
        many = rng.random(31) < 0.2
        of = np.repeat(np.arange(31), np.where(many, 30, 1))
        scores = np.where(many, 0.0, 1.0)[of] + rng.random(len(of))
        own, new = of < 30, of == 30
        covered.append((scores[new] <= patient_quantile(scores[own], of[own], 0.9)).mean())
        alone = np.arange(own.sum())
        naive.append((scores[new] <= patient_quantile(scores[own], alone, 0.9)).mean())
    assert np.mean(covered) > 0.88 and np.mean(naive) < 0.75


def draw(rng, patients, prevalence=0.1):
    """Patients with one to four records, of whom some have a label that a network ranks badly."""
    of = np.repeat(np.arange(patients), rng.integers(1, 5, patients))
    having = (rng.random(patients) < prevalence)[of]
    logits = 1.5 * having - 2 + rng.normal(size=patients)[of] + 0.5 * rng.normal(size=len(of))
    return having[:, None], (1 / (1 + np.exp(-logits)))[:, None].astype(np.float32), of


def covered(found, having, of, side):
    held = (found & (2 if side else 1)) > 0
    chosen = having == side
    shares = np.bincount(of[chosen], held[chosen]) / np.maximum(np.bincount(of[chosen]), 1)
    return shares[np.unique(of[chosen])].mean()


@pytest.mark.parametrize("by", ["class", "label"])
def test_coverage_is_that_of_the_level_also_for_the_rare_positives(by):
    rng = np.random.default_rng(2)
    rates = []
    for _ in range(150):
        having, p, of = draw(rng, 400)
        limits = fit_conformal(having, p, of, level=0.9, by=by)
        having, p, of = draw(rng, 400)
        found = conformal_sets(p, *limits[:2])[:, 0]
        rates.append([covered(found, having[:, 0], of, side) for side in (True, False)])
    positives, negatives = np.mean(rates, axis=0)
    assert negatives > 0.89
    if by == "class":
        assert 0.89 < positives < 0.94
    else:  # all together are covered, and the rare ones are not
        assert positives < 0.6


def test_calibrated_probabilities_have_the_same_sets():
    having, p, of = draw(np.random.default_rng(3), 300)
    mapped = recalibrate(p, *fit_platt(having, p)[:2])
    plain, calibrated = (
        conformal_sets(values, *fit_conformal(having, values, of)[:2]) for values in (p, mapped)
    )
    assert np.array_equal(plain, calibrated)


@pytest.mark.parametrize("by", ["class", "label"])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.7, 0.45])
def test_records_of_the_very_limit_are_covered(by, p):
    same, having = np.full((40, 1), p), np.arange(40)[:, None] < 20
    found = conformal_sets(same, *fit_conformal(having, same, np.arange(40), by=by)[:2])
    assert np.where(having, found & 2, found & 1).all()


def test_too_few_patients_of_a_class_leave_a_label_without_limits():
    p = np.linspace(0, 1, 60)[:, None]
    having, patients = p > 0.5, np.arange(60)
    # ten records of eight patients have it
    few = np.where(having, np.arange(60)[:, None] >= 50, False)
    names = np.where(patients >= 58, 57, patients)
    found = fit_conformal(np.hstack([having, few]), np.hstack([p, p]), names)
    assert found.with_label.tolist() == [28, 8]
    assert (
        np.isnan(found.absent_to).tolist() == np.isnan(found.present_from).tolist() == [False, True]
    )
    assert conformal_sets([[0.9, 0.9]], *found[:2]).tolist() == [[2, -1]]
    assert least_patients(0.9) == 9 and least_patients(0.99) == 99
    assert not np.isnan(fit_conformal(few, p, names, by="label").absent_to).any()


def test_a_network_that_knows_nothing_says_either_and_an_odd_answer_is_neither():
    rng = np.random.default_rng(4)
    p, having = rng.random((500, 1)), rng.random((500, 1)) < 0.3
    found = conformal_sets(p, *fit_conformal(having, p, np.arange(500))[:2])
    assert (found == SETS.index("either")).mean() > 0.7
    sharp = np.where(having, 0.9, 0.1) + 0.01 * rng.random((500, 1))
    limits = fit_conformal(having, sharp, np.arange(500))
    assert conformal_sets([[0.5], [0.05], [0.95]], *limits[:2]).ravel().tolist() == [0, 1, 2]


def test_errors():
    with pytest.raises(ConfigError, match=r"level must be at least 0.5 and below 1. Received: 1"):
        fit_conformal([[1]], [[0.5]], ["a"], level=1)
    with pytest.raises(ConfigError, match=r"by must be one of class, label. Received: patient"):
        fit_conformal([[1]], [[0.5]], ["a"], by="patient")
    with pytest.raises(DataError, match="patients must be as many as scores"):
        patient_quantile([0.1, 0.2], ["a"], 0.9)
    with pytest.raises(DataError, match=r"probabilities must be in \[0, 1\]"):
        fit_conformal([[1]], [[1.5]], ["a"])
