"""Each ECG that a report shows obeys the rule printed above it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays
from lake import hospital

from ecg_keras.data import read_dataset, read_shards
from ecg_keras.evaluation import Predictions
from ecg_keras.report import shown_ecgs
from ecg_keras.report.shown_ecgs import choose_records, choose_worst, show_ecgs

THRESHOLDS = np.array([0.5, 0.4, 0.7])


@st.composite
def predictions(draw):
    records = draw(st.integers(1, 25))
    targets = draw(arrays.arrays(np.uint8, (records, 3), elements=st.integers(0, 1)))
    steps = draw(arrays.arrays(np.uint8, (records, 3), elements=st.integers(0, 10)))
    ids = [f"r{number:03d}" for number in range(records)]
    return Predictions(("a", "b", "c"), ids, ids, targets, steps / 10)


def losses(shown):
    kept = np.clip(shown.probabilities.astype(float), 1e-7, 1 - 1e-7)
    return -np.mean(np.where(shown.targets == 1, np.log(kept), np.log(1 - kept)), axis=1)


@given(predictions())
@settings(max_examples=100, deadline=None)
def test_every_choice_obeys_its_rule(shown):
    chosen = choose_records(shown, THRESHOLDS)
    decided = shown.probabilities.astype(float) >= THRESHOLDS
    truth = shown.targets == 1
    loss = losses(shown)
    right = (decided == truth).all(axis=1) & truth.any(axis=1)
    assert len({choice.row for choice in chosen}) == len(chosen) <= 6
    for choice in chosen:
        row, rule = choice.row, choice.rule
        if rule.startswith("Surest right answer:"):
            assert right[row] and loss[row] <= loss[right].min() + 1e-9
        elif rule.startswith("Surest right answer with other"):
            assert right[row] and (truth[row] != truth[chosen[0].row]).any()
        elif rule.startswith("Typical"):
            assert np.isclose(loss[row], np.sort(loss)[(len(loss) - 1) // 2])
        elif rule.startswith("Worst miss"):
            lowest = np.where(truth & ~decided, shown.probabilities, 2).min()
            assert (truth[row] & ~decided[row] & (shown.probabilities[row] == lowest)).any()
        elif rule.startswith("Worst false alarm"):
            highest = np.where(~truth & decided, shown.probabilities, -1).max()
            assert (~truth[row] & decided[row] & (shown.probabilities[row] == highest)).any()
        else:
            assert rule == "Largest loss of the test ECGs" and np.isclose(loss[row], loss.max())


@given(predictions(), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_file_decides_nothing(shown, seed):
    shuffled = shown.take(np.random.default_rng(seed).permutation(len(shown.record_ids)))

    def named(of):
        return [(of.record_ids[one.row], one.rule) for one in choose_records(of, THRESHOLDS)]

    assert named(shuffled) == named(shown)


class Compared(np.ndarray):
    """An array that counts how often it is compared."""

    count = 0

    def __eq__(self, other):
        Compared.count += 1
        return np.asarray(self) == np.asarray(other)

    __hash__ = None


def test_truth_and_decision_are_compared_once_for_all_records(monkeypatch):
    answers = shown_ecgs._answers

    def counted(*given):
        truth, *others = answers(*given)
        return truth.view(Compared), *others

    monkeypatch.setattr(shown_ecgs, "_answers", counted)
    ids = [f"r{number:03d}" for number in range(200)]
    targets = np.ones((200, 3), np.uint8)
    choose_records(Predictions(("a", "b", "c"), ids, ids, targets, targets * 0.9), THRESHOLDS)
    assert Compared.count == 1


def test_a_run_with_all_kinds_of_answers_shows_six():
    targets = [[1, 0], [0, 1], [0, 0], [1, 0], [0, 0], [1, 1], [0, 0]]
    probabilities = [
        *([0.9, 0.1], [0.2, 0.8], [0.3, 0.2], [0.4, 0.3]),
        *([0.1, 0.7], [0.41, 0.42], [0.1, 0.1]),
    ]
    ids = [f"r{number}" for number in range(7)]
    shown = Predictions(("a", "b"), ids, ids, targets, probabilities)
    chosen = choose_records(shown, np.array([0.5, 0.5]))
    assert [choice.row for choice in chosen] == [0, 1, 2, 3, 4, 5]


@pytest.fixture
def lake_test(made_run):
    """One stored test ECG with its dataset, as records of one patient each."""
    record = next(read_shards(made_run.read_place("shards"), "test"))
    ids = [record.record_id]
    tested = Predictions(hospital.LABELS, ids, ids, [record.target], [record.target * 0.5])
    return tested, record, read_dataset(made_run.dataset)


def show(tested, record, dataset):
    choices = choose_worst(tested, np.full(len(tested.labels), 0.7))
    stored = {record.record_id: (record, dataset)}
    return show_ecgs(tested, np.full(len(tested.labels), 0.7), choices, stored, "ecg")[0]


def test_a_long_ecg_says_that_its_beginning_is_drawn(lake_test):
    tested, record, dataset = lake_test
    whole = show(tested, record, dataset)
    assert "drawn are" not in whole.about + whole.drawing.title
    times = int(30 * dataset.sampling_rate / len(record.signal))
    long = show(tested, replace(record, signal=np.tile(record.signal, (times, 1))), dataset)
    assert long.about.endswith("drawn are the first 10 of 30 s.")
    assert long.drawing.title.endswith("25 mm/s, 10 mm/mV; drawn are the first 10 of 30 s")


def test_a_patient_without_an_id_is_not_named(lake_test):
    tested, record, dataset = lake_test
    assert show(tested, record, dataset).about.startswith(f"Record {record.record_id}, ")
    assert "patient" not in show(tested, record, dataset).about
    named = replace(tested, patient_ids=np.array(["p7"]))
    assert show(named, record, dataset).about.startswith(f"Record {record.record_id}, patient p7")
