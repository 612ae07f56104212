"""Leaks: records that are tested although their patient or signal was trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ecg_keras.data.duplicates import NAMED, find_matches
from ecg_keras.data.identities import Identities

SAME_SIGNAL, SAME_PATIENT = "the same signal", "the same patient"
# of what a leak's record was met as, in words
SEEN_AS = {
    "train": "trained on",
    "valid": "validated on",
    "test": "tested on",
}


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
        seen = f"{self.known_as}, {SEEN_AS[self.split]} in {self.run}"
        return f"{self.record_id} ({self.because} as {seen})"


def find_leaks(tested: Identities, seen: Identities) -> tuple[Leak, ...]:
    """The records of ``tested`` whose patient or signal is among those of ``seen``.

    Patient ids are compared within one population alone, signals between all. Of a record that is
    known in several ways the first record with its signal is told, otherwise the first of its
    patient.

    Args:
        tested: that should be unknown.
        seen: that were trained on, or looked at in training.

    Example:
        >>> from ecg_keras.data.identities import nobody
        >>> find_leaks(nobody(), nobody())
        ()
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
    for first, row in find_matches(seen.content, tested.content):
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


def name_leaks(leaks: Sequence[Leak]) -> str:
    """The first ten leaks, and how many more there are.

    Example:
        >>> print(name_leaks([Leak("7", SAME_SIGNAL, "HR00007", "runs/up", "train")]))
        7 (the same signal as HR00007, trained on in runs/up)
    """
    more = len(leaks) - NAMED
    named = ", ".join(str(leak) for leak in islice(leaks, NAMED))
    return f"{named}{f', and {more} more' if more > 0 else ''}"


def count_leaks(leaks: Sequence[Leak]) -> str:
    """How many leaks there are of each kind.

    Example:
        >>> count_leaks([Leak("7", SAME_SIGNAL, "HR00007", "runs/up", "train")])
        '1 by signal, 0 by patient'
    """
    counts = Counter(leak.because for leak in leaks)
    return f"{counts[SAME_SIGNAL]} by signal, {counts[SAME_PATIENT]} by patient"


def _patients(records: Identities) -> Iterator[tuple[str, str]]:
    return zip(records.populations.tolist(), records.patient_ids.tolist(), strict=True)
