"""F-max, fixed specificity, Brier and Challenge scores in `evaluate`, with paired resamples."""

import csv
import re

import numpy as np
import pytest

from ecg_keras.evaluation import Predictions, evaluate, snomed_codes
from ecg_keras.evaluation.draws import draw_all
from ecg_keras.metrics import (
    FurtherScorer,
    LabelScorer,
    brier,
    challenge_score,
    decide,
    ece,
    f_max,
    sample_f_max,
    sensitivity_at_specificity,
)
from ecg_keras.sources import find_source

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


def score(said, limits, weights):
    scorer = LabelScorer(said.targets, said.probabilities, limits)
    return FurtherScorer(scorer, [CODES[label] for label in said.labels]).score(weights)


def test_resamples_are_scored_as_repeated_records_are():
    test = draw(1)
    limits = np.array([0.4, 0.5, 0.6])
    for weights in draw_all(test.patient_ids, 4, seed=3).weights(test.patient_ids):
        found = score(test, limits, weights)
        for row in range(0, weights.shape[1], 40):
            kept = np.repeat(np.arange(len(weights)), weights[:, row].astype(int))
            copies = Predictions(
                LABELS,
                [f"c{i}" for i in range(len(kept))],
                test.patient_ids[kept],
                test.targets[kept],
                test.probabilities[kept],
            )
            alone = score(copies, limits, np.ones((len(kept), 1)))
            for name in found.__dataclass_fields__:
                np.testing.assert_allclose(
                    getattr(found, name)[row], getattr(alone, name)[0], atol=1e-6
                )


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


@pytest.mark.real
def test_real_headers_give_the_score_of_the_challenges_own_reading(real_data):
    """All 70 recordings, their codes read from the headers and scored cell by cell."""
    root = real_data / "challenge" / "training"
    codes = snomed_codes("challenge", "challenge2021")
    records = find_source("challenge").list_records(
        root, label_set="challenge2021", sampling_rate=500
    )
    labels, ids = list(codes), [record.record_id for record in records]
    targets = np.array([[label in record.labels for label in labels] for record in records])
    said = np.roll(targets, 3, axis=0) * 0.9  # another patient's diagnoses
    scores = evaluate(
        Predictions(labels, ids, ids, targets, said),
        None,
        thresholds="fixed",
        codes=codes,
        bootstrap=100,
    )

    header, *rows = csv.reader((real_data / "challenge" / "weights.csv").read_text().splitlines())
    classes, weight = [set(name.split("|")) for name in header[1:]], [row[1:] for row in rows]
    truth = []
    for record in ids:
        text = (root / f"{record}.hea").read_text()
        found = set(re.search(r"^# ?Dx: *(.*)$", text, re.MULTILINE)[1].strip().split(","))
        truth.append({row for row, members in enumerate(classes) if members & found})
    rhythm = {next(row for row, members in enumerate(classes) if "426783006" in members)}

    def earned(answers):
        return sum(
            float(weight[i][j]) / max(1, len(true | answer))
            for true, answer in zip(truth, answers, strict=True)
            for i in true
            for j in answer
        )

    observed, correct = earned([*truth[-3:], *truth[:-3]]), earned(truth)
    inactive = earned([rhythm] * len(truth))
    expected = (observed - inactive) / (correct - inactive)
    assert len(truth) == 70
    assert scores.further["challenge_2021"].value == pytest.approx(expected)


def test_copies_of_ecgs_look_like_miscalibration():
    """Why ECE has no interval: it rises in most resamples."""
    rng = np.random.default_rng(0)
    risen = []
    for _ in range(60):
        truth = rng.random((200, 1)) < 0.2
        score = 1.5 * truth + rng.normal(size=truth.shape)
        said = 1 / (1 + np.exp(-(1.5 * score - 1.125 + np.log(0.25))))  # calibrated
        rows = rng.integers(200, size=200)
        risen.append(ece(truth[rows], said[rows])[0] > ece(truth, said)[0])
    assert np.mean(risen) > 0.7
