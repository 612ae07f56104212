"""Labels that a split has none of, or nothing else."""

from types import SimpleNamespace

import pytest

from ecg_keras.data.dataset import SplitSummary
from ecg_keras.data.label_counts import describe_scarce, find_undecidable


def splits(records=(15, 4, 5), **labels):
    return {
        split: SplitSummary(
            records[n], records[n], {label: counts[n] for label, counts in labels.items()}, {}, {}
        )
        for n, split in enumerate(("train", "valid", "test"))
    }


WAYS = " Choose others with data.folder.labels, or split otherwise with data.split."


def test_labels_that_are_everywhere_in_part_need_no_word():
    assert (
        describe_scarce(splits(AF=(8, 2, 2), LBBB=(1, 1, 1)), {"AF": 12, "LBBB": 3}, "folder") == ()
    )


@pytest.mark.parametrize(
    ("labels", "patients", "lines"),
    [
        (
            {"AF": (0, 0, 0)},
            0,
            ["no record has AF: it has no positive to learn from or to be tested on."],
        ),
        (
            {"AF": (15, 4, 5)},
            24,
            ["every record has AF: it has no negative to learn from or to be tested on."],
        ),
        (
            {"AF": (5, 0, 0)},
            1,
            [
                "in the valid split none, or all, of the records have AF (0 of 4; all 5 are of one "
                "patient): such a label has no part in the choice of the epoch, and no threshold "
                "of its own.",
                "in the test split none, or all, of the records have AF (0 of 5; all 5 are of one "
                "patient): such a label has no AUROC or AUPRC.",
            ],
        ),
        (
            {"AF": (15, 2, 3)},
            20,
            [
                "in the train split none, or all, of the records have AF (15 of 15): such a label "
                "can't be learnt."
            ],
        ),
    ],
)
def test_what_a_label_lacks_is_told_with_its_counts(labels, patients, lines):
    found = describe_scarce(
        splits(LBBB=(8, 2, 2), **labels), {"LBBB": 12, "AF": patients}, "folder"
    )
    assert found == tuple(line + WAYS for line in lines)


def test_many_labels_are_one_line():
    names = {f"L{n}": (0, 0, 0) for n in range(8)}
    (line,) = describe_scarce(splits(**names), dict.fromkeys(names, 0), "ludb")
    assert line.startswith("no record has L0, L1, L2, L3, L4 and 3 more: they have no positive")


def test_an_empty_split_lacks_nothing():
    found = splits(records=(15, 0, 5), AF=(8, 0, 2))
    assert describe_scarce(found, {"AF": 10}, "folder") == ()
    assert (
        find_undecidable(SimpleNamespace(source="folder", splits=found), ("train", "valid", "test"))
        == ()
    )


def test_a_split_in_which_nothing_can_be_decided():
    dataset = SimpleNamespace(source="folder", splits=splits(AF=(5, 0, 0), SR=(15, 4, 5)))
    assert find_undecidable(dataset, ("train",)) == ()
    (line,) = find_undecidable(dataset, ("train", "test"))
    assert line == (
        "test: labels: no label is present in some of its 5 records and absent in others (AF in 0, "
        f"SR in 5): there is no score.{WAYS}"
    )
    dataset = SimpleNamespace(source="folder", splits=splits(records=(1, 1, 1), AF=(0, 1, 0)))
    found = find_undecidable(dataset, ("train", "valid", "test"))
    assert [line.partition(":")[0] for line in found] == ["train", "valid", "test"]
