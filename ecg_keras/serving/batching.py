"""Requests of several clients asked as one batch, of which none suffers from its neighbours."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from ecg_keras.serving.served import Arrays, RefusedError, ServedSignature

# seconds for a batch that is being computed, when nobody waits for it any more
_LAST = 1.0


@dataclass(frozen=True, eq=False)
class _Asked:
    """A request that waits: its rows, and with which others it may share a batch."""

    signature: ServedSignature
    inputs: Arrays
    rows: int
    until: float  # when it no longer waits for others
    future: Future[Arrays] = field(default_factory=Future)

    @property
    def kind(self) -> tuple[object, ...]:
        shapes = ((name, values.shape[1:]) for name, values in sorted(self.inputs.items()))
        # what can't be merged is alike with itself alone
        return self.signature.name, *shapes, None if self.signature.merges else id(self)

    def answer(self, outputs: Arrays) -> None:
        with suppress(InvalidStateError):  # it was refused at the end
            self.future.set_result(outputs)

    def refuse(self, error: Exception) -> None:
        with suppress(InvalidStateError):  # its client left, or it is answered
            self.future.set_exception(error)


class Batcher:
    """Two threads that ask a SavedModel about all that waits, in batches of limited size.

    While a batch is computed, others arrive, so that a busy server merges without any delay. A
    request of more rows than a batch has is asked in parts. What may be of any length, such as a
    recording of a day, or can't be merged has a thread of its own, and keeps no other waiting.
    """

    def __init__(
        self, most_rows: int, delay: float, on_batch: Callable[[int], None] = lambda rows: None
    ) -> None:
        self._most_rows, self._delay, self._on_batch = most_rows, delay, on_batch
        self._waiting: deque[_Asked] = deque()
        # about what the network is being asked, by whether it is lengthy
        self._asked: dict[bool, list[_Asked]] = {False: [], True: []}
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(lengthy,), name="batches", daemon=True)
            for lengthy in self._asked
        ]
        for one in self._threads:
            one.start()

    def submit(self, signature: ServedSignature, inputs: Arrays) -> Future[Arrays]:
        """What checked inputs get, when it is there: the outputs, or a `RefusedError`."""
        rows = signature.count_rows(inputs)
        one = _Asked(signature, inputs, rows, time.monotonic() + self._delay)
        with self._changed:
            if self._closed:
                raise _ending()
            self._waiting.append(one)
            self._changed.notify_all()
        return one.future

    def close(self, seconds: float = 0.0) -> None:
        """Takes no more, answers what waits within ``seconds``, and refuses the rest."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._join(seconds)
        with self._changed:
            for one in chain(*self._asked.values(), self._waiting):
                one.refuse(_ending())
            self._waiting.clear()
            self._changed.notify_all()
        self._join(_LAST)

    def _join(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for one in self._threads:
            one.join(max(0.0, until - time.monotonic()))

    def _work(self, lengthy: bool) -> None:
        while batch := self._take(lengthy):
            self._answer(batch)

    def _take(self, lengthy: bool) -> list[_Asked]:
        """The next batch; none when the last is answered and no other will come."""
        with self._changed:
            self._asked[lengthy] = []
            while True:
                chosen = self._choose(lengthy)
                left = chosen[0].until - time.monotonic() if chosen else None
                full = sum(one.rows for one in chosen) >= self._most_rows
                if chosen and (full or self._closed or (left is not None and left <= 0)):
                    for one in chosen:
                        self._waiting.remove(one)
                    wanted = [one for one in chosen if one.future.set_running_or_notify_cancel()]
                    if wanted:
                        self._asked[lengthy] = wanted
                        return wanted
                    continue
                if self._closed:
                    return []
                self._changed.wait(left)

    def _choose(self, lengthy: bool) -> list[_Asked]:
        """The first that waits, and those behind it that fit into its batch."""
        chosen: list[_Asked] = []
        rows = 0
        for one in self._waiting:
            alike = one.kind == chosen[0].kind if chosen else one.signature.is_lengthy == lengthy
            if alike and (not chosen or rows + one.rows <= self._most_rows):
                chosen.append(one)
                rows += one.rows
        return chosen

    def _answer(self, batch: list[_Asked]) -> None:
        """One of a batch that is refused is refused alone: the others are asked again."""
        try:
            outputs = self._ask(batch)
        except Exception as error:  # of a bug, too, its request learns, and the thread lives on
            if len(batch) == 1:
                batch[0].refuse(error)
            else:
                for one in batch:
                    self._answer([one])
            return
        start = 0
        for one in batch:
            rows = slice(start, start + one.rows) if len(batch) > 1 else slice(None)
            merges = one.signature.merges
            found = {name: values[rows] if merges else values for name, values in outputs.items()}
            one.answer(found)
            start += one.rows

    def _ask(self, batch: list[_Asked]) -> Arrays:
        signature = batch[0].signature
        if not signature.merges:
            self._on_batch(batch[0].rows)
            return signature.ask(batch[0].inputs)
        rows = sum(one.rows for one in batch)
        inputs = {
            name: np.concatenate([one.inputs[name] for one in batch]) for name in signature.inputs
        }
        parts = []
        for start in range(0, rows, self._most_rows):
            end = min(start + self._most_rows, rows)
            self._on_batch(end - start)
            try:
                part = signature.ask({name: values[start:end] for name, values in inputs.items()})
            except RefusedError as error:
                if not start:
                    raise
                what = f"of {rows} rows asked in parts, in that from {start} on, counted from it"
                raise RefusedError(f"{what}: {error}", error.code, error.status) from error
            if any(len(values) != end - start for values in part.values()):
                raise RefusedError(f"{signature.name} gave no output for each row", "INTERNAL")
            parts.append(part)
        return {name: np.concatenate([part[name] for part in parts]) for name in signature.outputs}


def _ending() -> RefusedError:
    return RefusedError("the server is shutting down", "UNAVAILABLE")
