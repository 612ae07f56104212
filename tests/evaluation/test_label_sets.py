"""Sets of answers: what they were on the test split, in scores.json, in tables and on pages."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ecg_keras.evaluation import (
    Predictions,
    Scores,
    evaluate,
    expected_coverage,
    fit_sets,
    measure_sets,
)


def draw(seed, patients=300):
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    targets = (rng.random((patients, 3)) < (0.4, 0.2, 0.01))[of]
    p = 1 / (1 + np.exp(-(2.5 * targets - 1 + rng.normal(size=targets.shape))))
    return Predictions(["NORM", "MI", "RARE"], np.arange(len(of)), of, targets, p)


@pytest.fixture(scope="module")
def scores():
    return evaluate(draw(0), draw(1), bootstrap=100)


def test_they_are_measured_by_patient_and_shares_add_up(scores):
    test = draw(0)
    found = np.array(scores.sets.find(test.probabilities))
    row = scores.sets.labels["MI"]
    having = test.targets[:, 1] == 1
    shares = [
        np.isin(found[having & (test.patient_ids == one), 1], ("present", "either")).mean()
        for one in np.unique(test.patient_ids[having])
    ]
    assert row.coverage_with.value == pytest.approx(np.mean(shares))
    assert row.coverage_with.low < row.coverage_with.value < row.coverage_with.high
    for name, value in (("either", row.either), ("neither", row.neither)):
        assert value == (found[:, 1] == name).mean()
    assert row.alone + row.either + row.neither == pytest.approx(1)
    assert row.with_label == len(np.unique(draw(1).patient_ids[draw(1).targets[:, 1] == 1]))


def test_a_label_of_too_few_patients_has_none_and_is_named(scores):
    rare = scores.sets.labels["RARE"]
    assert (rare.absent_to, rare.coverage_with, rare.alone) == (None, None, None)
    assert scores.sets.without == ("RARE",)
    assert scores.sets.find([[0.5, 0.5, 0.5]])[0][2] == ""
    assert (
        "No set, because fewer than 9 validation patients have or lack them: RARE."
        in scores.table()
    )
    assert "90 % set holds: present" in scores.table()


def test_the_file_keeps_them_and_one_without_them_opens(scores, tmp_path):
    scores.save_json(tmp_path / "scores.json")
    assert Scores.load_json(tmp_path / "scores.json").sets == scores.sets
    content = json.loads((tmp_path / "scores.json").read_text())
    del content["sets"]
    (tmp_path / "scores.json").write_text(json.dumps(content))
    earlier = Scores.load_json(tmp_path / "scores.json")
    assert earlier == replace(scores, sets=None)
    assert "set holds" not in earlier.table()


def test_settings_and_splits_without_sets(scores):
    assert evaluate(draw(0), draw(1), conformal=None, bootstrap=100).sets is None
    assert evaluate(draw(0), None, thresholds="fixed", bootstrap=100).sets is None
    wider = evaluate(draw(0), draw(1), conformal=0.97, conformal_by="label", bootstrap=100).sets
    assert (wider.level, wider.by) == (0.97, "label")
    assert wider.labels["NORM"].alone < scores.sets.labels["NORM"].alone
    assert "of all patients, with and without a label together" in wider.notes[0]


def test_too_few_test_patients_have_no_interval():
    few = draw(2, 12)
    measured = measure_sets(fit_sets(draw(1)), few)
    assert not measured.labels["MI"].coverage_with.has_interval
    assert measured.labels["MI"].coverage_without.has_interval


def test_the_coverage_to_expect_is_that_of_many_validation_splits():
    rng = np.random.default_rng(5)
    reached = np.sort(rng.random((4000, 20)), axis=1)[:, 18]  # of uniform scores, rank 19 of 20
    assert np.quantile(reached, [0.025, 0.975]) == pytest.approx(
        expected_coverage(20, 0.9), abs=0.02
    )
