"""Temperature and Platt scaling against scikit-learn, a planted truth, and degenerate splits."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from ecg_keras.errors import DataError
from ecg_keras.metrics import auroc, brier, fit_platt, fit_temperature, recalibrate

SEEDS = st.integers(0, 2**32 - 1)


def draw(seed, records=200, slope=0.5, intercept=0.0, labels=2):
    """Probabilities whose truth is sigmoid(slope x logit + intercept)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (records, labels))
    targets = rng.random((records, labels)) < expit(slope * logits + intercept)
    return targets.astype(np.uint8), expit(logits)


def log_loss(targets, probabilities):
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return -np.mean(np.where(targets == 1, np.log(clipped), np.log1p(-clipped)))


def fit_without_penalty(logits, targets, weights):
    with_penalty = LogisticRegression(C=1e12, tol=1e-10, max_iter=2000)
    fitted = with_penalty.fit(logits[:, None], targets, sample_weight=weights)
    return fitted.coef_[0, 0], fitted.intercept_[0]


@given(SEEDS)
@settings(deadline=None, max_examples=15)
def test_platt_equals_logistic_regression_on_platts_targets(seed):
    targets, probabilities = draw(seed, intercept=-1.0)
    found = fit_platt(targets, probabilities)
    for label in range(2):
        truth, logits = targets[:, label], logit(probabilities[:, label])
        positives, negatives = truth.sum(), (1 - truth).sum()
        aim = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        # A record with the target t is t of a positive one and 1 - t of a negative one.
        slope, intercept = fit_without_penalty(
            np.concatenate((logits, logits)),
            np.repeat([1, 0], len(truth)),
            np.concatenate((aim, 1 - aim)),
        )
        assert found.slopes[label] == pytest.approx(slope, abs=1e-3)
        assert found.intercepts[label] == pytest.approx(intercept, abs=1e-3)


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_no_other_temperature_has_a_lower_log_loss(seed):
    targets, probabilities = draw(seed)
    found = fit_temperature(targets, probabilities)
    assert found.fitted.all() and (found.slopes == found.slopes[0]).all()
    assert (found.intercepts == 0).all()
    best = log_loss(targets, recalibrate(probabilities, *found[:2]))
    for factor in (0.5, 0.98, 1.02, 2.0):
        other = recalibrate(probabilities, factor * found.slopes, found.intercepts)
        assert best < log_loss(targets, other)


def test_a_planted_miscalibration_is_found_and_mended():
    targets, probabilities = draw(0, records=40_000)
    found = fit_temperature(targets, probabilities)
    assert 1 / found.slopes[0] == pytest.approx(2.0, rel=0.05)
    targets, probabilities = draw(1, records=40_000, slope=0.7, intercept=-1.5)
    found = fit_platt(targets, probabilities)
    np.testing.assert_allclose(found.slopes, 0.7, rtol=0.05)
    np.testing.assert_allclose(found.intercepts, -1.5, rtol=0.05)
    fresh, said = draw(2, records=40_000, slope=0.7, intercept=-1.5)
    mended = recalibrate(said, *found[:2])
    assert (brier(fresh, mended) < brier(fresh, said) - 0.02).all()


@given(SEEDS, st.sampled_from([fit_temperature, fit_platt]))
@settings(deadline=None, max_examples=25)
def test_the_order_of_the_records_of_a_label_stays(seed, fit):
    targets, probabilities = draw(seed, records=60)
    mended = recalibrate(probabilities, *fit(targets, probabilities)[:2])
    assert ((mended >= 0) & (mended <= 1)).all()
    np.testing.assert_allclose(auroc(targets, mended), auroc(targets, probabilities), atol=1e-12)


def test_a_label_that_validation_cannot_tell_stays_as_it_was():
    targets, probabilities = draw(4, labels=5)
    targets[:, 0], targets[:, 1] = 0, 1  # absent, universal
    probabilities[:, 2] = 0.3  # always the same
    targets[:, 3] = 1 - targets[:, 3]  # ranked the wrong way round
    found = fit_platt(targets, probabilities)
    assert found.fitted.tolist() == [False, False, False, False, True]
    assert found.slopes[:4].tolist() == [1.0] * 4
    assert found.intercepts[:4].tolist() == [0.0] * 4
    mended = recalibrate(probabilities, *found[:2])
    np.testing.assert_array_equal(mended[:, :4], probabilities[:, :4])
    assert (mended[:, 4] != probabilities[:, 4]).all()


def test_absent_labels_have_no_say_in_the_temperature():
    targets, probabilities = draw(5)
    alone = fit_temperature(targets, probabilities)
    odd = (
        np.column_stack((targets, np.zeros(200, int))),
        np.column_stack((probabilities,) * 2)[:, :3],
    )
    together = fit_temperature(*odd)
    assert together.slopes[0] == pytest.approx(alone.slopes[0], abs=1e-12)
    assert len(together.slopes) == 3


@pytest.mark.parametrize(
    ("targets", "probabilities"),
    [
        ([[0], [0], [1], [1]], [[0.1], [0.2], [0.8], [0.9]]),  # every record on its right side
        ([[1], [1], [0], [0]], [[0.1], [0.2], [0.8], [0.9]]),  # every record on its wrong side
        ([[0], [0], [0], [0]], [[0.1], [0.2], [0.8], [0.9]]),  # absent
        ([[0], [1], [0], [1]], [[0.5], [0.5], [0.5], [0.5]]),  # nothing to scale
    ],
)
def test_without_a_best_temperature_nothing_changes(targets, probabilities):
    found = fit_temperature(targets, probabilities)
    assert not found.fitted.any()
    np.testing.assert_array_equal(recalibrate(probabilities, *found[:2]), probabilities)


@pytest.mark.parametrize("fit", [fit_temperature, fit_platt])
def test_saturated_probabilities_are_clipped(fit):
    targets = np.array([[0], [0], [1], [1], [0], [1]])
    probabilities = np.array([[0.0], [1.0], [1.0], [1.0], [0.0], [0.2]], dtype=np.float32)
    found = fit(targets, probabilities)
    mended = recalibrate(probabilities, *found[:2])
    assert found.fitted.all()
    assert np.isfinite(mended).all() and mended.max() < 0.95
    assert log_loss(targets, mended) < log_loss(targets, probabilities)


def test_separated_records_have_a_finite_slope():
    targets, probabilities = (
        np.repeat([[0], [1]], 20, axis=0),
        np.repeat([[0.2], [0.9]], 20, axis=0),
    )
    found = fit_platt(targets, probabilities)
    mended = recalibrate(probabilities, *found[:2])
    np.testing.assert_allclose(mended[[0, -1], 0], [1 / 22, 21 / 22], atol=1e-6)


def test_what_is_wrong_is_said():
    with pytest.raises(DataError, match=r"in \[0, 1\]. Received: 2"):
        fit_platt([[1], [0]], [[2.0], [0.1]])
    with pytest.raises(DataError, match=r"in \[0, 1\]. Received: -1"):
        fit_temperature([[1], [0]], [[-1.0], [0.1]])
    with pytest.raises(DataError, match=r"one for each of the 2 labels. Received: shapes \(1,\)"):
        recalibrate([[0.1, 0.2]], [1.0], [0.0])
