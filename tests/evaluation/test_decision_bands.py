"""Decision curves: values of the metric, intervals over patients, paired differences."""

import weakref
from dataclasses import replace

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.evaluation import POOLED, Predictions, decision_bands, decision_curves
from ecg_keras.metrics import benefit_of_all, net_benefit

LIMITS = [0.05, 0.2, 0.5]


def draw(seed, patients=200, records=1, prevalence=(0.5, 0.1)):
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(patients), records)
    logits = np.repeat(rng.normal(size=(patients, 2)), records, axis=0) + np.log(prevalence)
    chance = 1 / (1 + np.exp(-logits))
    ids = [f"r{i}" for i in range(len(people))]
    targets = np.repeat(rng.random((patients, 2)), records, axis=0) < chance
    return Predictions(("MI", "RARE"), ids, people.astype(str), targets, chance)


def test_values_are_those_of_the_metric():
    test = draw(0)
    pooled, *labels = decision_curves([test], thresholds=LIMITS, bootstrap=100)
    found = net_benefit(test.targets, test.probabilities, LIMITS)
    everyone = benefit_of_all(test.targets, LIMITS)
    assert [one.label for one in labels] == ["MI", "RARE"]
    assert pooled.label == POOLED
    for column, curve in enumerate(labels):
        values = [one.value for one in curve.networks[0]]
        np.testing.assert_allclose(values, found[:, column], atol=1e-6)
        np.testing.assert_allclose(curve.treat_all, everyone[:, column], atol=1e-6)
        gains = [one.value for one in curve.gain]
        np.testing.assert_allclose(
            gains, found[:, column] - np.maximum(everyone[:, column], 0), atol=1e-6
        )
        assert all(one.low < one.value < one.high for one in curve.networks[0])
    means = [one.value for one in pooled.networks[0]]
    np.testing.assert_allclose(means, found.mean(axis=1), atol=1e-6)


def test_of_many_labels_only_those_that_are_shown_are_held(monkeypatch):
    rng = np.random.default_rng(0)
    ids, chance = np.arange(40).astype(str), rng.random((40, 30))
    labels = [f"label{number}" for number in range(30)]
    test = Predictions(labels, ids, ids, rng.random((40, 30)) < chance, chance)
    worth_of_labels, held, most = decision_bands.worth_of_labels, [], []

    def watched(*given):
        for worth in worth_of_labels(*given):
            held.append(True)
            weakref.finalize(worth, held.pop)
            most.append(len(held))
            yield worth

    monkeypatch.setattr(decision_bands, "worth_of_labels", watched)
    curves = decision_curves([test], labels=labels[7:9], bootstrap=100)
    assert [one.label for one in curves] == [POOLED, *labels[7:9]]
    assert max(most) < 8


def test_a_patient_counts_with_all_records():
    once = decision_curves([draw(1)], thresholds=[0.2], bootstrap=300)[1]
    often = decision_curves([draw(1, records=4)], thresholds=[0.2], bootstrap=300)[1]
    (one,), (four,) = once.networks[0], often.networks[0]
    assert four.value == pytest.approx(one.value, abs=1e-6)
    assert four.high - four.low == pytest.approx(one.high - one.low, rel=0.1)


def test_differences_are_paired():
    test = draw(2)
    worse = replace(test, probabilities=0.5 * test.probabilities)
    curve = decision_curves([test, worse], thresholds=[0.2], bootstrap=300)[1]
    (difference,) = curve.difference
    ours, theirs = curve.networks[0][0], curve.networks[1][0]
    assert difference.value == pytest.approx(ours.value - theirs.value, abs=1e-6)
    assert difference.high - difference.low < ours.high - ours.low
    same = decision_curves([test, test], thresholds=[0.2], bootstrap=300)[1].difference[0]
    assert same.value == same.low == same.high == 0


def test_too_few_patients_have_no_interval_and_other_tests_are_refused():
    test = draw(3)
    rare = test.targets.copy()
    rare[:, 1] = np.arange(200) < 4
    curves = decision_curves([replace(test, targets=rare)], thresholds=[0.2], bootstrap=100)
    assert [curve.networks[0][0].has_interval for curve in curves] == [True, True, False]
    with pytest.raises(DataError, match="targets of ours and theirs differ"):
        decision_curves([test, replace(test, targets=rare)], names=("ours", "theirs"))
