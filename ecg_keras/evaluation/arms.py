"""`Arm`: the test predictions of one way of training, over seeds and folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array, IntArray, TextArray
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation.intervals import count_patients
from ecg_keras.evaluation.pairing import check_same_labels, check_same_test
from ecg_keras.evaluation.predictions import Predictions


@dataclass(frozen=True, eq=False)
class TestedRecords:
    """The records that one seed was tested on, sorted by their ids."""

    record_ids: TextArray
    patient_ids: TextArray
    targets: npt.NDArray[np.uint8]
    fold: IntArray


def check_arms(arms: Sequence[Arm], weights: Sequence[float]) -> None:
    """Refuse arms that can't be compared seed by seed on the same records."""
    if not arms or len(arms) != len(weights) or not np.isfinite(weights).all():
        raise ConfigError(
            "a contrast needs one finite weight for each arm, at least one. "
            f"Received: {len(arms)} arms and the weights {list(weights)}."
        )
    first = arms[0]
    for arm in arms[1:]:
        check_same_labels(first.labels, arm.labels, (first.name, arm.name))
        if arm.seeds != first.seeds:
            raise DataError(
                f"seeds of {first.name} and {arm.name} differ: {first.seeds} and {arm.seeds}. Arms "
                "are compared seed by seed: leave out the seeds that one of them lacks."
            )
    totals: dict[bytes, float] = {}
    heads: dict[bytes, Arm] = {}
    for arm, weight in zip(arms, weights, strict=True):
        test = arm.tested[0].record_ids.tobytes()
        head = heads.setdefault(test, arm)
        check_same_test(head.tested[0], arm.tested[0], first.labels, (head.name, arm.name))
        totals[test] = totals.get(test, 0.0) + weight
    if len(heads) > 1 and any(abs(total) > 1e-9 for total in totals.values()):
        one, other = list(heads.values())[:2]
        check_same_test(one.tested[0], other.tested[0], first.labels, (one.name, other.name))


Thresholds = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Arm:
    """What the runs of one way of training say of the test records.

    Seeds and folds come in any order, as do records: nothing that is computed depends on it but
    the order of ``by_seed``.

    Attributes:
        predictions: ``[seed][fold]``; one fold where nothing is cross-validated. The folds of a
            seed share no record, and all seeds test the same records.
        thresholds: ``[seed][fold]``, for each label where "yes" begins; ``None`` takes 0.5.
        name: what errors call the arm.

    Raises:
        DataError: there is no seed or no fold, the folds of a seed share a record, two seeds
            differ in records, patients, labels or targets, or thresholds do not fit.

    Example:
        >>> a = Predictions(["MI"], ["r1", "r2"], ["p", "q"], [[1], [0]], [[0.9], [0.2]])
        >>> b = Predictions(["MI"], ["r3", "r4"], ["s", "t"], [[1], [0]], [[0.3], [0.4]])
        >>> arm = Arm(((a, b),))
        >>> arm.seeds, arm.folds, len(arm.tested[0].record_ids)
        (1, 2, 4)
    """

    predictions: tuple[tuple[Predictions, ...], ...]
    thresholds: tuple[tuple[Thresholds | None, ...], ...] | None = None
    name: str = "this arm"
    # of each seed; they differ in the folds at most
    tested: tuple[TestedRecords, ...] = field(default=(), init=False, repr=False)
    # scores in each resample, kept because a reference is an arm of many contrasts
    scored: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        runs = tuple(tuple(folds) for folds in self.predictions)
        if not runs or not all(runs):
            raise DataError(
                f"{self.name}: an arm needs predictions of at least one seed and one fold. "
                f"Received: {[len(folds) for folds in runs]} folds by seed."
            )
        limits = self.thresholds or tuple(tuple(None for _ in folds) for folds in runs)
        if [len(folds) for folds in limits] != [len(folds) for folds in runs]:
            raise DataError(
                f"{self.name}: thresholds must be one mapping for each seed and fold, "
                f"{[len(folds) for folds in runs]} folds by seed. "
                f"Received: {[len(folds) for folds in limits]}."
            )
        # folds by their first record: their order means nothing
        pairs = [
            sorted(
                ((fold.sorted(), limit) for fold, limit in zip(folds, own, strict=True)),
                key=lambda pair: str(pair[0].record_ids[0]),
            )
            for folds, own in zip(runs, limits, strict=True)
        ]
        object.__setattr__(self, "predictions", tuple(tuple(p for p, _ in own) for own in pairs))
        object.__setattr__(self, "thresholds", tuple(tuple(t for _, t in own) for own in pairs))
        self._check_runs()
        object.__setattr__(self, "tested", tuple(_gather(own) for own in self.predictions))
        self._check_tested()

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.predictions)

    @property
    def folds(self) -> int:
        """How many each seed has; the most where they differ."""
        return max(map(len, self.predictions))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.predictions[0][0].labels

    @property
    def support(self) -> IntArray:
        """Of each label the patients that have it, or lack it where those are fewer."""
        return count_patients(self.tested[0].patient_ids, self.tested[0].targets).support

    def limits(self, seed: int, fold: int) -> Float64Array:
        """The thresholds of one run, ``(labels,)``."""
        chosen = self.thresholds[seed][fold] if self.thresholds else None
        return np.array([0.5 if chosen is None else chosen[label] for label in self.labels])

    def _check_runs(self) -> None:
        for folds, limits in zip(self.predictions, self.thresholds or (), strict=True):
            for fold, chosen in zip(folds, limits, strict=True):
                if fold.labels != self.labels:
                    raise DataError(
                        f"{self.name}: labels of its runs differ: {', '.join(self.labels)} and "
                        f"{', '.join(fold.labels)}."
                    )
                if chosen is not None and set(chosen) != set(self.labels):
                    raise DataError(
                        f"{self.name}: thresholds must be one for each label: "
                        f"{', '.join(self.labels)}. Received: {', '.join(chosen) or 'none'}."
                    )

    def _check_tested(self) -> None:
        for number, own in enumerate(self.tested, start=1):
            ids, counts = np.unique(own.record_ids, return_counts=True)
            if (counts > 1).any():
                raise DataError(
                    f"{self.name}: folds must share no record. In several folds of seed number "
                    f"{number}: {(counts > 1).sum()} records, such as {ids[counts > 1][0]}."
                )
            names = f"seed number 1 of {self.name}", f"seed number {number}"
            check_same_test(self.tested[0], own, self.labels, names)


def _gather(folds: tuple[Predictions, ...]) -> TestedRecords:
    """Everything but the probabilities of all folds, in the order of the record ids."""
    if len(folds) == 1:  # sorted, and not copied
        one = folds[0]
        fold = np.zeros(len(one.record_ids), np.int64)
        return TestedRecords(one.record_ids, one.patient_ids, one.targets, fold)
    ids = np.concatenate([fold.record_ids for fold in folds])
    order = np.argsort(ids, kind="stable")
    return TestedRecords(
        ids[order],
        np.concatenate([fold.patient_ids for fold in folds])[order],
        np.concatenate([fold.targets for fold in folds])[order],
        np.repeat(np.arange(len(folds)), [len(fold.record_ids) for fold in folds])[order],
    )
