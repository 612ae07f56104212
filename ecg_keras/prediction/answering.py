"""Answers: what a network says of each recording, in batches over recordings of any length."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ecg_keras import metrics
from ecg_keras.array_types import Float32Array, Float64Array
from ecg_keras.evaluation import LabelSets, SignalReference
from ecg_keras.prediction.loose_files import UnreadableError
from ecg_keras.prediction.readings import (
    ABSTAINED,
    ANSWERED,
    UNREADABLE,
    Figures,
    Key,
    Reading,
    key_of,
)
from ecg_keras.prediction.trained import TrainedNetwork
from ecg_keras.records import Signal
from ecg_keras.text import plural

UNLIKE = "unlike the training ECGs: its distance from them is {:.2g} times the limit"
NOT_FINITE = "the network's answer is not a finite number: it overflows, or its weights are damaged"


@dataclass(frozen=True, eq=False)
class Answer:
    """What was said of one recording.

    Attributes:
        record_id, patient_id, split: of shards as they name them; of a file its name, its name
            again, and nothing.
        status: ``"answered"``; ``"abstained"`` where the recording is not what the network may be
            asked about; ``"unreadable"`` where its file is missing or damaged.
        reason: why it is not answered.
        flags: what is unusual in a recording that is answered, in words.
        windows: how many windows were asked about.
        lost: how many were left out because they can't be used.
        values: float32, the probabilities in the order of the labels, or the embedding; ``None``
            where it is not answered.
        distance: from the training ECGs, 1 is the limit (`evaluation.SignalReference`); ``None``
            where the network has no reference.
        mark: by which a file that was changed since is known.
        figures: of the signal, as shards store them: one number, or one for each lead; what is
            not known is missing.
    """

    record_id: str
    patient_id: str
    split: str = ""
    status: str = ANSWERED
    reason: str = ""
    flags: tuple[str, ...] = ()
    windows: int = 0
    lost: int = 0
    values: Float32Array | None = field(default=None, repr=False)
    mark: str = field(default="", repr=False)
    figures: Figures = field(default_factory=dict, repr=False)
    distance: float | None = None

    @property
    def key(self) -> Key:
        """What no other recording of a command has: see `readings.Key`."""
        return key_of(self.record_id, self.mark, self.split)


@dataclass(frozen=True, eq=False)
class Answers:
    """All answers of a network, in the order in which it was asked.

    Attributes:
        labels: of the columns of ``probabilities``.
        thresholds: from which probability each label is decided present; ``None`` where none were
            validated, and nothing is decided.
        aggregate: how windows became one answer.
        network: where the network is.
        calibration: what was done to its probabilities: ``none``, ``temperature`` or ``platt``.
        thresholds_from: what the thresholds were chosen on, as in `evaluation.Scores`.
        sets: which answers each label may have, as of `evaluation.Scores`; ``None`` where that was
            not validated.
        reference: of the distances, where the network has one.
        network_id: which network it is, wherever it was moved to; empty where that is not known.
        rows: an `Answer` for each recording.
        shown: the first window of the first recordings that were answered, by `name`: their record
            id, unless several datasets have it.

    Example:
        >>> Answers(("MI",), {"MI": 0.4}, "mean", rows=[Answer("a.csv", "a.csv")]).summary
        '1 recording: 1 answered, 0 abstained, 0 unreadable'
    """

    labels: tuple[str, ...]
    thresholds: Mapping[str, float] | None
    aggregate: str
    network: str = ""
    calibration: str = "none"
    thresholds_from: str = ""
    rows: Sequence[Answer] = ()
    shown: Mapping[str, Signal] = field(default_factory=dict)
    sets: LabelSets | None = None
    reference: SignalReference | None = None
    network_id: str = ""

    @classmethod
    def of(cls, trained: TrainedNetwork, aggregate: str, **rows: Any) -> Answers:
        """Those of a network, with all that it says of itself; ``rows`` are rows and shown."""
        return cls(
            trained.labels,
            trained.thresholds,
            aggregate,
            str(trained.place),
            trained.calibration,
            trained.thresholds_from,
            sets=trained.sets,
            reference=trained.reference,
            network_id=trained.network_id,
            **rows,
        )

    @property
    def probabilities(self) -> Float32Array:
        """float32 ``(recordings, labels)``; NaN where a recording is not answered."""
        nothing = np.full(len(self.labels), np.nan, np.float32)
        rows = [nothing if one.values is None else one.values for one in self.rows]
        return np.stack(rows) if rows else np.empty((0, len(self.labels)), np.float32)

    def name(self, answer: Answer) -> str:
        """The record id, and where shards of several datasets have it, which of them is meant."""
        name = answer.record_id
        of = answer.mark[:8] if answer.split else "a file"
        return f"{name} ({of})" if name in self._repeated else name

    @cached_property
    def _repeated(self) -> frozenset[str]:
        keys = {one.key for one in self.rows}
        return frozenset(
            name for name, times in Counter(name for name, _ in keys).items() if times > 1
        )

    def count(self, status: str) -> int:
        """How many answers have this status."""
        return Counter(one.status for one in self.rows)[status]

    @property
    def summary(self) -> str:
        """A line with how many recordings were answered and how many were not."""
        counts = ", ".join(
            f"{self.count(one):,} {one}" for one in (ANSWERED, ABSTAINED, UNREADABLE)
        )
        return f"{plural(len(self.rows), 'recording')}: {counts}"

    def decide(self, answer: Answer) -> tuple[bool, ...] | None:
        """Which labels are present; ``None`` where nothing is decided."""
        if answer.values is None or self.thresholds is None:
            return None
        limits = [self.thresholds[label] for label in self.labels]
        return tuple(metrics.decide(answer.values[None], limits)[0].astype(bool).tolist())

    def find_sets(self, answer: Answer) -> tuple[str, ...] | None:
        """Of each label the set of answers it may have: absent, present, either or neither; empty
        for a label that has no set. ``None`` where there are none."""
        if answer.values is None or self.sets is None:
            return None
        return self.sets.find(answer.values[None])[0]

    def undecided(self, answer: Answer) -> tuple[str, ...]:
        """The labels whose set is not one answer, so that somebody else should decide."""
        found = zip(self.labels, self.find_sets(answer) or (), strict=False)
        return tuple(label for label, one in found if one in ("either", "neither"))


class _Waiting:
    """A recording of which some windows are still to be answered."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.windows = self.answered = self.lost = 0
        self.why_lost = ""  # the first of them
        self.is_read = False
        self.total: Float64Array | None = None

    def add(self, values: Float32Array, aggregate: str) -> None:
        self.answered += 1
        exact = values.astype(np.float64)
        if self.total is None:
            self.total = exact
        else:
            self.total = np.maximum(self.total, exact) if aggregate == "maximum" else (
                self.total + exact
            )  # fmt: skip

    def answer(self, aggregate: str, has_distance: bool) -> Answer:
        one = self.reading
        lost = f"{plural(self.lost, 'window')} left out: {self.why_lost}"
        flags = (*one.flags, lost) if self.lost and one.status == ANSWERED else one.flags
        begun = Answer(
            one.record_id, one.patient_id, one.split, one.status, one.reason, flags,
            self.windows, self.lost, mark=one.mark, figures=one.figures,
        )  # fmt: skip
        if self.total is None or one.status != ANSWERED:
            why = "none of its windows can be used" if one.status == ANSWERED else one.reason
            status = ABSTAINED if one.status == ANSWERED else one.status
            return replace(begun, status=status, reason=why)
        values = self.total if aggregate == "maximum" else self.total / self.answered
        if not np.isfinite(values).all():
            return replace(begun, status=ABSTAINED, reason=NOT_FINITE)
        values = values.astype(np.float32)
        if not has_distance:
            return replace(begun, values=values)
        distance = float(values[-1])
        unlike = (UNLIKE.format(distance),) if distance > 1 else ()
        return replace(begun, values=values[:-1], distance=distance, flags=(*begun.flags, *unlike))


def answer_all(
    forward: Callable[[Float32Array], Float32Array],
    readings: Iterable[Reading],
    *,
    batch_size: int,
    aggregate: str,
    has_distance: bool = False,
) -> Iterator[Answer]:
    """An answer for each reading, in their order, as soon as all of its windows are answered.

    ``has_distance`` says that the last column of what ``forward`` gives is a distance."""
    waiting: deque[_Waiting] = deque()
    batch: list[tuple[_Waiting, Float32Array]] = []

    def ask() -> None:
        if batch:
            values = forward(np.stack([window for _, window in batch]))
            for (one, _), row in zip(batch, values, strict=True):
                one.add(row, aggregate)
            batch.clear()

    def finished() -> Iterator[Answer]:
        while waiting and waiting[0].is_read and waiting[0].answered == waiting[0].windows:
            yield waiting.popleft().answer(aggregate, has_distance)

    for reading in readings:
        one = _Waiting(reading)
        waiting.append(one)
        try:
            for window in reading.windows:
                if isinstance(window, str):
                    one.lost, one.why_lost = one.lost + 1, one.why_lost or window
                    continue
                one.windows += 1
                batch.append((one, window))
                if len(batch) == batch_size:
                    ask()
        except UnreadableError as error:  # of a long recording, behind its first windows
            one.reading = reading.refused(str(error), error)
        one.is_read = True
        yield from finished()
    ask()
    yield from finished()
