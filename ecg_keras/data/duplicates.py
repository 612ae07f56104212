"""Recordings that are in a database twice, or in two databases: found by their signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ecg_keras.data.dataset import Duplicates
from ecg_keras.signals import SAME_SIGNATURE, SIGNATURE_SIZE

NAMED = 10
# signatures that are compared at once: 16 MB of cosines
ROWS, COLUMNS = 1024, 4096

Signatures = npt.NDArray[np.int8]


def find_matches(a: Signatures, b: Signatures | None = None) -> Iterator[tuple[int, int]]:
    """Pairs of recordings that are the same, by their signatures.

    Every pair is compared, by blocks of a matrix product, so that memory does not grow with the
    number of pairs. Ten thousand recordings against as many others take half a second on two cores.

    Args:
        a: int8 ``(N, 64)`` of `signals.signature`.
        b: int8 ``(M, 64)``; none looks for pairs within ``a``.

    Returns:
        Row in ``a`` and row in ``b``, block by block; within ``a`` each pair once, the lower row
        first. A signature of zeros matches nothing.

    Example:
        >>> one = np.arange(64, dtype=np.int8)[None] - 20
        >>> list(find_matches(one, np.concatenate([one % 7, -one, one * 0])))
        [(0, 1)]
    """
    first = _unit(a)
    second = first if b is None else _unit(b)
    for top in range(0, len(first), ROWS):
        rows = first[top : top + ROWS]
        for left in range(top if b is None else 0, len(second), COLUMNS):
            cosines = rows @ second[left : left + COLUMNS].T
            if cosines.max() < SAME_SIGNATURE and cosines.min() > -SAME_SIGNATURE:
                continue
            for row, column in np.argwhere(np.abs(cosines) >= SAME_SIGNATURE).tolist():
                if b is not None or top + row < left + column:
                    yield top + row, left + column


def find_duplicates(
    signatures: Mapping[str, bytes], assigned: Mapping[str, str]
) -> tuple[Duplicates, ...]:
    """Groups of records with the same signal, directly or through others.

    Args:
        signatures: `signals.signature` of each record id.
        assigned: the split of each record id.

    Example:
        >>> signatures = {"a": bytes(range(64)), "b": bytes(range(64)), "c": bytes(64)}
        >>> find_duplicates(signatures, dict.fromkeys("abc", "test"))
        (Duplicates(record_ids=('a', 'b'), splits=('test', 'test')),)
    """
    alike = defaultdict(list)  # many records can be equal to the bit, but few nearly so
    for record_id in sorted(signatures):
        if any(signatures[record_id]):
            alike[signatures[record_id]].append(record_id)
    different = list(alike)
    parent = list(range(len(different)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for pair in find_matches(stack(different)):
        one, other = sorted(map(root, pair))
        parent[other] = one
    groups = defaultdict(list)
    for row, signature in enumerate(different):
        groups[root(row)] += alike[signature]
    return tuple(
        Duplicates(tuple(group), tuple(assigned[record_id] for record_id in group))
        for group in sorted(map(sorted, groups.values()))
        if len(group) > 1
    )


def stack(signatures: Sequence[bytes]) -> Signatures:
    """Signatures as int8 ``(N, 64)``.

    Example:
        >>> stack([bytes(64), bytes(64)]).shape
        (2, 64)
    """
    return np.frombuffer(b"".join(signatures), np.int8).reshape(len(signatures), SIGNATURE_SIZE)


def describe_duplicates(duplicates: Sequence[Duplicates]) -> str | None:
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


def _unit(signatures: Signatures) -> npt.NDArray[np.float32]:
    vectors = signatures.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, np.float32(1))
