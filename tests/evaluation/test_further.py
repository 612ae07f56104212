"""F-max, fixed specificity, Brier and Challenge scores in `evaluate`, with paired resamples."""

import numpy as np
import pytest

from ecg_keras.evaluation import Predictions, evaluate, snomed_codes
from ecg_keras.evaluation.bootstrap import draw_patients
from ecg_keras.evaluation.further import FURTHER, resample_further, score_further
from ecg_keras.evaluation.tables import SCORE_NAMES
from ecg_keras.metrics import (
    METRICS,
    brier,
    challenge_score,
    decide,
    f_max,
    sample_f_max,
    sensitivity_at_specificity,
)

LABELS = ("NORM", "AF", "IAVB")
CODES = {label: snomed_codes("georgia", "georgia")[label] for label in LABELS}


def draw(seed, patients=80):
    rng = np.random.default_rng(seed)
    people = np.sort(rng.integers(patients, size=int(1.5 * patients)))
    targets = rng.random((len(people), 3)) < (0.5, 0.3, 0.2)
    probabilities = 1 / (1 + np.exp(-(1.5 * targets + rng.normal(size=targets.shape) - 1)))
    ids = [f"r{i:05d}" for i in range(len(people))]
    return Predictions(LABELS, ids, people.astype(str), targets, probabilities)


def test_each_score_is_that_of_its_function():
    test = draw(0)
    scores = evaluate(test, None, thresholds="fixed", codes=CODES, bootstrap=200)
    truth, said = test.targets, test.probabilities
    for name, values in (
        ("f_max", f_max(truth, said)),
        ("sensitivity_at_95_specificity", sensitivity_at_specificity(truth, said, 0.95)),
        ("brier", brier(truth, said)),
    ):
        for column, label in enumerate(LABELS):
            assert getattr(scores.labels[label], name).value == pytest.approx(values[column])
        assert scores.further[f"macro_{name}"].value == pytest.approx(values.mean())
    assert scores.further["sample_f_max"].value == pytest.approx(float(sample_f_max(truth, said)))
    for year in (2020, 2021):
        expected = challenge_score(truth, decide(said, 0.5), list(CODES.values()), year=year)
        assert scores.further[f"challenge_{year}"].value == pytest.approx(float(expected))
    assert scores.challenge_note is None
    assert "Challenge 2021 score" in scores.table()
    assert "No Challenge score" not in scores.table()


def test_resamples_are_those_of_the_other_scores():
    test = draw(1)
    limits = np.array([0.4, 0.5, 0.6])
    found = resample_further(test, limits, CODES, bootstrap=6, seed=3)
    weights = np.concatenate(list(draw_patients(test.patient_ids, 6, seed=3)))
    for row, weight in enumerate(weights):
        kept = np.repeat(np.arange(len(weight)), weight.astype(int))
        copies = Predictions(
            LABELS,
            [f"c{i}" for i in range(len(kept))],
            test.patient_ids[kept],
            test.targets[kept],
            test.probabilities[kept],
        )
        alone = score_further(copies, limits, CODES)
        for name in found.__dataclass_fields__:
            np.testing.assert_allclose(getattr(found, name)[row], getattr(alone, name), atol=1e-12)


def test_without_sinus_rhythm_or_codes_the_challenge_score_is_undefined_and_said():
    test = draw(2)
    for codes, note in (
        (None, "the labels have no SNOMED CT codes"),
        ({"AF": ("164889003",)}, "no label is sinus rhythm (426783006)"),
    ):
        scores = evaluate(test, None, thresholds="fixed", codes=codes, bootstrap=100)
        assert scores.further["challenge_2020"] is None
        assert scores.further["challenge_2021"] is None
        assert scores.challenge_note == note
        assert f"No Challenge score: {note}." in scores.table()
        assert "Challenge 2021" not in scores.table()


def test_codes_come_from_the_source():
    assert set(snomed_codes("challenge", "challenge2021")) >= {"AF", "NSR", "PVC"}
    assert snomed_codes("ptbxl", "superdiagnostic") is None
    assert snomed_codes("georgia", "mine") is None
    assert snomed_codes("a.module.of.somebody", "labels") is None


def test_every_score_has_a_name_for_people():
    assert list(SCORE_NAMES) == [*METRICS, *FURTHER]
