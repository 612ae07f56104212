"""The ridge head: against brute force, with patients left out, and with nothing to say."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import Ridge

from ecg_keras.errors import DataError
from ecg_keras.metrics import auroc, fit_platt, fit_ridge_head
from ecg_keras.metrics.ridge import PENALTIES


def draw(records, size, patients, rng):
    """Embeddings whose first column says something of the first of three labels."""
    ids = np.sort(rng.integers(0, patients, records))
    mood = rng.normal(size=(patients, size))[ids]
    embeddings = 3 + 2 * mood + rng.normal(size=(records, size))
    embeddings[:, -1] = 7.0
    said = embeddings[:, 0] + rng.normal(size=records) > 3
    other, never = rng.random(records) < 0.3, np.zeros(records, dtype=bool)
    return embeddings, np.column_stack([said, other, never]), ids


def refit(embeddings, targets, ids):
    """The same by refits without each patient: the best penalty and what is said of everyone."""
    scale = embeddings.std(axis=0)
    centred = embeddings - embeddings.mean(axis=0)
    z = np.where(scale > 1e-9, centred / np.where(scale, scale, 1), 0)
    found = []
    for penalty in PENALTIES:
        said = np.empty(targets.shape)
        for one in np.unique(ids):
            own = ids == one
            model = Ridge(alpha=len(z) * penalty).fit(z[~own], targets[~own].astype(float))
            said[own] = model.predict(z[own])
        found.append((((said - targets) ** 2).sum(axis=0), said))
    best = np.argmin([errors for errors, _ in found], axis=0)
    said = np.column_stack([found[place][1][:, label] for label, place in enumerate(best)])
    return PENALTIES[best], said, z


@pytest.mark.parametrize(("records", "size", "patients"), [(60, 5, 60), (60, 5, 25), (30, 45, 12)])
def test_it_is_what_refits_without_each_patient_choose(records, size, patients):
    embeddings, targets, ids = draw(records, size, patients, np.random.default_rng(records + size))
    head = fit_ridge_head(embeddings, targets, ids)
    penalties, said, z = refit(embeddings, targets, ids)
    np.testing.assert_allclose(head.penalties[:2], penalties[:2])
    slopes, intercepts, fitted = fit_platt(targets, expit(said - targets.mean(axis=0)))
    whole = Ridge(alpha=records * penalties[0]).fit(z, targets[:, 0] - targets[:, 0].mean())
    logits = embeddings @ head.kernel + head.bias
    assert fitted[0]
    np.testing.assert_allclose(
        logits[:, 0], slopes[0] * whole.predict(z) + intercepts[0], rtol=1e-5, atol=1e-6
    )
    assert (head.kernel[-1] == 0).all()  # of the constant column


def test_what_it_learnt_holds_for_new_patients_and_its_probabilities_are_calibrated():
    rng = np.random.default_rng(3)
    embeddings, targets, ids = draw(3000, 20, 3000, rng)
    head = fit_ridge_head(embeddings[:600], targets[:600], ids[:600])
    probabilities = expit(embeddings @ head.kernel + head.bias)[600:, :1]
    truth = targets[600:, :1]
    assert auroc(truth, probabilities)[0] > 0.9
    low, high = (probabilities[:, 0] < 0.2), (probabilities[:, 0] > 0.8)
    assert abs(truth[low].mean() - probabilities[low].mean()) < 0.05
    assert abs(truth[high].mean() - probabilities[high].mean()) < 0.05


def test_records_of_a_patient_do_not_vouch_for_one_another():
    """Each patient has five copies of an ECG: without leaving out all, any label is learnt."""
    rng = np.random.default_rng(5)
    embeddings = np.repeat(rng.normal(size=(40, 60)), 5, axis=0)
    targets = np.repeat(rng.random((40, 1)) < 0.5, 5, axis=0)
    grouped = fit_ridge_head(embeddings, targets, np.repeat(np.arange(40), 5))
    single = fit_ridge_head(embeddings, targets, np.arange(200))
    assert grouped.penalties[0] > 100 * single.penalties[0]
    assert np.abs(grouped.kernel).max() < 0.4 * np.abs(single.kernel).max()


def test_labels_of_which_nothing_is_known_get_their_share():
    embeddings, targets, ids = draw(50, 4, 50, np.random.default_rng(1))
    head = fit_ridge_head(embeddings, targets, ids)
    assert (head.kernel[:, 2] == 0).all()
    assert expit(head.bias[2]) == pytest.approx(1 / 52)
    flat = fit_ridge_head(np.ones((50, 4)), targets, ids)
    assert (flat.kernel == 0).all()
    np.testing.assert_allclose(expit(flat.bias), (targets.sum(axis=0) + 1) / 52)


@pytest.mark.parametrize("ids", [np.zeros(4, int), np.zeros(0, int)])
def test_one_patient_is_too_few(ids):
    with pytest.raises(DataError, match="needs at least two patients to train on"):
        fit_ridge_head(np.ones((len(ids), 2)), np.ones((len(ids), 1)), ids)
