"""Whether predictions are of the same test, so that they can be compared record by record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import TextArray
from ecg_keras.errors import DataError
from ecg_keras.evaluation.predictions import Predictions


class Tested(Protocol):
    """Records that were tested, sorted by their ids."""

    @property
    def record_ids(self) -> TextArray:
        """``(records,)``."""

    @property
    def patient_ids(self) -> TextArray:
        """``(records,)``."""

    @property
    def targets(self) -> npt.NDArray[np.uint8]:
        """``(records, labels)``."""


def check_same_test(a: Tested, b: Tested, labels: Sequence[str], names: tuple[str, str]) -> None:
    """Refuse two tests that differ in records, patients or targets, with an example."""
    pair = f"{names[0]} and {names[1]}"
    if not np.array_equal(a.record_ids, b.record_ids):
        only = [np.setdiff1d(x.record_ids, y.record_ids) for x, y in ((a, b), (b, a))]
        found = [
            f"{len(ids)} only in {name}, such as {ids[0]}"
            for ids, name in zip(only, names, strict=True)
            if len(ids)
        ]
        raise DataError(
            f"records of {pair} differ: {'; '.join(found)}. Test both on the same split of the "
            "same dataset."
        )
    moved = np.flatnonzero(a.patient_ids != b.patient_ids)
    if len(moved):
        row = moved[0]
        raise DataError(
            f"patients of {pair} differ in {len(moved)} records: {a.record_ids[row]} is of patient "
            f"{a.patient_ids[row]} in one and {b.patient_ids[row]} in the other."
        )
    changed = np.argwhere(a.targets != b.targets)
    if len(changed):
        row, column = changed[0]
        raise DataError(
            f"targets of {pair} differ in {len(np.unique(changed[:, 0]))} records: "
            f"{a.record_ids[row]} has {labels[column]} {a.targets[row, column]} in one and "
            f"{b.targets[row, column]} in the other. Was the dataset prepared again in between?"
        )


def is_same_test(a: Predictions, b: Predictions) -> bool:
    """Whether two networks were tested on the same records, patients, labels and targets."""
    if a.labels != b.labels:
        return False
    try:
        check_same_test(a.sorted(), b.sorted(), a.labels, ("a", "b"))
    except DataError:
        return False
    return True


def check_same_labels(a: Sequence[str], b: Sequence[str], names: tuple[str, str]) -> None:
    """Refuse predictions of other labels, or of the same in another order."""
    if tuple(a) != tuple(b):
        order = " (the same labels in another order)" * (set(a) == set(b))
        raise DataError(
            f"labels of {names[0]} and {names[1]} differ{order}: {', '.join(a)} and "
            f"{', '.join(b)}. Only predictions of the same label set can be compared."
        )
