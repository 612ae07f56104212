"""Records that should be unknown but are known, and what two datasets have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg_keras.array_types import IntArray
from ecg_keras.data.dataset import SPLITS
from ecg_keras.data.identities import NAMED, Identities, find_matches, nobody
from ecg_keras.errors import listed
from ecg_keras.text import plural

SAME_SIGNAL, SAME_PATIENT = "the same signal", "the same patient"
# what a record was met as, in words
_SEEN_AS = {"train": "trained on", "valid": "validated on", "test": "tested on"}


@dataclass(frozen=True)
class Leak:
    """A record that should be unknown, and the record by which it is known.

    Attributes:
        record_id: of the one that should be unknown.
        because: `SAME_SIGNAL` or `SAME_PATIENT`.
        known_as: record id of the one that was seen.
        run, split: where that was seen, and as what.
    """

    record_id: str
    because: str
    known_as: str
    run: str
    split: str

    def __str__(self) -> str:
        seen = f"{self.known_as}, {_SEEN_AS[self.split]} in {self.run}"
        return f"{self.record_id} ({self.because} as {seen})"


def find_leaks(
    tested: Identities, seen: Identities, alike: Collection[str] | None = None
) -> tuple[Leak, ...]:
    """The records of ``tested`` whose patient or signal is among those of ``seen``.

    Patient ids are compared within one population alone, signals between all. Each record is named
    with the first one of its signal, or else with the first one of its patient. Where both are of
    one dataset, ``alike`` are the ids of its `Dataset.duplicates`: other signals are not compared.
    """
    by_patient: dict[tuple[str, str], int] = {}
    for row, patient in enumerate(_patients(seen)):
        by_patient.setdefault(patient, row)
    known: dict[int, tuple[int, str]] = {
        row: (by_patient[patient], SAME_PATIENT)
        for row, patient in enumerate(_patients(tested))
        if patient in by_patient
    }
    by_signal: dict[int, int] = {}
    before, after = (_rows_among(one, alike) for one in (seen, tested))
    # one by one: of many copies of one recording, pairs are millions
    for one, other in find_matches(seen.content[before], tested.content[after]):
        first, row = int(before[one]), int(after[other])
        by_signal[row] = min(first, by_signal.get(row, first))
    known.update({row: (first, SAME_SIGNAL) for row, first in by_signal.items()})
    return tuple(
        Leak(
            record_id=str(tested.record_ids[row]),
            because=because,
            known_as=str(seen.record_ids[first]),
            run=str(seen.runs[first]),
            split=str(seen.splits[first]),
        )
        for row, (first, because) in sorted(known.items())
    )


def _rows_among(records: Identities, alike: Collection[str] | None) -> IntArray:
    if alike is None:
        return np.arange(len(records))
    wanted = frozenset(alike)
    return np.flatnonzero([one in wanted for one in records.record_ids.tolist()])


def name_leaks(leaks: Sequence[Leak]) -> str:
    """The first ten leaks, and how many more there are."""
    more = f", and {len(leaks) - NAMED} more" if len(leaks) > NAMED else ""
    return ", ".join(map(str, leaks[:NAMED])) + more


def count_leaks(leaks: Sequence[Leak]) -> str:
    """How many leaks there are of each kind."""
    counts = Counter(leak.because for leak in leaks)
    return f"{counts[SAME_SIGNAL]} by signal, {counts[SAME_PATIENT]} by patient"


def tell_rules(one: Identities, other: Identities) -> str:
    """Which of two groups have signatures of an earlier rule than others; empty where none has."""
    if not len(one) or not len(other):
        return ""
    both = one + other
    earlier = sorted({*both.runs[both.rules < both.rules.max()].tolist()})
    if not earlier:
        return ""
    named = listed(earlier, NAMED)
    return (
        f"The signatures of {named} were made by an earlier rule: copies of recordings that are "
        "padded can't be found there. Shards that are removed and prepared again, and runs that "
        "are trained on those, have the present one."
    )


def _patients(records: Identities) -> Iterator[tuple[str, str]]:
    return zip(records.populations.tolist(), records.patient_ids.tolist(), strict=True)


@dataclass(frozen=True)
class Shared:
    """What two datasets have in common."""

    folders: tuple[str, str]
    # of the same signals, record id and split in the one and in the other
    recordings: tuple[tuple[str, str, str, str], ...]
    # ids that both have, and the splits of their records in the one and in the other
    patients: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    # whether an id means the same person in both
    comparable: bool
    # what can't be found, in a sentence; empty where there is nothing
    unchecked: str = ""

    def table(self) -> str:
        """All of it as text, a line for each recording and patient."""
        lines = [
            f"{self.folders[0]} and {self.folders[1]} share "
            + plural(len(self.recordings), "recording")
            + f" and {plural(len(self.patients), 'patient')}" * self.comparable
        ]
        lines += [
            f"  recording {name} ({split}) is {other} ({other_split})"
            for name, split, other, other_split in self.recordings
        ]
        lines += [
            f"  patient {name} ({', '.join(splits)}) is there, too ({', '.join(other)})"
            for name, splits, other in self.patients
        ]
        if not self.comparable:
            lines.append("  patients can't be compared: the ids are those of different databases")
        return "\n".join([*lines, *([f"  {self.unchecked}"] if self.unchecked else [])])


def describe_shared(folder: str | Path, other: str | Path) -> Shared:
    """Looks for recordings and patients that two datasets have in common, in all splits.

    Args:
        folder: of the shards of the one.
        other: of the other; it may have another sampling rate, length and leads.

    Returns:
        What they share; its ``table()`` is text.

    Raises:
        DataError: a folder is no finished dataset, or a shard is damaged.

    Example:
        >>> describe_shared("shards/ptbxl", "shards/challenge").recordings[0]
        ('1', 'train', 'HR00001', 'test')
    """
    one, two = (_everybody(Path(each)) for each in (folder, other))
    recordings = sorted(
        (
            str(one.record_ids[row]),
            str(one.splits[row]),
            str(two.record_ids[column]),
            str(two.splits[column]),
        )
        for row, column in find_matches(one.content, two.content)
    )
    comparable = bool({*one.populations.tolist()} & {*two.populations.tolist()})
    ours, theirs = _splits_of_patients(one), _splits_of_patients(two)
    shared = sorted({*ours} & {*theirs}) if comparable else []
    return Shared(
        folders=(str(folder), str(other)),
        recordings=tuple(recordings),
        patients=tuple((name, ours[name], theirs[name]) for name in shared),
        comparable=comparable,
        unchecked=tell_rules(one, two),
    )


def _everybody(folder: Path) -> Identities:
    from ecg_keras.data.reading import read_identities  # imports TensorFlow

    return sum((read_identities(folder, split) for split in SPLITS), nobody())


def _splits_of_patients(records: Identities) -> dict[str, tuple[str, ...]]:
    splits: dict[str, set[str]] = {}
    for patient, split in zip(records.patient_ids.tolist(), records.splits.tolist(), strict=True):
        splits.setdefault(patient, set()).add(split)
    return {patient: tuple(sorted(names)) for patient, names in splits.items()}
