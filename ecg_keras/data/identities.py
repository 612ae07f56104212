"""Records by everything that identifies them, and those whose signal is the same.

Databases hold recordings twice, and publish those of others again: they are found by signatures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.array_files import read_arrays
from ecg_keras.array_types import AnyArray, BoolArray, Float32Array, IntArray, TextArray
from ecg_keras.data.dataset import Dataset, Duplicates
from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.signals import SAME_SIGNATURE, SIGNATURE_SIZE
from ecg_keras.sources import FOLDER

Signatures = npt.NDArray[np.int8]

# signatures that are compared at once: 16 MB of cosines
ROWS, COLUMNS = 1024, 4096
NAMED = 10
_SEEN = "records that a network has seen"


@dataclass(frozen=True, eq=False)
class Identities:
    """Records by everything that identifies them, whatever database or run they are met in.

    Attributes:
        runs: where each was met: the name of a run, or of a folder of shards.
        splits: as what: ``train``, ``valid`` or ``test``.
        populations: see `population`; patient ids can be compared within one.
        record_ids, patient_ids: as the source names them.
        content: int8 ``(N, 64)``, the signatures of their signals.
        rules: the `Dataset.signatures` of each.
    """

    runs: TextArray
    splits: TextArray
    populations: TextArray
    record_ids: TextArray
    patient_ids: TextArray
    content: Signatures
    rules: IntArray

    def __len__(self) -> int:
        return len(self.record_ids)

    def __add__(self, other: Identities) -> Identities:
        theirs = vars(other)
        return Identities(**{k: np.concatenate([v, theirs[k]]) for k, v in vars(self).items()})

    def take(self, rows: BoolArray) -> Identities:
        """Those of the rows that are marked."""
        return Identities(**{name: values[rows] for name, values in vars(self).items()})

    def keep(self, record_ids: Collection[str]) -> Identities:
        """Those with one of these ids."""
        return self.take(np.isin(self.record_ids, list(record_ids)))

    def leave_out(self, record_ids: Collection[str]) -> Identities:
        """Those without one of these ids."""
        return self.take(~np.isin(self.record_ids, list(record_ids)))

    def met_in(self, run: str, split: str) -> Identities:
        """The same records, met elsewhere."""
        return replace(self, runs=np.full(len(self), run), splits=np.full(len(self), split))

    def save(self, path: Path, **others: AnyArray) -> None:
        """Writes an ``.npz`` without pickles, whole or not at all, with ``others`` beside them."""
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **vars(self), **others)

    @classmethod
    def load(cls, path: Path) -> Identities:
        """Reads what `save` wrote; a `DataError` says what is wrong with another file."""
        names = [one.name for one in fields(cls)]
        advice = "Train the run again, or copy the file again from where it was whole."
        arrays = read_arrays(path, names, _SEEN, advice)
        rules = arrays.pop("rules", None)
        names.remove("rules")  # which earlier versions did not write
        if missing := [name for name in names if name not in arrays]:
            raise DataError(
                f"{path}: can't be read as {_SEEN}: it lacks {', '.join(missing)}. {advice}"
            )
        content = arrays.pop("content")
        count = len(content) if content.ndim else 0
        if rules is None:
            rules = np.ones(count, np.int64)
        fits = content.shape == (count, SIGNATURE_SIZE) and content.dtype == np.int8
        fits = fits and rules.shape == (count,) and rules.dtype == np.int64
        if not fits or any(a.shape != (count,) or a.dtype.kind != "U" for a in arrays.values()):
            raise DataError(
                f"{path}: holds arrays of other shapes or types than the {_SEEN}. Train the run "
                "again."
            )
        return cls(**arrays, content=content, rules=rules)


def nobody() -> Identities:
    """No record."""
    none = np.array([], dtype=np.str_)
    content = np.empty((0, SIGNATURE_SIZE), np.int8)
    return Identities(none, none, none, none, none, content, np.empty(0, np.int64))


def population(dataset: Dataset) -> str:
    """Within which patient ids can be compared: they mean nothing beside another database's."""
    # most databases are known by their source; simulated hospitals are by name and seed, and
    # folders of recordings by their files, wherever they are: two may both have a patient 1
    simulated = dataset.settings.get("simulate")
    if simulated:
        return f"{dataset.source} {simulated['hospital']} {simulated['seed']}"
    if dataset.source == "simulated" or has_own_people(dataset.source):
        return f"{dataset.source} {dataset.raw_digest}"
    return dataset.source


def has_own_people(source: str) -> bool:
    """Whether each folder that a source reads has patients of its own: that of a user's object,
    which is made for each; a user's module knows one database.
    """
    return source == FOLDER or ":" in source


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
    first = unit_vectors(a)
    second = first if b is None else unit_vectors(b)
    for top in range(0, len(first), ROWS):
        yield from match_rows(first, second, top, within=b is None)


def match_rows(
    first: Float32Array, second: Float32Array, top: int, *, within: bool
) -> Iterator[tuple[int, int]]:
    """The pairs of `find_matches` of the `ROWS` from ``top``, of `unit_vectors`."""
    rows = first[top : top + ROWS]
    for left in range(top if within else 0, len(second), COLUMNS):
        cosines = rows @ second[left : left + COLUMNS].T
        if cosines.max() < SAME_SIGNATURE and cosines.min() > -SAME_SIGNATURE:
            continue
        for row, column in np.argwhere(np.abs(cosines) >= SAME_SIGNATURE).tolist():
            if not within or top + row < left + column:
                yield top + row, left + column


def unit_vectors(signatures: Signatures) -> Float32Array:
    """Of length 1, but for those that are zeros."""
    vectors = signatures.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, np.where(lengths > 0, lengths, 1), dtype=np.float32)


def stack(signatures: Sequence[bytes]) -> Signatures:
    """Signatures as int8 ``(N, 64)``."""
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
