"""LogME, H-score, TransRate, kNN and the linear probe against other ways to compute them."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import optimize, stats
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import spectrum
from ecg_keras.transferability import (
    ESTIMATORS,
    h_score,
    knn,
    linear_probe,
    logme,
    transrate,
)
from ecg_keras.transferability.embedding_estimators import maximise_evidence
from ecg_keras.transferability.probes import deal_patients

FROM_EMBEDDINGS = ("logme", "h_score", "transrate", "knn", "linear_probe")
WIDTHS = pytest.mark.parametrize("size", [5, 90])  # narrower and wider than there are records


def draw(size: int, records: int = 60, seed: int = 0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(records, size)) @ np.diag(np.logspace(0, -1, size))
    targets = (features[:, :3] + 0.5 * rng.normal(size=(records, 3)) > 0.3).astype(int)
    patients = np.array([f"p{row // 2}" for row in range(records)])
    return features, targets, patients


def score(name, features, targets, patients):
    arguments = (features, targets, patients)
    module = {"knn": knn, "linear_probe": linear_probe}
    plain = {"logme": logme, "h_score": h_score, "transrate": transrate}
    return module[name](*arguments) if name in module else plain[name](features, targets)


@WIDTHS
@pytest.mark.parametrize("name", FROM_EMBEDDINGS)
@pytest.mark.parametrize("change", ["rotation", "scale", "shift", "more zeros"])
def test_what_changes_no_distance_changes_no_score(name, change, size):
    features, targets, patients = draw(size)
    rng = np.random.default_rng(1)
    changed = {
        "rotation": features @ stats.ortho_group.rvs(size, random_state=rng),
        "scale": 37 * features,
        "shift": features + rng.normal(size=size),
        "more zeros": np.hstack([features, np.zeros((len(features), 7))]),
    }[change]
    same = score(name, features, targets, patients)
    if (name, change) == ("logme", "shift"):  # its model has no intercept
        assert score(name, changed, targets, patients) != pytest.approx(same, rel=1e-3)
    elif (name, change) == ("h_score", "more zeros"):  # shrinkage spreads variance over all columns
        assert score(name, changed, targets, patients) == pytest.approx(same, rel=0.2)
    else:
        assert score(name, changed, targets, patients) == pytest.approx(same, rel=1e-6)


def test_each_of_them_is_in_the_table():
    assert set(FROM_EMBEDDINGS) < set(ESTIMATORS)


# ---------------------------------------------------------------- LogME


@WIDTHS
def test_logme_is_the_greatest_evidence_that_brute_force_finds(size):
    features, targets, _ = draw(size, records=40)

    def negative(logs, label):
        alpha, beta = np.exp(np.clip(logs, -20, 20))
        covariance = np.eye(40) / beta + features @ features.T / alpha
        return -stats.multivariate_normal(cov=covariance).logpdf(label)

    best = []
    for label in targets.T:
        starts = [(a, b) for a in (-3, 0, 3) for b in (0, 2, 4)]
        found = [
            optimize.minimize(negative, start, args=(label,), method="Nelder-Mead").fun
            for start in starts
        ]
        best.append(-min(found) / 40)
    assert logme(features, targets) == pytest.approx(np.mean(best), abs=1e-6)


def test_the_best_penalty_is_that_of_the_evidence_written_out():
    features, targets, _ = draw(5)
    wanted = targets.astype(float)
    squares, directions = spectrum(features)
    projections = directions.T @ features.T @ wanted / np.sqrt(squares)[:, None]
    rest = (wanted**2).sum(axis=0) - (projections**2).sum(axis=0)
    penalty, log_evidence = maximise_evidence(squares, projections, rest, 60)
    for column in range(3):
        weights = np.linalg.solve(
            features.T @ features + penalty[column] * np.eye(5), features.T @ wanted[:, column]
        )
        residual = ((features @ weights - wanted[:, column]) ** 2).sum()
        # MacKay's conditions at the maximum: gamma well-determined weights
        gamma = (squares / (squares + penalty[column])).sum()
        beta = (60 - gamma) / residual
        alpha = gamma / (weights**2).sum()
        assert alpha / beta == pytest.approx(penalty[column], rel=1e-4)
        covariance = np.eye(60) / beta + features @ features.T / alpha
        density = stats.multivariate_normal(cov=covariance).logpdf(wanted[:, column])
        assert log_evidence[column] == pytest.approx(density, abs=1e-6)


def test_logme_of_an_embedding_that_fits_perfectly_is_finite():
    targets = np.array([[1], [1], [0], [0], [1], [0]])
    assert np.isfinite(logme(np.eye(6), targets))
    assert np.isfinite(logme(targets, targets))
    assert logme(targets, targets) > logme(np.eye(6), targets)


# ---------------------------------------------------------------- H-score


@WIDTHS
def test_h_score_is_its_definition_with_scikit_learns_shrinkage(size):
    features, targets, _ = draw(size)
    covariance, _ = ledoit_wolf(features)
    centred = features - features.mean(axis=0)
    scores = []
    for label in targets.T:
        means = np.array([centred[label == one].mean(axis=0) for one in label])
        scores.append(np.trace(np.linalg.solve(covariance, means.T @ means / len(label))))
    expected = np.average(scores, weights=targets.mean(axis=0))
    assert h_score(features, targets) == pytest.approx(expected, rel=1e-8)


def test_h_score_of_many_records_is_the_share_of_variance_that_a_line_explains():
    features, targets, _ = draw(5, records=20000)
    design = np.hstack([features, np.ones((20000, 1))])
    explained = []
    for label in targets.T:
        fitted = design @ np.linalg.lstsq(design, label, rcond=None)[0]
        explained.append(fitted.var() / label.var())
    expected = np.average(explained, weights=targets.mean(axis=0))
    assert h_score(features, targets) == pytest.approx(expected, rel=2e-3)


# ---------------------------------------------------------------- TransRate


@WIDTHS
def test_transrate_is_its_definition(size):
    features, targets, _ = draw(size)
    z = features - features.mean(axis=0)
    z = z / np.sqrt((z**2).sum(axis=1).mean())

    def rate(rows):
        return 0.5 * np.linalg.slogdet(np.eye(size) + rows.T @ rows / (len(rows) * 1e-4))[1]

    scores = [
        rate(z) - label.mean() * rate(z[label == 1]) - (1 - label.mean()) * rate(z[label == 0])
        for label in targets.T
    ]
    expected = np.average(scores, weights=targets.mean(axis=0))
    assert transrate(features, targets) == pytest.approx(expected, rel=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_transrate_is_at_least_0(seed):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, size=(20, 3))
    targets[:2], targets[2:4] = 1, 0
    assert transrate(rng.normal(size=(20, 4)), targets) > -1e-9


# ---------------------------------------------------------------- kNN


@pytest.mark.parametrize("neighbours", [1, 7, 500])
def test_knn_is_scikit_learns_without_the_patients_own_records(neighbours):
    features, targets, patients = draw(5)
    shares = np.empty(targets.shape)
    for row in range(len(features)):
        others = patients != patients[row]
        k = min(neighbours, 58)
        nearest = NearestNeighbors(n_neighbors=k).fit(features[others])
        found = nearest.kneighbors(features[row : row + 1], return_distance=False)[0]
        shares[row] = targets[others][found].mean(axis=0)
    expected = np.mean([roc_auc_score(a, b) for a, b in zip(targets.T, shares.T, strict=True)])
    assert knn(features, targets, patients, neighbours=neighbours) == pytest.approx(expected)


def test_knn_learns_nothing_from_another_ecg_of_the_same_person():
    rng = np.random.default_rng(0)
    people = rng.normal(size=(100, 6))
    features = np.repeat(people, 3, axis=0) + 0.01 * rng.normal(size=(300, 6))
    targets = np.repeat(rng.integers(0, 2, size=(100, 1)), 3, axis=0)
    patients = np.repeat(np.arange(100), 3).astype(str)
    assert knn(features, targets, patients, neighbours=2) < 0.6
    assert knn(features, targets, np.arange(300).astype(str), neighbours=2) > 0.95
    assert linear_probe(features, targets, patients) < 0.65


# ---------------------------------------------------------------- linear probe


@WIDTHS
def test_the_linear_probe_is_ridge_regression_over_the_folds(size):
    features, targets, patients = draw(size)
    number = np.unique(patients, return_inverse=True)[1]
    fold_of = deal_patients(targets.astype(bool), number, 5, seed=0)
    wins, pairs = np.zeros(3), np.zeros(3)
    for fold in range(5):
        train, new = fold_of != fold, fold_of == fold
        x = features[train] - features[train].mean(axis=0)
        spread, axes = np.linalg.eigh(x @ x.T)
        for column in range(3):
            y = axes.T @ (targets[train, column] - targets[train, column].mean())

            # of log_penalty: how improbable y is with a covariance of 1 + x x' / penalty
            def negative(log_penalty, y=y, spread=spread):
                variances = 1 + spread / np.exp(log_penalty)
                return (len(y) - 1) * np.log((y**2 / variances).sum()) + np.log(variances).sum()

            grid = np.linspace(-8, 12, 200)
            start = grid[np.argmin([negative(one) for one in grid])]
            around = (start - 0.1, start + 0.1)
            best = optimize.minimize_scalar(negative, bounds=around, method="bounded").x
            ridge = Ridge(alpha=np.exp(best)).fit(features[train], targets[train, column])
            scores = ridge.predict(features[new])
            of_new = targets[new, column]
            for one in scores[of_new == 1]:
                wins[column] += (one > scores[of_new == 0]).sum()
                pairs[column] += (of_new == 0).sum()
    expected = np.mean(wins / pairs)
    assert linear_probe(features, targets, patients) == pytest.approx(expected, abs=2e-3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_folds_hold_whole_patients_and_the_labels_are_spread(seed, folds):
    rng = np.random.default_rng(seed)
    patients = np.unique(rng.integers(0, 30, size=80), return_inverse=True)[1]
    truth = np.zeros((80, 1), bool)
    truth[np.isin(patients, np.arange(12)), 0] = True
    fold_of = deal_patients(truth, patients, folds, seed)
    for patient in np.unique(patients):
        assert len(np.unique(fold_of[patients == patient])) == 1
    with_it = [len(np.unique(patients[truth[:, 0] & (fold_of == fold)])) for fold in range(folds)]
    assert max(with_it) - min(with_it) <= 1
    everyone = [len(np.unique(patients[fold_of == fold])) for fold in range(folds)]
    assert max(everyone) - min(everyone) <= 1


def test_folds_without_a_label_to_learn_or_to_rank_count_for_nothing():
    features, _, _ = draw(5, records=12)
    targets = np.zeros((12, 1), int)
    targets[:2] = 1
    patients = np.arange(12).astype(str)
    assert 0 <= linear_probe(features, targets, patients, folds=2) <= 1
    # embeddings that are equal in all but the held-out record
    flat = np.zeros((12, 3))
    flat[0] = 1
    assert linear_probe(flat, targets, patients, folds=6) in (0, 0.25, 0.5, 0.75, 1)
    with pytest.raises(DataError, match="12 patients are too few for a linear probe in 12 folds"):
        linear_probe(features, targets, patients, folds=12)
    with pytest.raises(ConfigError, match=r"folds must be at least 2, one to test.*Received: 1"):
        linear_probe(features, targets, patients, folds=1)


def test_a_label_that_nothing_tells_is_not_ranked_by_the_shares_of_the_folds():
    # pooled over folds, a model that says nothing scores the share of its own training records,
    # which is low where the held-out records have the label
    rng = np.random.default_rng(0)
    found = []
    for _ in range(30):
        targets = np.zeros((40, 1), int)
        targets[rng.permutation(40)[:12]] = 1
        found.append(linear_probe(rng.normal(size=(40, 3)), targets, np.arange(40).astype(str)))
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_noise_scores_about_one_half():
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=(1000, 30)), rng.integers(0, 2, size=(1000, 5))
    patients = np.arange(1000).astype(str)
    assert knn(features, targets, patients) == pytest.approx(0.5, abs=0.03)
    assert linear_probe(features, targets, patients) == pytest.approx(0.5, abs=0.03)
