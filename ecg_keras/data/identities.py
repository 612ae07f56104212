"""`Identities`: what tells records apart, whatever database or run they are met in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.array_files import read_arrays
from ecg_keras.data.dataset import Dataset
from ecg_keras.data.duplicates import Signatures
from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.signals import SIGNATURE_SIZE

Strings = npt.NDArray[np.str_]

SEEN = "records that a network has seen"
# sources that stand for many databases, whose patients may have the same ids
MANY = ("folder", "simulated")


@dataclass(frozen=True, eq=False)
class Identities:
    """Records by everything that tells them apart.

    Attributes:
        runs: where each was met: the name of a run, or of a folder of shards.
        splits: as what: ``train``, ``valid`` or ``test``.
        populations: see `population`; patient ids can be compared within one.
        record_ids, patient_ids: as the source names them.
        content: int8 ``(N, 64)``, the signatures of their signals.
    """

    runs: Strings
    splits: Strings
    populations: Strings
    record_ids: Strings
    patient_ids: Strings
    content: Signatures

    def __len__(self) -> int:
        return len(self.record_ids)

    def __add__(self, other: Identities) -> Identities:
        return Identities(
            **{
                one.name: np.concatenate([getattr(self, one.name), getattr(other, one.name)])
                for one in fields(self)
            }
        )

    def take(self, rows: npt.NDArray[np.bool_]) -> Identities:
        """Those of the rows that are marked."""
        return Identities(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    def keep(self, record_ids: Collection[str]) -> Identities:
        """Those with one of these ids."""
        return self.take(np.isin(self.record_ids, list(record_ids)))

    def leave_out(self, record_ids: Collection[str]) -> Identities:
        """Those without one of these ids."""
        return self.take(~np.isin(self.record_ids, list(record_ids)))

    def met_in(self, run: str, split: str) -> Identities:
        """The same records, met elsewhere."""
        return replace(
            self,
            runs=np.full(len(self), run),
            splits=np.full(len(self), split),
        )

    def save(self, path: Path) -> None:
        """Writes an ``.npz`` without pickles, whole or not at all."""
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **{one.name: getattr(self, one.name) for one in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Identities:
        """Reads what `save` wrote.

        Raises:
            DataError: the file is missing, damaged or holds something else.
        """
        names = [one.name for one in fields(cls)]
        advice = "Train the run again, or copy the file again from where it was whole."
        arrays = read_arrays(path, names, SEEN, advice)
        if missing := [name for name in names if name not in arrays]:
            raise DataError(
                f"{path}: can't be read as {SEEN}: it lacks {', '.join(missing)}. {advice}"
            )
        content = arrays.pop("content")
        count = len(content) if content.ndim else 0
        fits = content.shape == (count, SIGNATURE_SIZE) and content.dtype == np.int8
        if not fits or any(a.shape != (count,) or a.dtype.kind != "U" for a in arrays.values()):
            raise DataError(
                f"{path}: holds arrays of other shapes or types than the records that a network "
                "has seen. Train the run again."
            )
        return cls(**arrays, content=content)


def nobody() -> Identities:
    """No record."""
    none = np.array([], dtype=np.str_)
    return Identities(none, none, none, none, none, np.empty((0, SIGNATURE_SIZE), np.int8))


def population(dataset: Dataset) -> str:
    """Within which patient ids can be compared: they mean nothing beside another database's.

    A database that is published, or has a module of its own, is known by its source. Simulated
    hospitals are by name and seed, and folders of recordings by their files, wherever they lie: two
    of them may both have a patient 1.
    """
    if dataset.source not in MANY:
        return dataset.source
    simulated = dataset.settings.get("simulate")
    if simulated:
        return f"{dataset.source} {simulated['hospital']} {simulated['seed']}"
    return f"{dataset.source} {dataset.raw_digest}"
