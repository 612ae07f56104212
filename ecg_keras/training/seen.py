"""What a network has seen of a dataset, and what the leakage guard found of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from ecg_keras import data
from ecg_keras.config import SeenData
from ecg_keras.data import Identities, Leak, count_leaks, find_leaks, name_leaks, tell_rules
from ecg_keras.errors import DataError
from ecg_keras.json_files import parse_as, read_json, write_json
from ecg_keras.sources import SOURCES, have_same_recordings
from ecg_keras.training.run import Run, run_of


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
        left_out: ids of the training and validation records that the run leaves out.
        warnings: what a reader of the scores must know: leaks that are allowed, and what could not
            be looked at.
        notes: how many records were left out, and why.
        known_tests: how many test records the network knows, where that is allowed.
        unchecked: whether it is unknown what the upstream has seen, or not all of it can be found.
        signatures: the rule of the dataset's signatures that it compared.
    """

    mark: str
    left_out: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    known_tests: int = 0
    unchecked: bool = False
    signatures: int = 1

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
    found: Guarded = read_json(run.leaks, "leaks", partial(parse_as, Guarded), advice)
    return found


def records_left_out(run: Run, split: str) -> tuple[str, ...]:
    """Ids of the records of a split that a run leaves out; none where no guard looked."""
    guarded = read_guarded(run)
    return () if guarded is None else guarded.left_out.get(split, ())


# splits in words
NAMES = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class Known:
    """What a network knows of records that should be unknown to it.

    Attributes:
        leaks: the records, and by which others they are known.
        sentence: that describes them; or that it is unknown, where there are none.
    """

    leaks: tuple[Leak, ...]
    sentence: str


def describe_known(weights: Path, shards: Path, split: str) -> Known | None:
    """The records of a dataset's split that a network has seen, or an upstream of it.

    Args:
        weights: run folder, or ``.keras`` file.
        shards: any dataset.
        split: of it. Of the validation records those do not count that the network was only
            validated on.

    Returns:
        What it knows, or that it is unknown what it has seen or not all of it can be found;
        ``None`` where it knows nobody.

    Raises:
        DataError: a shard or seen.npz is damaged.

    Example:
        >>> describe_known(Path("runs/up"), Path("shards/ptbxl"), "test").leaks[0].known_as
        'HR00003'
    """
    before, named = read_seen(weights), seen_databases(weights)
    sentence = tell_databases(weights, named, data.describe(shards).source)
    if before is None:
        return Known((), sentence or tell_unknown(weights))
    tested = data.read_identities(shards, split)
    before = trained_on(before) if split == "valid" else before
    sentence = f"{sentence} {tell_rules(tested, before)}".strip()
    leaks = find_leaks(tested, before)
    if not leaks:
        return Known((), sentence) if sentence else None
    counts = f"{len(leaks)} of {len(tested)} {NAMES[split]} records of {shards}"
    found = f"{weights} knows {counts} ({count_leaks(leaks)}): {name_leaks(leaks)}."
    return Known(leaks, f"{found} {sentence}".rstrip())


def seen_databases(weights: Path) -> tuple[SeenData, ...]:
    """Databases that published weights, or an upstream of a network, were trained on."""
    kept = run_of(weights).read_status().get("seen_databases", [])
    return tuple(SeenData.model_validate(one) for one in kept)


def of_same_database(named: Sequence[SeenData], source: str) -> tuple[SeenData, ...]:
    """Those of a source, by their names, and known copies of them or of parts of them."""
    return tuple(
        one
        for one in named
        if one.is_of(source)
        or any(one.is_of(name) and have_same_recordings(name, source) for name in SOURCES)
    )


def tell_databases(weights: Path, named: Sequence[SeenData], source: str) -> str:
    """What the card of published weights says of a database; empty where there is none."""
    if not named:
        return ""
    names = ", ".join(dict.fromkeys(one.database for one in named))
    same = of_same_database(named, source)
    what = "; ".join(
        (f"this is {source}" if one.is_of(source) else f"{source} has recordings of {one.database}")
        + ", of which it has seen "
        + (
            f"folds {', '.join(map(str, one.folds))}"
            if one.folds
            else f"splits {', '.join(one.splits)}"
        )
        for one in same
    ) or (
        f"none of them is called {source} or known to have its recordings, but other copies can't "
        "be looked for"
    )
    return f"{weights}: was trained on {names}, as its card says: {what}."


def read_seen(weights: Path) -> Identities | None:
    """What a network has seen; ``None`` where that is unknown."""
    run = run_of(weights)
    return Identities.load(run.seen) if run.seen.is_file() else None


def tell_unknown(weights: Path) -> str:
    """That it is unknown what a network has seen."""
    return (
        f"{weights} does not say which records it was trained on (it has no seen.npz): whether it "
        "knows test records can't be checked."
    )


def trained_on(seen: Identities) -> Identities:
    """Those that weights were fitted to, without those that only chose an epoch."""
    return seen.take(seen.splits == "train")
