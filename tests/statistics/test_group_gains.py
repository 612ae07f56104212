"""Whether a way gains more in one group: values, pairing, seeds and folds, words."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_keras.evaluation import Grouping, Predictions, compare
from ecg_keras.statistics import Arm, contrast, gains_by_group
from ecg_keras.statistics.group_gains import take_records_of

LABELS = ("MI", "CD", "RARE")


def draw(seed=0, patients=300, seeds=1, gain=(0.0, 0.0)):
    """Two ways on the same records; the second's skill is 1.5, the first's more by ``gain``."""
    rng = np.random.default_rng(seed)
    ids = np.arange(patients)
    targets = rng.random((patients, 3)) < [0.4, 0.3, 0.004]
    shared = rng.normal(size=targets.shape)
    sex = Grouping("sex", ("f", "m"), {str(one): "fm"[one % 2] for one in ids})
    ways = []
    for more in (np.array(gain)[ids % 2], np.zeros(patients)):
        runs = []
        for _ in range(seeds):
            noise = 0.8 * shared + 0.6 * rng.normal(size=targets.shape)
            logits = (1.5 + more)[:, None] * targets + noise - 1
            own = Predictions(LABELS, ids, ids, targets, 1 / (1 + np.exp(-logits)))
            runs.append((own,))
        ways.append(Arm(tuple(runs)))
    return *ways, sex


def test_values_are_those_of_the_group_compared_alone():
    ours, theirs, sex = draw()
    gains = gains_by_group(ours, theirs, [sex], bootstrap=300)
    kept = np.arange(2)
    for one in gains:
        ids = np.array([name for name, group in sex.group_of.items() if group == one.name])
        alone = [take_records_of(arm, ids, kept).predictions[0][0] for arm in (ours, theirs)]
        expected = compare(*alone, bootstrap=300).summary["macro_auroc"]
        assert one.scored == ("MI", "CD")
        assert one.records == one.patients == len(ids)
        assert one.gain.value == pytest.approx(expected.value, abs=1e-6)
        assert one.gain.low == pytest.approx(expected.low, abs=0.02)
        assert one.interaction.value == pytest.approx(one.gain.value - one.rest.value)
    female, male = gains
    assert female.gain == male.rest
    assert female.interaction.value == -male.interaction.value
    assert female.p_holm == male.p_holm == male.p_value


def test_the_interaction_is_the_contrast_of_four_arms():
    ours, theirs, sex = draw(1, seeds=3)
    gain = gains_by_group(ours, theirs, [sex], bootstrap=1000)[0]
    four = []
    for group in "fm":
        ids = np.array([name for name, own in sex.group_of.items() if own == group])
        four += [take_records_of(arm, ids, np.arange(2)) for arm in (ours, theirs)]
    expected = contrast(four, [1, -1, -1, 1])
    assert gain.interaction.value == pytest.approx(expected.value, abs=1e-6)
    reach = gain.interaction.high - gain.interaction.value
    assert reach == pytest.approx(expected.high - expected.value, rel=0.1)


def test_a_group_that_gains_more_is_said():
    ours, theirs, sex = draw(2, patients=1200, gain=(2.0, 0.0))
    words = [one.word for one in gains_by_group(ours, theirs, [sex], bootstrap=300)]
    assert words == ["gains more", "gains less"]


def test_the_same_network_gains_nothing_anywhere_and_few_patients_say_nothing():
    ours, _, sex = draw(3)
    same = gains_by_group(ours, ours, [sex], bootstrap=100)
    assert {one.word for one in same} == {"no difference shown"}
    assert {(one.gain.value, one.interaction.value, one.p_holm) for one in same} == {(0, 0, 1)}
    some = {name: "f" if int(name) < 8 else "m" for name in sex.group_of}
    few = gains_by_group(*draw(4)[:2], [replace(sex, group_of=some)], bootstrap=100)
    assert few[0].word == "too few"
    assert few[0].interaction is None
    one = dict.fromkeys(sex.group_of, "f")
    assert gains_by_group(*draw(4)[:2], [replace(sex, group_of=one)], bootstrap=100) == ()


def test_folds_without_a_group_are_left_out():
    ours, theirs, sex = draw(5)

    def cross(arm):
        (whole,) = arm.predictions[0]
        parts = [np.isin(np.arange(300) % 4, own) for own in ([0, 2], [1, 3])]
        folds = [take_records_of(arm, whole.record_ids[p], np.arange(3)) for p in parts]
        return Arm((tuple(own.predictions[0][0] for own in folds),))

    gains = gains_by_group(cross(ours), cross(theirs), [sex], bootstrap=200)
    assert [one.gain is not None for one in gains] == [True, True]
