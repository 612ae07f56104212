"""`Budget`: for how long a run was trained, and on how much, beside what it is compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecg_keras.data import read_dataset
from ecg_keras.training import Run, read_tuned

# budgets that differ by a larger share than this make the comparison one of budgets, too
ALIKE = 0.05


@dataclass(frozen=True)
class Budget:
    """What a run was trained for; what its first weights took before is not counted.

    Attributes:
        epochs: of all phases.
        steps: of the optimizer.
        records: that were trained on.
        settings: that it was chosen from on the validation split; 0 where it was not tuned.
    """

    epochs: int
    steps: int
    records: int
    settings: int = 0

    def __str__(self) -> str:
        return f"{self.epochs:,} epochs ({self.steps:,} steps) on {self.records:,} records"


def read_budget(folder: str | Path) -> Budget | None:
    """The budget of a finished run.

    Args:
        folder: of the run.

    Returns:
        ``None`` where its files do not tell, as those of an earlier version.

    Raises:
        DataError: status.json or dataset.json is damaged.
    """
    run = Run(Path(folder))
    status = dict(run.read_status())  # a field that is missing is no damage here
    try:
        settings = status["settings"]
        stored = read_dataset(run.dataset).splits["train"].records
        known = stored - int(status.get("left_out", {}).get("train", 0))
        records = min(settings["data"]["train_records"] or known, known)
        epochs = int(status["epochs"])
        steps = epochs * math.ceil(records / settings["training"]["batch_size"])
        tuned = read_tuned(run)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Budget(epochs, steps, records, 0 if tuned is None else tuned.settings)


def read_budgets(first: Path, second: Path) -> tuple[Budget, Budget] | None:
    """Those of two runs; ``None`` where one of them does not tell its own."""
    one, other = read_budget(first), read_budget(second)
    return None if one is None or other is None else (one, other)


def mean_budget(budgets: Sequence[Budget | None]) -> Budget | None:
    """That of a way of training, the mean of its runs; ``None`` where one is not known.

    Example:
        >>> mean_budget([Budget(9, 90, 50), Budget(11, 110, 50)])
        Budget(epochs=10, steps=100, records=50, settings=0)
    """
    known = [one for one in budgets if one is not None]
    if not known or len(known) < len(budgets):
        return None
    columns = zip(*(asdict(one).values() for one in known), strict=True)
    return Budget(*(round(sum(column) / len(known)) for column in columns))


def parse_budgets(content: list[Mapping[str, Any]] | None) -> tuple[Budget, Budget] | None:
    """What a comparison keeps of the budgets; those of earlier versions keep nothing."""
    if content is None:
        return None
    first, second = (
        Budget(
            int(one["epochs"]),
            int(one["steps"]),
            int(one["records"]),
            int(one.get("settings", 0)),  # earlier versions tuned nothing
        )
        for one in content
    )
    return first, second


def describe_budgets(names: tuple[str, str], budgets: tuple[Budget, Budget]) -> str:
    """What both were trained for, in one sentence.

    Example:
        >>> describe_budgets(("a", "b"), (Budget(9, 9, 5), Budget(8, 8, 5)))
        'a was trained for 9 epochs (9 steps) on 5 records, b for 8 epochs (8 steps) on 5 records.'
    """
    return f"{names[0]} was trained for {budgets[0]}, {names[1]} for {budgets[1]}."


def describe_tuning(names: tuple[str, str], settings: tuple[int, int]) -> str:
    """How two networks, or ways of training, were tuned, in one sentence.

    Args:
        names: of the two.
        settings: that each was chosen from; 0 where it was not tuned.

    Example:
        >>> describe_tuning(("fine-tuned", "scratch"), (4, 4))
        'Each was tuned over 4 settings.'
        >>> describe_tuning(("fine-tuned", "scratch"), (0, 0))
        'Neither was tuned.'
    """
    ours, theirs = settings
    if ours == theirs:
        return f"Each was tuned over {ours} settings." if ours else "Neither was tuned."
    said = [f"over {number} settings" if number else "not" for number in settings]
    return f"{names[0]} was tuned {said[0]}, {names[1]} {said[1]}."


def warn_of_budgets(names: tuple[str, str], budgets: tuple[Budget, Budget]) -> str | None:
    """A sentence where the budgets differ by more than a few per cent.

    Example:
        >>> warn_of_budgets(("a", "b"), (Budget(80, 160, 50), Budget(80, 160, 51))) is None
        True
        >>> warn_of_budgets(("a", "b"), (Budget(9, 9, 5), Budget(8, 9, 5))).partition(": ")[0]
        'Unequal budgets (epochs 9 against 8)'
    """
    values = zip(asdict(budgets[0]).items(), asdict(budgets[1]).values(), strict=True)
    unequal = [
        f"{name} {one:,} against {other:,}"
        for (name, one), other in values
        if abs(one - other) > ALIKE * max(one, other)
    ]
    if not unequal:
        return None
    return (
        f"Unequal budgets ({', '.join(unequal)}): the difference between {names[0]} and {names[1]} "
        "may come from that alone."
    )
