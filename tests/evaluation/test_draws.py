"""Resampling patients: what is drawn, that the intervals cover, and that clusters count."""

import math

import numpy as np
import pytest

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Estimate, Predictions, compare, draws as drawing, evaluate
from ecg_keras.evaluation.draws import WEIGHTS_PER_BLOCK, draw_all, join_rows
from ecg_keras.metrics import LabelScorer, auprc, auroc


def simulate(rng, patients, records_each, *, separation=1.0, cluster=0.0, labels=1):
    """Patients whose records share label and a part of their score; AUROC is known."""
    people = np.repeat(np.arange(patients), records_each)
    targets = (rng.random((patients, labels)) < 0.4)[people]
    shared = rng.normal(size=(patients, labels))[people] * math.sqrt(cluster)
    own = rng.normal(size=targets.shape) * math.sqrt(1 - cluster)
    scores = separation * targets + shared + own
    return Predictions(
        [f"L{i}" for i in range(labels)],
        [f"r{i:05d}" for i in range(len(people))],
        people.astype(str),
        targets,
        1 / (1 + np.exp(-scores)),
    )


def true_auroc(separation):
    return 0.5 * math.erfc(-separation / 2)  # Phi(separation / sqrt 2) of two unit normals


def as_strangers(predictions):
    """The same records, each of a patient of its own."""
    parts = (predictions.targets, predictions.probabilities)
    return Predictions(predictions.labels, predictions.record_ids, predictions.record_ids, *parts)


def width(score: Estimate):
    return score.high - score.low


def weights_of(patient_ids, bootstrap, seed):
    """The weights of every row, ``(rows, records)``."""
    return np.concatenate(list(draw_all(patient_ids, bootstrap, seed).weights(patient_ids)), 1).T


def test_a_resample_draws_whole_patients_as_often_as_there_are_patients():
    patients = np.array(["b", "a", "b", "c", "a", "b"])
    weights = weights_of(patients, 400, seed=1)
    np.testing.assert_array_equal(weights[0], 1)
    left_out = sorted(map(tuple, weights[1:4].astype(int)))
    assert left_out == sorted(tuple(int(one != gone) for one in patients) for gone in "abc")
    drawn = weights[4:]
    assert drawn.shape == (400, 6)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 5])
    np.testing.assert_array_equal(drawn[:, 1], drawn[:, 4])
    np.testing.assert_array_equal(drawn[:, [0, 1, 3]].sum(axis=1), 3)
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.15)


def test_blocks_do_not_change_what_is_drawn(monkeypatch):
    patients = np.arange(50).astype(str)
    whole = weights_of(patients, 30, seed=2)
    assert WEIGHTS_PER_BLOCK > 30 * 50
    monkeypatch.setattr(drawing, "WEIGHTS_PER_BLOCK", 7 * 50)
    monkeypatch.setattr(drawing, "LEAST_ROWS", 1)
    blocks = list(draw_all(patients, 30, 2).weights(patients))
    assert [block.shape[1] for block in blocks] == [1] + [7] * 7 + [1] + [7] * 4 + [2]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1).T, whole)
    assert not np.array_equal(whole[51:], weights_of(patients, 30, seed=3)[51:])


def test_resampled_scores_are_those_of_the_repeated_records():
    predictions = simulate(np.random.default_rng(0), 30, 2, labels=2)
    draws = draw_all(predictions.patient_ids, 5, seed=4)
    scorer = LabelScorer(predictions.targets, predictions.probabilities, np.full(2, 0.5))
    scores = join_rows([scorer.score(each) for each in draws.weights(predictions.patient_ids)])
    for row, weight in enumerate(weights_of(predictions.patient_ids, 5, 4).astype(int)):
        repeated = [
            np.repeat(part, weight, axis=0)
            for part in (predictions.targets, predictions.probabilities)
        ]
        digits = 1e-12 if row == 0 else 1e-6  # resamples are counted in float32
        np.testing.assert_allclose(scores.auroc[row], auroc(*repeated), atol=1e-12)
        np.testing.assert_allclose(scores.auprc[row], auprc(*repeated), atol=digits)


def test_a_95_percent_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    truth, covered, naive = true_auroc(1.0), [], []
    for seed in range(25):
        test = simulate(rng, 60, 4, cluster=0.8, labels=16)  # 16 experiments at once
        for records, hits in ((test, covered), (as_strangers(test), naive)):
            scores = evaluate(records, None, thresholds="fixed", bootstrap=200, seed=seed)
            intervals = [row.auroc for row in scores.labels.values()]
            hits += [found.low <= truth <= found.high for found in intervals]
    assert len(covered) == 400
    assert 0.89 <= np.mean(covered) <= 0.975
    assert np.mean(naive) < 0.80  # what resampling records instead of patients would claim


def test_records_of_the_same_patients_again_say_nothing_new():
    rng = np.random.default_rng(3)
    once = simulate(rng, 120, 1)
    twice = Predictions(
        once.labels,
        np.concatenate([once.record_ids, np.char.add(once.record_ids, "-again")]),
        np.tile(once.patient_ids, 2),
        np.tile(once.targets, (2, 1)),
        np.tile(once.probabilities, (2, 1)),
    )
    settings = {"thresholds": "fixed", "bootstrap": 500}
    single = evaluate(once, None, **settings).summary["macro_auroc"]
    clustered = evaluate(twice, None, **settings).summary["macro_auroc"]
    assert clustered.value == pytest.approx(single.value, abs=1e-12)
    assert (clustered.low, clustered.high) == pytest.approx((single.low, single.high), abs=1e-12)
    ignored = evaluate(as_strangers(twice), None, **settings).summary["macro_auroc"]
    assert width(ignored) < 0.8 * width(clustered)


def test_the_interval_narrows_with_the_root_of_the_number_of_patients():
    rng = np.random.default_rng(5)
    settings = {"thresholds": "fixed", "bootstrap": 400}
    few = evaluate(simulate(rng, 100, 1), None, **settings).summary["macro_auroc"]
    many = evaluate(simulate(rng, 1600, 1), None, **settings).summary["macro_auroc"]
    assert width(few) / width(many) == pytest.approx(4, rel=0.35)


def test_a_paired_interval_is_narrower_than_an_unpaired_one():
    rng = np.random.default_rng(6)
    a = simulate(rng, 300, 1)
    shaken = np.clip(a.probabilities + 0.02 * rng.normal(size=a.probabilities.shape), 0, 1)
    b = Predictions(a.labels, a.record_ids, a.patient_ids, a.targets, shaken)
    paired = width(compare(a, b, bootstrap=400).summary["macro_auroc"])
    alone = [
        width(evaluate(x, None, thresholds="fixed", bootstrap=400).summary["macro_auroc"])
        for x in (a, b)
    ]
    assert paired < 0.3 * math.hypot(*alone)


def test_what_is_wrong_is_said():
    alone = simulate(np.random.default_rng(0), 1, 5)
    with pytest.raises(DataError, match=r"at least two patients. All records are of 0"):
        evaluate(alone, None, thresholds="fixed")
    pair = simulate(np.random.default_rng(0), 2, 5)
    with pytest.raises(ConfigError, match=r"bootstrap must be at least 100.*Received: 99"):
        evaluate(pair, None, thresholds="fixed", bootstrap=99)
    with pytest.raises(ConfigError, match=r"level must be above 0.5 and below 1. Received: 95"):
        compare(pair, pair, level=95)
