"""The tables of backbones, losses, optimizers and callbacks, and the error for a wrong name."""

from __future__ import annotations

from documented.markdown import format_table
from ecg_keras import models, training
from ecg_keras.errors import unknown_name
from ecg_keras.training.choices import Choices, TrainingChoice


def make_backbones() -> str:
    """One row for each row of `models.ZOO`, with the parameters of the network that it builds."""
    heading = ("name", "family", "stages before `head`", "backbone", "with 5 labels",
               "head as published", "highest rate", "source")  # fmt: skip
    return format_table(heading, map(_make_backbone, models.ZOO))


def _make_backbone(row: models.Backbone) -> tuple[str, ...]:
    backbone = models.find_backbone(row.name)()
    network = models.classifier(backbone, ["A", "B", "C", "D", "E"])
    counts = (
        f"{sum(weight.numpy().size for weight in one.trainable_weights):,}"
        for one in (backbone, network)
    )
    stages = ", ".join(f"`{stage}`" for stage in row.stages[:-1])
    numbered = [f"`{stage}`" for stage in row.stages if stage.startswith("stage")]
    if len(numbered) > 3:
        stages = stages.replace(", ".join(numbered), f"{numbered[0]} … {numbered[-1]}")
    return (
        f"`{row.name}`",
        row.family,
        stages,
        *counts,
        row.as_published,
        "" if row.highest_rate is None else f"{row.highest_rate:.0e}".replace("e-0", "e-"),
        ", ".join(f"[{number}]" for number in row.sources),
    )


def make_error() -> str:
    """What a recipe with a misspelled backbone is answered, as a block of code."""
    message = unknown_name("backbone", "resnet18", models.BACKBONES)
    return f"```\nrecipes/mine.yaml:12: model.backbone: {message}\n```\n"


def make_choices() -> str:
    """One row for each loss, optimizer and callback that a recipe may name."""
    tables = (training.LOSSES, training.OPTIMIZERS, training.CALLBACKS)
    rows = ((one.kind, f"`{row.name}`", _describe(one, row)) for one in tables for row in one.rows)
    return format_table(("", "name", "meaning"), rows)


def _describe(table: Choices, row: TrainingChoice) -> str:
    keys = row.takes if table is training.OPTIMIZERS else ()
    used = ", ".join(f"`training.{key}`" for key in keys if key != "learning_rate")
    like_adam = "steps like Adam" * row.steps_like_adam
    return "; ".join(filter(None, (row.meaning, used and f"uses {used}", like_adam)))
