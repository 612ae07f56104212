"""Records of a dataset with the same signal: every pair is compared, and a kill loses a minute."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np

from ecg_keras.array_files import read_arrays
from ecg_keras.array_types import IntArray
from ecg_keras.data.dataset import Duplicates
from ecg_keras.data.identities import ROWS, Signatures, match_rows, stack, unit_vectors
from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.text import duration

# after which what was found is kept, and for the first time, said how long it will take
SECONDS_BETWEEN = 60.0
_KEPT = ("mark", "next", "pairs")


def find_duplicates(
    signatures: Mapping[str, bytes],
    assigned: Mapping[str, str],
    kept: Path | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> tuple[Duplicates, ...]:
    """Groups of records with the same signal, directly or through others. The first arguments are
    by record id: its `signals.signature`, and its split. ``kept`` is a file to resume from.
    """
    # imported here because it takes a third of a second
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    alike = defaultdict(list)  # many records can be equal to the bit, but few nearly so
    for record_id in sorted(signatures):
        if any(signatures[record_id]):
            alike[signatures[record_id]].append(record_id)
    pairs = _compare_all(stack([*alike]), kept, on_note)
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(alike), len(alike)))
    groups: dict[int, list[str]] = defaultdict(list)
    for group, names in zip(connected_components(links)[1], alike.values(), strict=True):
        groups[group] += names
    return tuple(
        Duplicates(tuple(group), tuple(assigned[record_id] for record_id in group))
        for group in sorted(map(sorted, groups.values()))
        if len(group) > 1
    )


def _compare_all(
    signatures: Signatures, kept: Path | None, on_note: Callable[[str], None]
) -> IntArray:
    """Rows of the same signal, ``(pairs, 2)``."""
    vectors, count = unit_vectors(signatures), len(signatures)
    mark = hashlib.sha256(signatures.tobytes()).hexdigest()
    first, pairs = _load(kept, mark)
    found, begun, is_noted = [pairs], time.monotonic(), False
    saved = begun
    for top in range(first, count, ROWS):
        # as arrays from the start: of many records that are nearly alike, pairs are millions
        matches = chain.from_iterable(match_rows(vectors, vectors, top, within=True))
        found.append(np.fromiter(matches, np.int64).reshape(-1, 2))
        if (now := time.monotonic()) - saved < SECONDS_BETWEEN:
            continue
        below = count - top - ROWS
        if kept is not None:
            found = [np.concatenate(found)]
            _save(kept, mark, top + ROWS, found[0])
        if not is_noted and below > 0:
            done = (count - first) ** 2 - below**2  # each row is compared with those below it
            left = duration((now - begun) * below**2 / done)
            on_note(
                f"The signals of {count:,} recordings are compared with one another: {left} more."
            )
            is_noted = True
        saved = time.monotonic()
    return np.concatenate(found)


def _load(kept: Path | None, mark: str) -> tuple[int, IntArray]:
    """From which row on to compare, and the pairs before it."""
    if kept is not None:
        with suppress(DataError, KeyError, ValueError):  # there is none, or it is damaged
            arrays = read_arrays(kept, _KEPT, "duplicates")
            pairs = arrays["pairs"].reshape(-1, 2)
            if str(arrays["mark"]) == mark and pairs.dtype == np.int64:
                return int(arrays["next"]), pairs
    return 0, np.empty((0, 2), np.int64)


def _save(kept: Path, mark: str, first: int, pairs: IntArray) -> None:
    with suppress(OSError), replacing(kept) as temporary, temporary.open("wb") as file:
        np.savez(file, mark=np.array(mark), next=np.array(first), pairs=pairs)
