"""`FoldScorer`: ranks within folds, counts over folds, by brute force."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.evaluation import Predictions
from ecg_keras.evaluation.arm_scores import FoldScorer
from ecg_keras.metrics import (
    METRICS,
    LabelScores,
    auprc,
    check_weights,
    decide,
    score_labels,
    squeeze,
)


def draw(seed, sizes, prevalence=0.3, grid=8):
    """Folds with two labels, many ties, and a scale of their own."""
    rng = np.random.default_rng(seed)
    folds = []
    for number, size in enumerate(sizes):
        targets = (rng.random((size, 2)) < prevalence).astype(int)
        scores = (rng.integers(0, grid, (size, 2)) + 2 * targets) / (grid + 2)
        ids = [f"{number}-{i}" for i in range(size)]
        folds.append(Predictions(("A", "B"), ids, ids, targets, scores * rng.uniform(0.3, 1)))
    return folds


def score_folds(folds, limits, weights=None):
    """The scores of each label over all folds, or those of each row of weights."""
    given = [None] * len(folds) if weights is None else weights
    pairs = zip(folds, given, strict=True)
    counted = [check_weights(one, len(fold.record_ids)) for fold, one in pairs]
    scores = FoldScorer(folds, limits).score(counted)
    names = [field.name for field in dataclasses.fields(scores)]
    return LabelScores(**{name: squeeze(getattr(scores, name), given[0]) for name in names})


def brute_auroc(folds, label, weights):
    wins = pairs = 0.0
    for said, counts in zip(folds, weights, strict=True):
        truth, score = said.targets[:, label], said.probabilities[:, label]
        for i in np.flatnonzero(truth == 1):
            for j in np.flatnonzero(truth == 0):
                both = counts[i] * counts[j]
                pairs += both
                wins += both * ((score[i] > score[j]) + 0.5 * (score[i] == score[j]))
    return wins / pairs if pairs else np.nan


@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4))
def test_auroc_is_the_share_of_the_pairs_within_folds(seed, sizes):
    folds = draw(seed, sizes)
    rng = np.random.default_rng(seed)
    weights = [rng.integers(0, 3, len(said.record_ids)).astype(float) for said in folds]
    found = score_folds(folds, [0.5] * len(folds), weights).auroc
    expected = [brute_auroc(folds, label, weights) for label in range(2)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(2, 15), min_size=2, max_size=4))
def test_auprc_weighs_folds_by_positives_and_f1_counts_over_folds(seed, sizes):
    folds = draw(seed, sizes)
    limits = [np.random.default_rng(seed + k).uniform(0.1, 0.6, 2) for k in range(len(sizes))]
    found = score_folds(folds, limits)
    for label in range(2):
        areas = np.array([auprc(said.targets, said.probabilities)[label] for said in folds])
        share = np.array([said.targets[:, label].sum() for said in folds], dtype=float)
        told = ~np.isnan(areas)
        if told.any():
            expected = (areas[told] * share[told]).sum() / share[told].sum()
            assert found.auprc[label] == pytest.approx(expected)
        truth = np.concatenate([said.targets[:, label] for said in folds])
        said_yes = np.concatenate(
            [decide(s.probabilities, t)[:, label] for s, t in zip(folds, limits, strict=True)]
        )
        if 0 < truth.sum() < len(truth):
            hits = (truth & said_yes).sum()
            assert found.f1[label] == pytest.approx(2 * hits / (truth.sum() + said_yes.sum()))
            assert found.prevalence[label] == pytest.approx(truth.mean())


def test_one_fold_equals_the_plain_scores_to_the_last_bit():
    (fold,) = draw(1, [60])
    weights = np.random.default_rng(0).integers(0, 3, (20, 60)).astype(float)
    plain = score_labels(fold.targets, fold.probabilities, [0.3, 0.6], weights)
    pooled = score_folds([fold], [[0.3, 0.6]], [weights])
    for field in dataclasses.fields(LabelScores):
        np.testing.assert_array_equal(getattr(pooled, field.name), getattr(plain, field.name))


def test_a_fold_on_another_scale_changes_nothing_but_would_if_folds_were_mixed():
    folds = draw(3, [60, 60], grid=9)
    moved = [
        folds[0],
        Predictions(
            ("A", "B"),
            folds[1].record_ids,
            folds[1].patient_ids,
            folds[1].targets,
            0.05 * folds[1].probabilities,
        ),
    ]
    before, after = (score_folds(some, [0.5, 0.5]) for some in (folds, moved))
    np.testing.assert_allclose(after.auroc, before.auroc)
    np.testing.assert_allclose(after.auprc, before.auprc)
    mixed = [
        np.concatenate([getattr(said, name) for said in moved])
        for name in ("targets", "probabilities")
    ]
    assert (score_labels(*mixed).auroc < before.auroc - 0.02).all()


def test_a_fold_without_positives_has_no_pairs():
    folds = draw(4, [30, 30])
    none = Predictions(
        ("A", "B"),
        folds[1].record_ids,
        folds[1].patient_ids,
        np.zeros((30, 2), dtype=int),
        folds[1].probabilities,
    )
    both = score_folds([folds[0], none], [0.5, 0.5])
    alone = score_folds([folds[0]], [0.5])
    np.testing.assert_allclose(both.auroc, alone.auroc)
    np.testing.assert_allclose(both.auprc, alone.auprc)
    assert (both.prevalence == alone.prevalence / 2).all()
    neither = score_folds([none], [0.5])
    assert np.isnan(neither.auroc).all() and np.isnan(METRICS["macro_auroc"](neither))


def test_many_resamples_are_scored_at_once():
    folds = draw(5, [25, 35])
    rng = np.random.default_rng(0)
    weights = [rng.integers(0, 3, (7, size)).astype(float) for size in (25, 35)]
    together = score_folds(folds, [0.4, 0.5], weights)
    for row in range(7):
        one = score_folds(folds, [0.4, 0.5], [w[row] for w in weights])
        for field in dataclasses.fields(LabelScores):
            np.testing.assert_allclose(
                getattr(together, field.name)[row], getattr(one, field.name), rtol=1e-12
            )
