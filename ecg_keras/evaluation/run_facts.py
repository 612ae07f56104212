"""What a run's folder says of how its network was trained, fitted and chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.config import Model, Training, fingerprint, name_and_settings
from ecg_keras.data import Dataset, read_dataset
from ecg_keras.errors import DataError
from ecg_keras.evaluation.intervals import LEAST_PATIENTS, count_patients
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.training import Run, read_log, read_trained_settings, read_tuned

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
        further: settings that were tried beyond those, at the edge of their rates.
    """

    epochs: int
    steps: int
    records: int
    settings: int = 0
    further: int = 0

    def __str__(self) -> str:
        return f"{self.epochs:,} epochs ({self.steps:,} steps) on {self.records:,} records"


def read_budget(folder: str | Path) -> Budget | None:
    """The budget of a finished run; ``None`` where it is not known, or is that of a ridge head.

    Such a head is fitted once, its penalty too: there are no epochs and no settings to compare.
    """
    run = Run(Path(folder))
    status = dict(run.read_status())  # a field that is missing is no damage here
    try:
        settings = read_trained_settings(run) or {}
        if all(phase.get("fit") == "ridge" for phase in settings["training"]["phases"]):
            return None
        stored = read_dataset(run.dataset).splits["train"].records
        known = stored - int(status.get("left_out", {}).get("train", 0))
        records = min(settings["data"]["train_records"] or known, known)
        epochs = int(status["epochs"])
        steps = epochs * math.ceil(records / settings["training"]["batch_size"])
        tuned = read_tuned(run)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if tuned is None:
        return Budget(epochs, steps, records)
    return Budget(epochs, steps, records, tuned.settings, tuned.further)


def read_budgets(first: Path, second: Path) -> tuple[Budget, Budget] | None:
    """Those of two runs; ``None`` where one of them does not say."""
    one, other = read_budget(first), read_budget(second)
    return None if one is None or other is None else (one, other)


def mean_budget(budgets: Sequence[Budget | None]) -> Budget | None:
    """That of a way of training, the mean of its runs; ``None`` where one is not known.

    Example:
        >>> mean_budget([Budget(9, 90, 50), Budget(11, 110, 50)])
        Budget(epochs=10, steps=100, records=50, settings=0, further=0)
    """
    known = [one for one in budgets if one is not None]
    if not known or len(known) < len(budgets):
        return None
    columns = zip(*(asdict(one).values() for one in known), strict=True)
    return Budget(*(round(sum(column) / len(known)) for column in columns))


def describe_budgets(names: tuple[str, str], budgets: tuple[Budget, Budget]) -> str:
    """What both were trained for, in one sentence."""
    return f"{names[0]} was trained for {budgets[0]}, {names[1]} for {budgets[1]}."


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
        # one further setting is a part of the same search, and is said with it
        if name != "further" and abs(one - other) > ALIKE * max(one, other)
    ]
    if not unequal:
        return None
    return (
        f"Unequal budgets ({', '.join(unequal)}): the difference between {names[0]} and {names[1]} "
        "may come from that alone."
    )


# the end of a training: this share of its epochs, and the fewest epochs
END_SHARE, END_EPOCHS = 0.1, 3


@dataclass(frozen=True)
class Fit:
    """How far a run came in fitting its training records.

    Attributes:
        loss: mean training loss of its last epochs, in nats a label: plain binary cross-entropy.
        entropy: of the labels of its training records, the mean of all labels in nats: the loss of
            a network that answers every ECG with how common each label is.
        alike: a mark of data, network, dropout and augmentation. They move the training loss as
            well, so it is compared only where they are the same.
        probe: whether the head alone was trained, which is not meant to fit as far.
    """

    loss: float
    entropy: float
    alike: str
    probe: bool


@dataclass(frozen=True)
class RunFacts:
    """What a run's files say of its training; ``None`` where they do not say it.

    Of a tuned run it is the training of the candidate that was chosen.

    Attributes:
        fit: how far it fitted its training records; ``None`` of another loss, too.
        budget: what it was trained for.
        scarce: where the validation split chose something, how many labels fewer than
            `LEAST_PATIENTS` of its patients have, or lack, none of them included, and of how many:
            those that it, training or test can score.
        edge: the end of all learning rates that were tried, ``"lowest"`` or ``"highest"``, where
            the one that was chosen is there.
        decays_by_stage: where ``stage_decay`` and ``weight_decay`` are set, whether the latter
            followed the former, which it did not in earlier versions; of a tuned run only that.
        is_ridge_head: whether it is a head in closed form, which has no rate to tune.
    """

    fit: Fit | None = None
    budget: Budget | None = None
    scarce: tuple[int, int] | None = None
    edge: str | None = None
    decays_by_stage: bool | None = None
    is_ridge_head: bool = False


def read_facts(folder: str | Path) -> RunFacts:
    """What a finished run's folder says of its training.

    A log or predictions that are missing or damaged say nothing: what needs them reports it.

    Args:
        folder: of the run.

    Raises:
        DataError: status.json, dataset.json or tuning.json is damaged.

    Example:
        >>> read_facts("runs/ptbxl_finetune").fit.loss  # doctest: +SKIP
        0.213
    """
    run = Run(Path(folder))
    status = run.read_status()
    settings = read_trained_settings(run)
    if settings is None or not run.dataset.is_file():
        return RunFacts()
    try:
        model, training = Model(**settings["model"]), Training(**settings["training"])
    except (KeyError, TypeError, ValueError):  # of another version
        return RunFacts()
    dataset = read_dataset(run.dataset)
    fit = None
    with suppress(DataError, KeyError, ValueError):
        loss = mean_end([float(row["loss"]) for row in read_log(run.log)])
        fit = _fit(loss, dataset, settings["data"].get("train_records"), model, training)
    tuned, scarce = read_tuned(run), None
    # a loss is of all records; every score needs both answers
    chosen = tuned is not None or training.select not in ("best_loss", "last")
    if training.validate_on == "valid" and chosen:
        with suppress(DataError):
            scarce = count_scarce(Predictions.load(run.predictions("valid")), dataset)
    edge = None if tuned is None else tuned.edge
    by_stage = status.get("decays_by_stage")
    if tuned is None and training.decays_by_stage:  # of a tuned run its candidate's phases decide
        by_stage = bool(by_stage)
    ridge = training.in_closed_form
    return RunFacts(fit, read_budget(folder), scarce, edge, by_stage, is_ridge_head=ridge)


def mean_end(losses: Sequence[float]) -> float:
    """The mean of the last tenth of the epochs, and of the last three at least."""
    last = list(losses)[-max(END_EPOCHS, round(END_SHARE * len(losses))) :]
    return math.fsum(last) / len(last) if last else math.nan


def label_entropy(shares: Iterable[float]) -> float:
    """The mean over labels of the entropy of a label that this share of records has, in nats."""
    values = [
        -sum(part * math.log(part) for part in (share, 1 - share) if part > 0) for share in shares
    ]
    return math.fsum(values) / len(values)


def count_scarce(chooser: Predictions, dataset: Dataset) -> tuple[int, int]:
    """How many labels few or no patients of a split have, or lack, and of how many.

    Those count that this split, training or test can score: some records have them, others do not.
    """
    support = count_patients(chooser.patient_ids, chooser.targets).support
    splits = [dataset.splits[name] for name in ("train", "test")]
    elsewhere = [
        any(0 < one.labels.get(label, 0) < one.records for one in splits)
        for label in chooser.labels
    ]
    counts = support[(support > 0) | elsewhere]
    return int(np.count_nonzero(counts < LEAST_PATIENTS)), len(counts)


def _fit(
    loss: float, dataset: Dataset, train_records: Any, model: Model, training: Training
) -> Fit | None:
    train = dataset.splits["train"]
    if not train.records or not math.isfinite(loss) or not _is_cross_entropy(training):
        return None
    entropy = label_entropy(count / train.records for count in train.labels.values())
    moving = {
        "data": [dataset.fingerprint, train_records],
        "network": [model.backbone, model.head, model.dropout],
        "augment": training.augment.model_dump(mode="json"),
    }
    probe = all(phase.train_from == "head" for phase in training.phases)
    return Fit(loss, entropy, fingerprint(moving), probe) if entropy > 0 else None


def _is_cross_entropy(training: Training) -> bool:
    """Whether losses are in nats, which the entropy of the labels is the yardstick of."""
    name, settings = name_and_settings(training.loss)
    return name == "binary_crossentropy" and settings in ({}, {"label_smoothing": 0})
