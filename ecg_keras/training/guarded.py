"""`Guarded`: what the leakage guard found of a run, as its ``leaks.json`` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecg_keras.errors import DataError
from ecg_keras.files import as_count, as_text, as_texts, read_json, write_json
from ecg_keras.training.run import Run


class LeakError(DataError):
    """A run would be tested on records that its network knows.

    Attributes:
        what: who would know which records.
        shards: the dataset that they are of.
        upstream: whether an upstream knows them, not the run's own training.
    """

    def __init__(self, what: str, advice: str, *, shards: Path, upstream: bool) -> None:
        super().__init__(f"{shards}: {what}. {advice}")
        self.what, self.shards, self.upstream = what, shards, upstream


@dataclass(frozen=True)
class Guarded:
    """What the guard found, as a run keeps it in ``leaks.json``.

    Attributes:
        mark: fingerprint of the run that it looked at.
        left_out: ids of the training and validation records that the run does without.
        warnings: what a reader of the scores must know: leaks that are allowed, and what could not
            be looked at.
        notes: how many records were left out, and why.
        known_tests: how many test records the network knows, where that is allowed.
        unchecked: whether the upstream does not tell what it has seen.
    """

    mark: str
    left_out: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    known_tests: int = 0
    unchecked: bool = False

    def save(self, run: Run) -> None:
        """Writes ``leaks.json`` of a run, whole or not at all."""
        write_json(run.leaks, asdict(self))


def read_guarded(run: Run) -> Guarded | None:
    """What the guard found for a run; ``None`` where it did not look.

    Raises:
        DataError: leaks.json is damaged.
    """
    if not run.leaks.exists():
        return None
    advice = f"Remove {run.folder} to train it again."
    return read_json(run.leaks, "leaks", _parse, advice)


def _parse(tree: dict[str, Any]) -> Guarded:
    return Guarded(
        mark=as_text(tree["mark"]),
        left_out={split: as_texts(tree["left_out"][split]) for split in ("train", "valid")},
        warnings=as_texts(tree["warnings"]),
        notes=as_texts(tree["notes"]),
        known_tests=as_count(tree["known_tests"]),
        unchecked=bool(tree["unchecked"]),
    )


def records_left_out(run: Run, split: str) -> tuple[str, ...]:
    """Ids of the records of a split that a run does without; none where no guard looked."""
    guarded = read_guarded(run)
    return () if guarded is None else guarded.left_out.get(split, ())
