"""Labels that can't be learnt or tested because a split has none of them, or nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ecg_keras.data.dataset import Dataset, SplitSummary
from ecg_keras.sources import FOLDER

NAMED = 5
# what a split is for -> what it can't do for a label that none, or all, of its records have
IN_VAIN = {
    "train": "can't be learnt",
    "valid": "has no part in the choice of the epoch, and no threshold of its own",
    "test": "has no AUROC or AUPRC",
}


def describe_scarce(
    splits: Mapping[str, SplitSummary], patients: Mapping[str, int], source: str
) -> tuple[str, ...]:
    """A line for each way in which labels are too rare, or too frequent, to be of use.

    Args:
        splits: of the dataset.
        patients: of how many people the records with each label are.
        source: of the records.

    Example:
        >>> one = SplitSummary(5, 5, {"AF": 0, "LBBB": 2}, {}, {})
        >>> (line,) = describe_scarce({"train": one, "test": one}, {"AF": 0, "LBBB": 4}, "ludb")
        >>> line.partition(".")[0]
        'no record has AF: it has no positive to learn from or to be tested on'
    """
    total = sum(one.records for one in splits.values())
    counts = {
        label: sum(one.labels[label] for one in splits.values())
        for label in next(iter(splits.values())).labels
    }
    never = [label for label, count in counts.items() if not count]
    always = [label for label, count in counts.items() if count == total]
    lines = []
    if never:
        what = "it has" if len(never) == 1 else "they have"
        lines.append(
            f"no record has {_name(never)}: {what} no positive to learn from or to be tested on"
        )
    if always:
        what = "it has" if len(always) == 1 else "they have"
        lines.append(
            f"every record has {_name(always)}: {what} no negative to learn from or to be tested on"
        )
    for split, summary in splits.items():
        found = [
            f"{label} ({count} of {summary.records}{_people(label, counts, patients)})"
            for label, count in summary.labels.items()
            if count in (0, summary.records) and 0 < counts[label] < total and summary.records
        ]
        if found:
            lines.append(
                f"in the {split} split none, or all, of the records have {_name(found)}: such a "
                f"label {IN_VAIN[split]}"
            )
    return tuple(f"{line}. {_advise(source)}." for line in lines)


def find_undecidable(dataset: Dataset, splits: Collection[str]) -> tuple[str, ...]:
    """A line for each of these splits in which no label is present here and absent there.

    Nothing can be learnt from such a split, no epoch be chosen by it, and no score be had.

    Args:
        dataset: what is in the shards.
        splits: those that are to be used.
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
                f"and absent in others ({_name(shown)}): {_lost(split)}. "
                f"{_advise(dataset.source)}."
            )
    return tuple(lines)


def _advise(source: str) -> str:
    """What to do about it: where labels are chosen depends on the source."""
    key = "data.folder.labels" if source == FOLDER else "data.label_set"
    return f"Choose others with {key}, or split otherwise with data.split"


def _lost(split: str) -> str:
    return {
        "train": "nothing can be learnt",
        "valid": "no epoch can be chosen",
        "test": "there is no score",
    }[split]


def _people(label: str, counts: Mapping[str, int], patients: Mapping[str, int]) -> str:
    """That all records with a label are of one person, who is in one split only."""
    alone = patients[label] == 1 and counts[label] > 1
    return f"; all {counts[label]} are of one patient" if alone else ""


def _name(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
