"""Whether predictions are of the same test, so that they can be compared record by record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError, DataError

if TYPE_CHECKING:
    from ecg_keras.statistics.arms import Arm


@dataclass(frozen=True, eq=False)
class Tested:
    """The records that one seed was tested on, sorted by their ids.

    Attributes:
        record_ids, patient_ids: ``(records,)``.
        targets: ``(records, labels)``.
        fold: ``(records,)`` that tests each record.
    """

    record_ids: npt.NDArray[np.str_]
    patient_ids: npt.NDArray[np.str_]
    targets: npt.NDArray[np.uint8]
    fold: npt.NDArray[np.int64]


def check_same_test(
    one: Tested,
    other: Tested,
    labels: tuple[str, ...],
    pair: str,
) -> None:
    """Refuse two sets of tested records that differ in records, patients or targets.

    Args:
        one, other: the two.
        labels: names of the targets' columns.
        pair: what an error calls the two.

    Raises:
        DataError: says what differs, with an example.
    """
    if not np.array_equal(one.record_ids, other.record_ids):
        lost = np.setxor1d(one.record_ids, other.record_ids)
        raise DataError(
            f"{pair} test other records: {len(lost)} are in one only, such as {lost[0]}. Test all "
            "on the same records of the same dataset."
        )
    moved = np.flatnonzero(one.patient_ids != other.patient_ids)
    if len(moved):
        row = moved[0]
        raise DataError(
            f"{pair} differ in the patients of {len(moved)} records: {one.record_ids[row]} is "
            f"of patient {one.patient_ids[row]} in one and {other.patient_ids[row]} in the "
            "other."
        )
    changed = np.argwhere(one.targets != other.targets)
    if len(changed):
        row, column = changed[0]
        raise DataError(
            f"{pair} differ in the targets of {len(np.unique(changed[:, 0]))} records: "
            f"{one.record_ids[row]} has {labels[column]} {one.targets[row, column]} in one "
            f"and {other.targets[row, column]} in the other. Was the dataset prepared anew in "
            "between?"
        )


def check_arms(arms: Sequence[Arm], weights: Sequence[float]) -> None:
    """Refuse arms that can't be compared seed by seed on the same records.

    Arms may test different records where the weights of those on the same ones add up to 0, as in
    the difference of two differences.

    Raises:
        ConfigError: there is no arm, or not one finite weight for each.
        DataError: arms differ in labels, seeds, or what they test.
    """
    if not arms or len(arms) != len(weights) or not np.isfinite(weights).all():
        raise ConfigError(
            "a contrast needs one finite weight for each arm, at least one. "
            f"Received: {len(arms)} arms and the weights {list(weights)}."
        )
    first = arms[0]
    for arm in arms[1:]:
        pair = f"{first.name} and {arm.name}"
        if arm.labels != first.labels:
            raise DataError(
                f"labels of {pair} differ: {', '.join(first.labels)} and {', '.join(arm.labels)}. "
                "Only arms of the same label set can be compared."
            )
        if arm.seeds != first.seeds:
            raise DataError(
                f"seeds of {pair} differ: {first.seeds} and {arm.seeds}. Arms are compared seed by "
                "seed: leave out the seeds that one of them lacks."
            )
    totals: dict[bytes, float] = {}
    heads: dict[bytes, Arm] = {}
    for arm, weight in zip(arms, weights, strict=True):
        test = arm.tested[0].record_ids.tobytes()
        head = heads.setdefault(test, arm)
        pair = f"{head.name} and {arm.name}"
        check_same_test(head.tested[0], arm.tested[0], first.labels, pair)
        totals[test] = totals.get(test, 0.0) + weight
    if len(heads) > 1 and any(abs(total) > 1e-9 for total in totals.values()):
        one, other = list(heads.values())[:2]
        pair = f"{one.name} and {other.name}"
        check_same_test(one.tested[0], other.tested[0], first.labels, pair)
