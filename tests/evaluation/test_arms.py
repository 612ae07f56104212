"""`Arm`: what fits together, whatever the order it comes in."""

import re

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.evaluation import Arm, Predictions


def say(records, patients=None, targets=None, labels=("MI",)):
    records = list(records)
    targets = targets or [[int(name in "bd")] for name in records]
    shape = np.shape(targets)
    patients = list(patients or records)
    return Predictions(labels, records, patients, targets, np.full(shape, 0.3))


def refused(text, *arguments, **named):
    with pytest.raises(DataError, match=re.escape(text)):
        Arm(*arguments, **named)


def test_folds_and_records_are_put_in_order_with_their_thresholds():
    low, high = {"MI": 0.2}, {"MI": 0.8}
    arm = Arm(((say("dc"), say("ba")), (say("ab"), say("cd"))), ((high, low), (low, high)))
    for seed in range(2):
        assert [said.record_ids.tolist() for said in arm.predictions[seed]] == [
            ["a", "b"],
            ["c", "d"],
        ]
        assert [arm.limits(seed, fold).tolist() for fold in range(2)] == [[0.2], [0.8]]
        assert arm.tested[seed].record_ids.tolist() == list("abcd")
        assert arm.tested[seed].fold.tolist() == [0, 0, 1, 1]
    assert (arm.seeds, arm.folds, arm.labels) == (2, 2, ("MI",))


def test_thresholds_are_in_the_order_of_the_labels_and_default_to_half():
    said = say("ab", targets=[[0, 1], [1, 0]], labels=("MI", "CD"))
    assert Arm(((said,),), (({"CD": 0.7, "MI": 0.1},),)).limits(0, 0).tolist() == [0.1, 0.7]
    assert Arm(((said,),)).limits(0, 0).tolist() == [0.5, 0.5]
    assert Arm(((said,),), ((None,),)).limits(0, 0).tolist() == [0.5, 0.5]


def test_seeds_may_have_folds_of_their_own():
    arm = Arm(((say("ab"), say("cd")), (say("ca"), say("bd"))))
    assert arm.tested[0].fold.tolist() == [0, 0, 1, 1]
    assert arm.tested[1].fold.tolist() == [0, 1, 0, 1]


def test_what_does_not_fit_is_refused():
    refused("finetune: an arm needs predictions of at least one seed", (), name="finetune")
    refused("this arm: an arm needs predictions of at least one seed", ((say("ab"),), ()))
    refused("thresholds must be one mapping for each seed and fold, [2] folds by seed. "
            "Received: [1].", ((say("ab"), say("cd")),), ((None,),))  # fmt: skip
    refused("thresholds must be one for each label: MI. Received: CD.", ((say("ab"),),),
            (({"CD": 0.5},),))  # fmt: skip
    refused("Received: none.", ((say("ab"),),), (({},),))
    refused("labels of its runs differ: MI and CD.", ((say("ab"), say("cd", labels=("CD",))),))
    refused("folds must share no record. In several folds of seed number 2: 2 records, such as a.",
            ((say("abcd"),), (say("abc"), say("abd"))))  # fmt: skip


def test_seeds_that_test_something_else_are_refused():
    def pair(other):
        return ((say("abc"),), (other,))

    one, two = "seed number 1 of this arm", "seed number 2"
    both = f"{one} and {two} differ"
    refused(f"records of {both}: 1 only in {one}, such as c; 1 only in {two}, such as d. Test both",
            pair(say("abd")))  # fmt: skip
    refused(f"records of {both}: 1 only in {one}, such as c. Test both", pair(say("ab")))
    refused(f"patients of {both} in 1 records: b is of patient b in one and z in the other.",
            pair(say("abc", "azc")))  # fmt: skip
    refused(f"targets of {both} in 2 records: a has MI 0 in one and 1 in the other. "
            "Was the dataset prepared", pair(say("abc", targets=[[1], [1], [1]])))  # fmt: skip
