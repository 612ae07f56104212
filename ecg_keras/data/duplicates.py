"""Recordings that are in a database twice: found by what they share, told before they leak."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ecg_keras.data.dataset import Duplicates

NAMED = 10


def lead_digests(samples: npt.NDArray[np.int16]) -> list[str]:
    """A digest of each lead's samples; none for leads that are constant and so say nothing.

    Args:
        samples: ``(num_samples, num_leads)``.
    """
    leads = np.ascontiguousarray(samples.T)
    alive = (leads.min(axis=1) < leads.max(axis=1)).tolist()
    return [
        hashlib.blake2b(lead, digest_size=8).hexdigest()
        for lead, says_something in zip(leads, alive, strict=True)
        if says_something
    ]


def find_duplicates(
    digests: Mapping[str, Sequence[str]], assigned: Mapping[str, str]
) -> tuple[Duplicates, ...]:
    """Groups of records that share the samples of a lead, directly or through others.

    One lead decides, because published copies of a recording can differ in a few samples of some
    leads: of five pairs in the first 500 records of PTB-XL that are identical at 500 Hz, three
    differ in up to one per cent of the samples of up to five leads at 100 Hz.

    Args:
        digests: `lead_digests` of each record id.
        assigned: the split of each record id.

    Example:
        >>> digests = {"a": ["1", "2"], "b": ["3", "2"], "c": ["4"]}
        >>> find_duplicates(digests, dict.fromkeys("abc", "test"))
        (Duplicates(record_ids=('a', 'b'), splits=('test', 'test')),)
    """
    first: dict[str, str] = {}
    parent = {record_id: record_id for record_id in digests}

    def root(record_id: str) -> str:
        while parent[record_id] != record_id:
            parent[record_id] = record_id = parent[parent[record_id]]
        return record_id

    for record_id in sorted(digests):
        for digest in digests[record_id]:
            seen_in = first.setdefault(digest, record_id)
            if seen_in != record_id:
                one, other = sorted((root(seen_in), root(record_id)))
                parent[other] = one
    groups = defaultdict(list)
    for record_id in sorted(digests):
        groups[root(record_id)].append(record_id)
    return tuple(
        Duplicates(tuple(group), tuple(assigned[record_id] for record_id in group))
        for group in groups.values()
        if len(group) > 1
    )


def describe_leaks(duplicates: Sequence[Duplicates]) -> str | None:
    """One sentence on the groups and those of them that cross splits; nothing if there are none."""
    if not duplicates:
        return None
    across = [one for one in duplicates if len(set(one.splits)) > 1]
    named = "; ".join(
        ", ".join(
            f"{name} ({split})" for name, split in zip(one.record_ids, one.splits, strict=True)
        )
        for one in across[:NAMED]
    )
    more = f"; and {len(across) - NAMED} more" if len(across) > NAMED else ""
    return (
        f"{len(duplicates)} groups of records carry the same signals, {len(across)} of them across "
        f"splits{': ' if across else ''}{named}{more}. dataset.json lists all of them."
    )
