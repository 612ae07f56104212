"""The checks of what a network says: silent where nothing changed, loud where something did."""

import numpy as np
import pytest
from scipy import special

from ecg_keras.monitoring import FEWEST, Outputs, check_outputs

LABELS = ("NORM", "MI", "CD")
SHARES = np.array([0.5, 0.2, 0.06])
THRESHOLDS = {"NORM": 0.5, "MI": 0.4, "CD": 0.3}


def population(rng, patients, *, each=1, shares=SHARES, sharpen=1.0, skill=2.0, shift=0.0):
    """Calibrated answers about patients who have ``each`` records, and their truth."""
    ids = np.repeat(np.arange(patients), each)
    hidden = rng.normal(special.logit(shares), skill, (patients, len(shares)))
    chance = special.expit(hidden)
    truth = (rng.random(chance.shape) < chance).astype(float)[ids]
    said = special.expit(sharpen * hidden + shift)[ids]
    return Outputs(said, ids, truth)


def check(received, reference, thresholds=THRESHOLDS):
    found = check_outputs(
        LABELS, {"now": received}, usual=reference, scored=reference, thresholds=thresholds
    )
    return found["now"]


def alarms(received, reference, **options):
    return {
        (one.measure, one.label) for one in check(received, reference, **options) if one.differs
    }


@pytest.mark.parametrize(("patients", "each"), [((60, 40), 1), ((400, 300), 1), ((150, 150), 4)])
def test_nothing_that_changed_raises_no_alarm(patients, each):
    rng = np.random.default_rng(1)
    false = sum(
        bool(alarms(*(population(rng, number, each=each) for number in patients)))
        for _ in range(60)
    )
    assert false <= 3  # of more, one has less than 1 % of chance at 1 % each


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"shares": np.array([0.5, 0.4, 0.06])}, {("prevalence", "MI"), ("rate", "MI")}),
        ({"sharpen": 2.5}, {("excess brier", "NORM")}),
        ({"shift": 0.8}, {("calibration", "NORM"), ("probabilities", "NORM")}),
    ],
)
def test_what_changed_raises_the_alarm_that_names_it(changed, expected):
    rng = np.random.default_rng(2)
    found = alarms(population(rng, 2000, **changed), population(rng, 2000))
    assert expected <= found


def test_a_network_that_is_worse_raises_an_alarm_and_a_better_one_none():
    rng = np.random.default_rng(3)
    usual = population(rng, 800)
    order = rng.permutation(800)
    mixed = np.where(
        (np.arange(800) < 400)[:, None], usual.probabilities[order], usual.probabilities
    )
    worse = Outputs(mixed, usual.patients, usual.targets)
    assert {("auroc", label) for label in ("", *LABELS)} <= alarms(worse, usual)
    assert not any(measure == "auroc" for measure, _ in alarms(usual, worse))


def test_recordings_that_are_not_answered_raise_an_alarm():
    rng = np.random.default_rng(4)
    usual, now = population(rng, 300), population(rng, 300)
    refused = Outputs(now.probabilities[:200], now.patients[:200], None, lost=100)
    assert alarms(refused, usual) == {("not answered", "")}
    nothing = Outputs(np.empty((0, 3)), np.empty(0), None, lost=100)
    assert alarms(nothing, usual) == {("not answered", "")}


def test_the_share_that_is_not_answered_may_be_that_of_more_than_the_reference():
    rng = np.random.default_rng(4)
    usual = population(rng, 300)
    among = Outputs(usual.probabilities, usual.patients, usual.targets, lost=60, out_of=3000)
    (one,) = [each for each in check(usual, among) if each.measure == "not answered"]
    assert (one.reference, one.received) == (0.02, 0.0)


def test_without_thresholds_mean_probabilities_are_compared():
    rng = np.random.default_rng(5)
    (first, *_) = [
        one for one in check(population(rng, 300), population(rng, 300), thresholds=None)
        if one.measure == "rate"
    ]  # fmt: skip
    assert first.reference == pytest.approx(0.5, abs=0.05)


def test_few_recordings_are_not_judged():
    rng = np.random.default_rng(6)
    usual = population(rng, 300)
    assert check(population(rng, FEWEST - 1), usual) == ()
    some = check(population(rng, FEWEST), usual)
    assert {one.measure for one in some} >= {"rate", "calibration"}
    # of a rare label there is no AUROC
    assert not any(one.measure == "auroc" and one.label == "CD" for one in some)


def test_of_each_label_the_recordings_whose_truth_is_known_are_scored():
    rng = np.random.default_rng(7)
    usual, now = population(rng, 300), population(rng, 300)
    targets = now.targets.copy()
    targets[100:, 1] = np.nan
    half = Outputs(now.probabilities, now.patients, targets)
    first = Outputs(now.probabilities[:100], now.patients[:100], now.targets[:100])
    found, whole, part = (
        {
            (one.measure, one.label): (one.received, one.allowed)
            for one in check(some, usual)
            if one.measure in ("prevalence", "calibration", "excess brier", "auroc")
        }
        for some in (half, now, first)
    )
    assert found.keys() == whole.keys() >= part.keys()
    for (measure, label), values in found.items():
        expected = {"": None, "MI": part}.get(label, whole)
        if expected is not None:
            assert values == pytest.approx(expected[measure, label], rel=0.05), (measure, label)
    nobody = Outputs(now.probabilities, now.patients, np.where([[1, 0, 1]], now.targets, np.nan))
    unknown = {one.label for one in check(nobody, usual) if one.measure == "calibration"}
    assert unknown == {"NORM", "CD"}


def test_an_auroc_and_its_loss_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(8)
    usual, now = population(rng, 200), population(rng, 200)
    rounded = Outputs(now.probabilities.round(1), now.patients, now.targets)  # with ties
    for one in check(rounded, usual):
        if one.measure == "auroc" and one.label:
            column = LABELS.index(one.label)
            for value, outputs in ((one.reference, usual), (one.received, rounded)):
                expected = metrics.roc_auc_score(
                    outputs.targets[:, column], outputs.probabilities[:, column]
                )
                assert value == pytest.approx(expected)


def test_a_line_says_what_and_how_much():
    rng = np.random.default_rng(9)
    found = check(population(rng, 4000, shift=0.8), population(rng, 4000))
    (line,) = [
        one.line() for one in found if (one.measure, one.label) == ("calibration", "NORM")
    ]  # fmt: skip
    assert line.startswith("mean probability less share present of NORM: 0.1")
    assert "in the reference; difference 0." in line and "allowed 0.0" in line
