"""The script that counts alarms: shifts change what they say, and are found; nothing is not."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecg_keras.prediction import AnswerTable

LABELS = ("MI", "NORM")


@pytest.fixture(scope="module")
def drawn():
    """Answers of 600 patients that are as likely as they say, and their truth."""
    rng = np.random.default_rng(0)
    probabilities = rng.beta(0.6, 0.9, (600, 2)).astype(np.float32)
    truth = (rng.random((600, 2)) < probabilities).astype(np.float64)
    names = np.array([f"p{number}" for number in range(600)])
    figures = {
        "peak_mv": rng.uniform(1, 2, 600).astype(np.float32),
        "noise_mv": rng.uniform(0, 0.1, (600, 12)).astype(np.float32),
    }
    return AnswerTable(names, names, np.ones(600, np.bool_), probabilities, figures), truth


def test_shifts_of_answers_are_found_and_nothing_is_not(script, drawn):
    table, truth = drawn
    half = np.arange(600) % 2 == 0
    reference, received = (script.take(table, truth, rows) for rows in (half, ~half))
    dataset, thresholds = SimpleNamespace(labels=LABELS), dict.fromkeys(LABELS, 0.5)
    found = {
        name: script.judge(dataset, reference, change(received), thresholds, signals=False)
        for name, change in script.SHIFTS.items()
    }
    raised = {name for name, kinds in found.items() if kinds}
    assert raised == {
        "one in five of those with the first label", "logits times three", "logits and 1.5",
    }  # fmt: skip


def test_shifts_of_signals_change_their_figures_alone(script, drawn):
    outputs, figures = script.take(*drawn, np.ones(600, np.bool_))
    same, louder = script.SHIFTS["twice the noise"]((outputs, figures))
    assert same is outputs
    assert np.array_equal(louder["noise_mv"], 2 * figures["noise_mv"])
    assert np.array_equal(louder["peak_mv"], figures["peak_mv"])
    less, fewer = script.SHIFTS["one in five of those with the first label"]((outputs, figures))
    having = np.asarray(outputs.targets)[:, 0] == 1
    assert np.asarray(less.targets)[:, 0].sum() == pytest.approx(0.2 * having.sum(), rel=0.4)
    assert len(fewer["peak_mv"]) == len(less.probabilities) < 600
