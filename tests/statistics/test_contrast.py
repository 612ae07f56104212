"""`contrast`: equal to evaluate and compare where they apply, and what seeds and folds add."""

import numpy as np
import pytest

from ecg_keras.evaluation import Predictions, compare, evaluate
from ecg_keras.metrics import METRICS
from ecg_keras.statistics.arms import Arm
from ecg_keras.statistics.contrast import contrast, contrasts

LABELS = ("NORM", "MI", "RARE")


def draw(skill, seed=0, patients=200, records_each=2):
    """Predictions on the same records whatever the skill; noise is shared in part."""
    rng = np.random.default_rng(7)
    people = np.repeat(np.arange(patients), records_each)
    targets = rng.random((len(people), 3)) < [0.5, 0.2, 0.03]
    shared = rng.normal(size=targets.shape)
    own = np.random.default_rng(seed).normal(size=targets.shape)
    scores = skill * targets + 0.8 * shared + 0.6 * own
    ids = [f"r{i:04d}" for i in range(len(people))]
    return Predictions(LABELS, ids, people.astype(str), targets, 1 / (1 + np.exp(-scores)))


def test_one_seed_and_fold_has_the_values_of_evaluate_and_compare():
    a, b = draw(2.0, 1), draw(1.0, 2)
    fixed = evaluate(a, None, thresholds="fixed", bootstrap=400, seed=3)
    summary, labels = contrasts([Arm(((a,),))], [1], bootstrap=400, seed=3)
    for name in METRICS:
        assert summary[name].value == pytest.approx(fixed.summary[name].value, abs=1e-12)
    for label in LABELS:
        assert labels[label].value == pytest.approx(fixed.labels[label].auroc.value, abs=1e-12)
    both = compare(a, b, bootstrap=400, seed=3)
    difference, _ = contrasts([Arm(((a,),)), Arm(((b,),))], [1, -1], bootstrap=400, seed=3)
    for name, found in difference.items():
        expected = both.summary[name]
        assert found.value == pytest.approx(expected.value, abs=1e-12)
        # the same resamples: a t interval instead of percentiles hardly moves the ends
        width = expected.high - expected.low
        assert found.low == pytest.approx(expected.low, abs=0.15 * width)
        assert found.high == pytest.approx(expected.high, abs=0.15 * width)


def test_more_seeds_shrink_the_interval():
    good = [(draw(1.5, seed),) for seed in range(8)]
    poor = [(draw(1.0, seed + 100),) for seed in range(8)]
    widths = []
    for seeds in (2, 4, 8):
        found = contrast([Arm(good[:seeds]), Arm(poor[:seeds])], [1, -1], bootstrap=200)
        widths.append(found.high - found.low)
    assert widths[0] > widths[1] > widths[2]
