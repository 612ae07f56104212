"""What was answered so far, in a file beside the output: after a kill nothing is asked again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from ecg_keras.errors import DataError
from ecg_keras.files import known_fields
from ecg_keras.prediction.answering import Answer

ENDING = ".part"


class Journal:
    """The answers to one command in their order: a line of JSON each, below a line that says whose.

    The output itself appears when all are there, so that it never looks whole before.
    """

    def __init__(self, out: Path, mark: str) -> None:
        self.path = out.with_name(out.name + ENDING)
        self.mark = mark
        self.marks: dict[str, str] = {}
        self._file: IO[str] | None = None

    def __enter__(self) -> Journal:
        whole = self._check() if self.path.exists() else 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # appended to, so that a second command of the same kind overwrites nothing
        self._file = self.path.open("a", encoding="utf-8", newline="\n")
        self._file.truncate(whole)
        if not whole:
            self._write({"of": self.mark})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def knows(self, record_id: str, mark: str) -> bool:
        """Whether a recording was answered, and is still the same."""
        return record_id in self.marks and self.marks[record_id] == mark

    def add(self, answer: Answer) -> None:
        """Adds an answer; one of the same recording before it no longer counts."""
        values = answer.values
        coded = None if values is None else base64.b64encode(values.astype("<f4").tobytes())
        self._write({**asdict(answer), "values": coded and coded.decode()})
        self.marks[answer.record_id] = answer.mark

    def read(self) -> Iterator[Answer]:
        """The answers so far; of a recording that was asked again the last."""
        if self._file is not None:
            self._file.flush()
        places: dict[str, int] = {}
        for number, (entry, _) in enumerate(self._entries()):
            places[entry["record_id"]] = number
        for number, (entry, _) in enumerate(self._entries()):
            if places[entry["record_id"]] == number:
                yield _parse(entry)

    def remove(self) -> None:
        """Removes the journal of an output that is whole."""
        self.path.unlink(missing_ok=True)

    def _write(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(entry, allow_nan=False) + "\n")
            self._file.flush()

    def _check(self) -> int:
        """Notes what is answered; how many bytes are whole lines. A kill may tear the last one."""
        if self.path.stat().st_size == 0:
            return 0
        with self.path.open("rb") as file:
            first = file.readline()
        with suppress(ValueError, AttributeError):
            head = json.loads(first)
            if head.get("of") == self.mark:
                whole = len(first)
                for entry, length in self._entries():
                    self.marks[entry["record_id"]] = entry["mark"]
                    whole += length
                return whole
        raise DataError(
            f"{self.path}: holds answers of another network, other options or another version. "
            "Remove it to begin again, or write to another file."
        )

    def _entries(self) -> Iterator[tuple[dict[str, Any], int]]:
        with self.path.open("rb") as file:
            file.readline()
            for line in file:
                try:
                    entry = json.loads(line)
                    _parse(entry)
                except (ValueError, KeyError, TypeError):
                    return
                if not line.endswith(b"\n"):
                    return
                yield entry, len(line)


def _parse(entry: dict[str, Any]) -> Answer:
    content = known_fields(Answer, entry)
    coded = content["values"]
    values = None if coded is None else np.frombuffer(base64.b64decode(coded), "<f4")
    return Answer(**{**content, "values": values, "flags": tuple(content["flags"])})
