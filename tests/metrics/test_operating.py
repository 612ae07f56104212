"""F-max and sensitivity at a fixed specificity, against scikit-learn and plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from metric_oracles import loop_sample_f_max
from sklearn import metrics as sklearn_metrics

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import f_max, sample_f_max, sensitivity_at_specificity

SEEDS = st.integers(0, 2**32 - 1)


def draw_case(seed, records=40, labels=3, levels=7):
    """Few levels make many ties; a label can be absent or universal."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((records, labels)) < rng.random(labels)).astype(np.uint8)
    return targets, np.floor(rng.random((records, labels)) * levels) / levels


def draw_weights(seed, records=40):
    return np.random.default_rng(seed).integers(0, 4, records).astype(float)


def scored(targets, weights):
    """Whether a label has both a positive and a negative record of some weight."""
    return 0 < (targets * weights).sum() < weights.sum()


@given(SEEDS, st.sampled_from([2, 7, 10_000]), st.booleans())
@settings(deadline=None, max_examples=60)
def test_f_max_is_the_best_point_of_scikit_learns_precision_recall_curve(seed, levels, weigh):
    targets, scores = draw_case(seed, levels=levels)
    weights = draw_weights(seed) if weigh else np.ones(40)
    found = f_max(targets, scores, weights)
    for label in range(3):
        truth, said = targets[:, label], scores[:, label]
        if not scored(truth, weights):
            assert np.isnan(found[label])
            continue
        kept = weights > 0
        precision, recall, _ = sklearn_metrics.precision_recall_curve(
            truth[kept], said[kept], sample_weight=weights[kept]
        )
        tried = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        assert found[label] == pytest.approx(tried.max(), abs=1e-9)


@given(SEEDS, st.sampled_from([2, 7, 10_000]), st.booleans(), st.sampled_from([0.5, 0.8, 0.95, 1]))
@settings(deadline=None, max_examples=60)
def test_sensitivity_at_specificity_is_a_point_of_scikit_learns_roc_curve(
    seed, levels, weigh, specificity
):
    targets, scores = draw_case(seed, levels=levels)
    weights = draw_weights(seed) if weigh else np.ones(40)
    found = sensitivity_at_specificity(targets, scores, specificity, weights)
    for label in range(3):
        truth, said = targets[:, label], scores[:, label]
        if not scored(truth, weights):
            assert np.isnan(found[label])
            continue
        kept = weights > 0
        alarms, hits, _ = sklearn_metrics.roc_curve(
            truth[kept], said[kept], sample_weight=weights[kept], drop_intermediate=False
        )
        assert found[label] == pytest.approx(hits[alarms <= 1 - specificity + 1e-9].max(), abs=1e-9)


def test_exactly_so_many_false_alarms_as_allowed_are_allowed():
    for negatives in (20, 40, 60, 100, 140, 180, 1000):
        allowed = negatives // 20
        scores = np.concatenate(([0.5], np.linspace(0.6, 0.9, allowed), np.full(negatives, 0.1)))
        targets = np.zeros(len(scores), int)
        targets[0] = 1
        exact = (targets[:, None][: negatives + 1], scores[:, None][: negatives + 1])
        assert sensitivity_at_specificity(*exact) == 1.0
        one_more = np.append(scores[: negatives + 1], 0.7)[:, None]
        assert sensitivity_at_specificity(np.append(exact[0], 0)[:, None], one_more) == 0.0


def test_records_that_score_the_same_are_decided_together():
    # One negative of twenty shares its score with a positive: 5 % may be taken, 1 of 19 may not.
    scores = np.array([0.9, 0.9, *[0.1] * 19])[:, None]
    targets = np.array([1, *[0] * 20])[:, None]
    assert sensitivity_at_specificity(targets, scores) == 1.0
    assert sensitivity_at_specificity(targets[:-1], scores[:-1]) == 0.0


@given(SEEDS, st.booleans())
@settings(deadline=None, max_examples=25)
def test_the_sample_f_max_is_that_of_cafa(seed, sparse):
    targets, scores = draw_case(seed, records=12, levels=9)
    if sparse:
        targets[:] *= np.random.default_rng(seed).random(targets.shape) < 0.1
    weights = draw_weights(seed, 12)
    np.testing.assert_allclose(
        sample_f_max(targets, scores, weights),
        loop_sample_f_max(targets, scores, weights),
        atol=1e-12,
    )


def test_what_is_wrong_is_said():
    with pytest.raises(ConfigError, match=r"specificity must be in \[0, 1\]. Received: 95"):
        sensitivity_at_specificity([[1], [0]], [[0.4], [0.3]], 95)
    with pytest.raises(DataError, match=r"probabilities must be finite"):
        f_max([[1], [0]], [[np.nan], [0.3]])
    with pytest.raises(DataError, match=r"must be in \[0, 1\]. Received: 2"):
        sample_f_max([[1], [0]], [[2.0], [0.3]])
