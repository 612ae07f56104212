"""Labels that can't be learnt or tested because a split has none of them, or nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ecg_keras.data.dataset import Dataset, SplitSummary
from ecg_keras.errors import listed
from ecg_keras.sources import FOLDER

_NAMED = 5
# what a split is for -> what it can't do for a label that none, or all, of its records have
_IN_VAIN = {
    "train": "can't be learnt",
    "valid": "has no part in the choice of the epoch, and no threshold of its own",
    "test": "has no AUROC or AUPRC",
}
# what is lost where that holds for all labels
_LOST = {
    "train": "nothing can be learnt",
    "valid": "no epoch and no setting can be chosen",
    "test": "there is no score",
}


def describe_scarce(
    splits: Mapping[str, SplitSummary], patients: Mapping[str, int], source: str
) -> tuple[str, ...]:
    """A line for each way in which labels are too rare, or too frequent, to be of use. ``patients``
    is of how many people the records with each label are.
    """
    total = sum(one.records for one in splits.values())
    counts = {
        label: sum(one.labels[label] for one in splits.values())
        for label in next(iter(splits.values())).labels
    }
    lines = []
    for which, number, missing in (("no", 0, "positive"), ("every", total, "negative")):
        if found := [label for label, count in counts.items() if count == number]:
            what = "it has" if len(found) == 1 else "they have"
            lines.append(
                f"{which} record has {listed(found, _NAMED)}: {what} no {missing} to learn from or "
                "to be tested on"
            )
    for split, summary in splits.items():
        found = [
            f"{label} ({count} of {summary.records}{_people(label, counts, patients)})"
            for label, count in summary.labels.items()
            if count in (0, summary.records) and 0 < counts[label] < total and summary.records
        ]
        if found:
            lines.append(
                f"in the {split} split none, or all, of the records have {listed(found, _NAMED)}: "
                f"such a label {_IN_VAIN[split]}"
            )
    return tuple(f"{line}. {_advise(source)}." for line in lines)


def find_undecidable(dataset: Dataset, splits: Collection[str]) -> tuple[str, ...]:
    """A line for each of these splits in which no label is present here and absent there.

    Nothing can be learnt from such a split, no epoch be chosen by it, and no score be computed.
    """
    lines = []
    for split, summary in dataset.splits.items():
        counts = summary.labels
        if split not in splits or not summary.records:
            continue
        if all(count in (0, summary.records) for count in counts.values()):
            shown = [f"{label} in {count}" for label, count in counts.items()]
            lines.append(
                f"{split}: labels: no label is present in some of its {summary.records} records "
                f"and absent in others ({listed(shown, _NAMED)}): {_LOST[split]}. "
                f"{_advise(dataset.source)}."
            )
    return tuple(lines)


def _advise(source: str) -> str:
    """What to do about it: where labels are chosen depends on the source."""
    key = "data.folder.labels" if source == FOLDER else "data.label_set"
    return f"Choose others with {key}, or split otherwise with data.split"


def _people(label: str, counts: Mapping[str, int], patients: Mapping[str, int]) -> str:
    """That all records with a label are of one person, who is in one split only."""
    alone = patients[label] == 1 and counts[label] > 1
    return f"; all {counts[label]} are of one patient" if alone else ""
