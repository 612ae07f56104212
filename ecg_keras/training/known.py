"""What a network knows of a dataset: records that it has seen, here or in an upstream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecg_keras import data
from ecg_keras.data import Identities, Leak, count_leaks, find_leaks, name_leaks
from ecg_keras.training.run import Run

# splits in words
NAMES = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class Known:
    """What a network knows of records that should be unknown to it.

    Attributes:
        leaks: the records, and by which others they are known.
        sentence: that tells of them; or that nobody can tell, where there are none.
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
        What it knows, or that nothing tells what it has seen; ``None`` where it knows nobody.

    Raises:
        DataError: a shard or seen.npz is damaged.

    Example:
        >>> describe_known(Path("runs/up"), Path("shards/ptbxl"), "test").leaks[0].known_as
        'HR00003'
    """
    before = read_seen(weights)
    if before is None:
        return Known((), tell_unknown(weights))
    tested = data.read_identities(shards, split)
    leaks = find_leaks(tested, trained_on(before) if split == "valid" else before)
    if not leaks:
        return None
    counts = f"{len(leaks)} of {len(tested)} {NAMES[split]} records of {shards}"
    return Known(leaks, f"{weights} knows {counts} ({count_leaks(leaks)}): {name_leaks(leaks)}.")


def read_seen(weights: Path) -> Identities | None:
    """What a network has seen; ``None`` where nothing tells."""
    is_model = weights.name == Run(weights.parent).model.name
    run = Run(weights.parent if is_model else weights)
    return Identities.load(run.seen) if run.seen.is_file() else None


def tell_unknown(weights: Path) -> str:
    """That nothing tells what a network has seen."""
    return (
        f"{weights} does not tell which records it was trained on (it has no seen.npz): whether it "
        "knows test records can't be checked."
    )


def trained_on(seen: Identities) -> Identities:
    """Those that weights were fitted to, without those that only chose an epoch."""
    return seen.take(seen.splits == "train")
