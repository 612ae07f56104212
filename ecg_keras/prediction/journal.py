"""What was answered so far, in a file beside the output: after a kill nothing is asked again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import filelock
import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import DataError
from ecg_keras.files import lock_file
from ecg_keras.json_files import known_fields
from ecg_keras.prediction.answering import Answer
from ecg_keras.prediction.readings import Key, key_of

ENDING = ".part"
Beside = Mapping[str, Any]


class Journal:
    """The answers to one command in their order: a line of JSON each, below a line that says whose.

    The output itself appears when all are there, so that it never looks whole before.

    Args:
        out: the output.
        mark: of the network and all options that change what is in it.

    Raises:
        DataError: another command writes to it, or it is of one with another mark.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with Journal(folder / "a.csv", "0") as journal:
        ...     journal.add(Answer("b.csv", "b.csv"), {"label": "MI"})
        ...     [beside for answer, beside in journal.read([], ["b.csv"])]
        [{'label': 'MI'}]
    """

    def __init__(self, out: Path, mark: str) -> None:
        self.path = out.with_name(out.name + ENDING)
        self.mark = mark
        # of each recording, and where the line of its last answer begins
        self.marks: dict[Key, str] = {}
        self._places: dict[Key, int] = {}
        self._end = 0
        self._lock = out.with_name(f".{out.name}.lock")
        self._held = ExitStack()
        self._file: IO[str] | None = None

    def __enter__(self) -> Journal:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._held.enter_context(lock_file(self._lock, timeout=0))
        except filelock.Timeout as error:
            raise DataError(
                f"{self.path}: another command writes to it. Wait for it, or write to another file."
            ) from error
        try:
            if self.path.exists():
                self._check()
            self._file = self.path.open("a", encoding="utf-8", newline="\n")
            self._file.truncate(self._end)
            if not self._end:
                self._write({"of": self.mark})
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        if kind is None:  # the output is whole
            self.path.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)
        self._held.close()

    def knows(self, record_id: str, mark: str, split: str = "") -> bool:
        """Whether a recording was answered, and is still the same."""
        return self.marks.get(key_of(record_id, mark, split)) == mark

    def has(self, record_id: str) -> bool:
        """Whether a file was answered, whatever became of it since."""
        return key_of(record_id, "", "") in self.marks

    def add(self, answer: Answer, beside: Beside | None = None) -> None:
        """Adds an answer, and texts, numbers and float32 arrays ``beside`` it; one of the same
        recording before it no longer counts."""
        self._note(answer)
        entry = {
            **asdict(answer),
            "values": None if answer.values is None else _code(answer.values),
        }
        if beside:
            entry["beside"] = {
                name: {"shape": one.shape, "f4": _code(one)} if isinstance(one, np.ndarray) else one
                for name, one in beside.items()
            }
        self._write(entry)

    def read(
        self, datasets: Iterable[str], record_ids: Iterable[str]
    ) -> Iterator[tuple[Answer, Beside]]:
        """The last answers to the records of shards, by the fingerprints of these, and to files,
        each with what is beside it.

        They come in this order; what else was answered before a stop is left out.
        """
        if self._file is not None:
            self._file.flush()
        keys = [key for mark in datasets for key in self._places if key[1] == mark]
        keys += [key_of(name, "", "") for name in record_ids]
        with self.path.open("rb") as file:
            for key in keys:
                if key in self._places:
                    file.seek(self._places[key])
                    yield _parse(json.loads(file.readline()))

    def _note(self, answer: Answer) -> None:
        self.marks[answer.key], self._places[answer.key] = answer.mark, self._end

    def _write(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            line = json.dumps(entry, allow_nan=False) + "\n"  # ASCII: as many bytes as letters
            self._end += self._file.write(line)
            self._file.flush()

    def _check(self) -> None:
        """Notes what is answered in whole lines. A kill may tear the last one."""
        if self.path.stat().st_size == 0:
            return
        with self.path.open("rb") as file:
            first = file.readline()
        with suppress(ValueError, AttributeError):
            head = json.loads(first)
            if head.get("of") == self.mark:
                self._end = len(first)
                for (one, _), length in self._entries():
                    self._note(one)
                    self._end += length
                return
        raise DataError(
            f"{self.path}: holds answers of another network, other options or another version. "
            "Remove it to begin again, or write to another file."
        )

    def _entries(self) -> Iterator[tuple[tuple[Answer, Beside], int]]:
        with self.path.open("rb") as file:
            file.readline()
            for line in file:
                try:
                    one = _parse(json.loads(line))
                except (ValueError, KeyError, TypeError):
                    return
                if not line.endswith(b"\n"):
                    return
                yield one, len(line)


def _code(values: Float32Array) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _decode(text: str) -> Float32Array:
    return np.frombuffer(base64.b64decode(text), "<f4")


def _parse(entry: dict[str, Any]) -> tuple[Answer, Beside]:
    content = known_fields(Answer, entry)
    coded = content["values"]
    values = None if coded is None else _decode(coded)
    figures = {name: tuple(one) for name, one in content.get("figures", {}).items()}
    others = {"values": values, "flags": tuple(content["flags"]), "figures": figures}
    beside = {
        name: _decode(one["f4"]).reshape(one["shape"]) if isinstance(one, dict) else one
        for name, one in entry.get("beside", {}).items()
    }
    return Answer(**{**content, **others}), beside
