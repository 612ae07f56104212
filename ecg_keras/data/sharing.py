"""`describe_shared`: recordings and patients that two datasets have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecg_keras.data.dataset import SPLITS
from ecg_keras.data.duplicates import find_matches
from ecg_keras.data.identities import Identities, nobody
from ecg_keras.data.reading import read_identities
from ecg_keras.text import plural


@dataclass(frozen=True)
class Shared:
    """What two datasets have in common.

    Attributes:
        folders: of the two datasets.
        recordings: the same signals: record id and split in the one, record id and split in the
            other.
        patients: ids that both have, and the splits of their records in the one and in the other.
        comparable: whether an id means the same person in both.
    """

    folders: tuple[str, str]
    recordings: tuple[tuple[str, str, str, str], ...]
    patients: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    comparable: bool

    def table(self) -> str:
        """All of it as text, a line for each recording and patient."""
        lines = [
            f"{self.folders[0]} and {self.folders[1]} share "
            + plural(len(self.recordings), "recording")
            + (f" and {plural(len(self.patients), 'patient')}" if self.comparable else "")
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
        return "\n".join(lines)


def describe_shared(folder: str | Path, other: str | Path) -> Shared:
    """Looks for recordings and patients that two datasets have in common, in all splits.

    Args:
        folder: of the shards of the one.
        other: of the other; it may have another sampling rate, length and leads.

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
    comparable = bool(set(one.populations.tolist()) & set(two.populations.tolist()))
    ours, theirs = _splits_of_patients(one), _splits_of_patients(two)
    shared = sorted({*ours} & {*theirs}) if comparable else []
    return Shared(
        folders=(str(folder), str(other)),
        recordings=tuple(recordings),
        patients=tuple((name, ours[name], theirs[name]) for name in shared),
        comparable=comparable,
    )


def _everybody(folder: Path) -> Identities:
    found = nobody()
    for split in SPLITS:
        found += read_identities(folder, split)
    return found


def _splits_of_patients(records: Identities) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for patient, split in zip(records.patient_ids.tolist(), records.splits.tolist(), strict=True):
        found.setdefault(patient, set()).add(split)
    return {patient: tuple(sorted(splits)) for patient, splits in found.items()}
