"""The script that plants crossovers: what it plants, what it compares with, and its tables."""

import numpy as np
import pytest

from ecg_keras.statistics import contrast
from ecg_keras.statistics.crossover import Joint


def test_each_way_finds_the_crossover_of_its_own_shape(script):
    sizes = script.SIZES["6"]
    for shape, way in (("power law", "power law"), ("straight in log n", "line")):
        planted = script.SHAPES[shape]
        joint = Joint(planted(sizes), np.full(6, 1e-5), np.full(6, 1 / 6), 0.0, 50.0)
        estimate, low, high = script.WAYS[way](sizes, joint, 0)
        assert low <= estimate <= high
        assert estimate == pytest.approx(script.crossing(planted), rel=0.02)


def test_differences_are_planted_with_the_luck_that_is_told(script):
    rng = np.random.default_rng(0)
    truth = np.array([0.08, 0.04, 0.0])
    drawn = [script.simulate_joint(truth, rng, 5, 0.02, 0.01) for _ in range(400)]
    values = np.array([joint.values for joint in drawn])
    np.testing.assert_allclose(values.mean(axis=0), truth, atol=0.003)
    expected = np.sqrt(0.01**2 + (0.02 * np.array([1, 0.7, 0.4])) ** 2 / 5)
    np.testing.assert_allclose(values.std(axis=0), expected, rtol=0.12)


def test_networks_have_the_auroc_that_was_planted(script):
    rng = np.random.default_rng(1)
    truth = rng.random((4000, 2)) < 0.35
    shared = rng.normal(size=truth.shape)
    arms = script.simulate_arms(np.array([0.7, 0.9]), truth, shared, rng, 8, 0.1)
    found = [contrast([arm], [1.0], bootstrap=100).value for arm in arms]
    assert found == pytest.approx([0.7, 0.9], abs=0.02)


def test_a_tally_by_hand(script):
    tally = script.Tally(300, [(310, 200, 400), (500, 350, np.inf), None, (290, 250, np.inf)])
    assert (tally.covered, tally.reported, tally.middle) == (0.5, 0.25, "300")


def test_the_tables(script, capsys):
    row = next(script.compare_ways(2, 0))
    script.print_table(("planted", "n"), [row[::3]])
    assert capsys.readouterr().out == (
        f"| planted | n |\n| --- | ---: |\n| power law | 731 | {row[6]} |\n"
    )
    curve = script.run_study(
        script.STUDIES["crossover"], np.random.default_rng(2), seeds=3, patients=80, number=0
    )
    assert curve.title == "planted"
    assert len(curve.differences) == 6
