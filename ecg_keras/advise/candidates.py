"""What is known of a checkpoint before it is tried: its network, its labels, its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecg_keras import data
from ecg_keras.config import Model, load_recipe
from ecg_keras.data import Dataset
from ecg_keras.errors import DataError
from ecg_keras.models import BACKBONES
from ecg_keras.training import Known, Run, check_upstream, describe_known
from ecg_keras.validation import find_drift


@dataclass(frozen=True)
class Candidate:
    """A checkpoint beside a target.

    Attributes:
        checkpoint: as it was named.
        network: what a recipe has to say for a network that takes its weights.
        source: the database it was trained on; ``None`` where it is a file without its run.
        records: that it was trained on.
        shared: labels of the target that it was trained for, too.
        keeps_head: whether it was trained for the target's very labels, in their order.
        drift: how the target's training split differs from the checkpoint's, a line each; ``None``
            where it can't be told.
        not_told: why it can't.
        known: what it knows of the target's test records, and of its validation records.
    """

    checkpoint: str
    network: Model
    source: str | None
    records: int | None
    shared: tuple[str, ...]
    keeps_head: bool
    drift: tuple[str, ...] | None
    not_told: str = ""
    known: tuple[Known, ...] = ()


def describe_candidate(checkpoint: str | Path, shards: str | Path) -> Candidate:
    """Reads what lies beside a checkpoint.

    Args:
        checkpoint: a run folder, or a ``.keras`` file.
        shards: folder of the target's prepared dataset.

    Raises:
        DataError: there is no such checkpoint, it was trained on other leads or another rate, or
            its backbone can't be told.

    Example:
        >>> describe_candidate("runs/ptbxl_pretrain", "shards/ludb").shared  # doctest: +SKIP
        ('NORM', 'LVH')
    """
    path, target = Path(checkpoint), data.describe(shards)
    run = Run(path if path.is_dir() else path.parent)
    check_upstream(run.folder, target, keep_head=False)
    source = data.read_dataset(run.dataset) if run.dataset.is_file() else None
    drift, not_told = _find_drift(run, Path(shards))
    own = source.labels if source is not None else ()
    return Candidate(
        checkpoint=str(checkpoint),
        network=_network(path, run),
        source=None if source is None else _name(source),
        records=_train_records(run, source),
        shared=tuple(label for label in target.labels if label in own),
        keeps_head=own == target.labels,
        drift=drift,
        not_told=not_told,
        known=_find_known(path, Path(shards), target),
    )


def _find_known(path: Path, shards: Path, target: Dataset) -> tuple[Known, ...]:
    """What it knows of the target's test and validation records; once where it does not tell."""
    found = [
        describe_known(path, shards, split)
        for split in ("test", "valid")
        if target.splits[split].records
    ]
    return tuple(dict.fromkeys(known for known in found if known is not None))


def _find_drift(run: Run, shards: Path) -> tuple[tuple[str, ...] | None, str]:
    """How the target differs from what the checkpoint was trained on, or why that isn't told."""
    theirs = run.read_place("shards") if "shards" in run.read_status() else None
    if theirs is None or not theirs.is_dir():
        return None, "the shards that it was trained on are not here"
    try:
        return tuple(one.line() for one in find_drift(shards, theirs)), ""
    except DataError as error:
        return None, str(error)


def _network(path: Path, run: Run) -> Model:
    """Backbone, head and scaling, from the run's recipe or from the names in the file."""
    if run.recipe.is_file():
        return load_recipe(run.recipe).recipe.model
    from ecg_keras import models

    model = models.load_model(path)
    if model.name not in BACKBONES:
        raise DataError(
            f"{path}: unknown backbone {model.name!r}, and there is no recipe.yaml "
            "beside it. Name the run folder that it was trained in."
        )
    names = {layer.name for layer in model.layers}
    scalings = [name for name in ("standardise", "minmax") if f"preprocess_{name}" in names]
    return Model(
        backbone=model.name,
        head="flattened" if "embedding_flatten" in names else "pooled",
        scaling=scalings[0] if scalings else "none",
    )


def _train_records(run: Run, source: Dataset | None) -> int | None:
    if source is None:
        return None
    stored = source.splits["train"].records
    settings = run.read_status().get("settings", {}).get("data", {})
    return min(settings.get("train_records") or stored, stored)


def _name(source: Dataset) -> str:
    simulated = source.settings.get("simulate")
    return f"simulated {simulated['hospital']}" if simulated else source.source
