"""What is known of a checkpoint before it is tried: its network, its labels, its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecg_keras import data, models, weights
from ecg_keras.config import Model, load_recipe
from ecg_keras.data import Dataset
from ecg_keras.errors import DataError
from ecg_keras.training import Known, Run, check_upstream, describe_known, read_network, run_of
from ecg_keras.validation import find_drift


@dataclass(frozen=True)
class CheckpointFacts:
    """A checkpoint beside a target: its network, and what it was trained on, if it is known.

    ``shared`` are the labels that both have, none where its head is chance, ``drift`` how the
    target's training split differs from the checkpoint's, ``known`` what it knows of the target's
    test and validation records.
    """

    checkpoint: str
    network: Model
    source: str | None
    records: int | None
    shared: tuple[str, ...]
    keeps_head: bool
    drift: tuple[str, ...] | None
    why_unknown: str = ""
    known: tuple[Known, ...] = ()

    def lines(self, dataset: Dataset) -> list[str]:
        """The same as text, beside the target's dataset."""
        records = f"{self.records} records of " if self.records is not None else ""
        trained = f" trained on {records}{self.source}" if self.source else ""
        lines = [f"{self.checkpoint}: {self.network.backbone}{trained}"]
        if self.source:
            shared = f" ({', '.join(self.shared)})" if self.shared else ""
            lines.append(
                f"  labels of the target that it knows: {len(self.shared)} of "
                f"{len(dataset.labels)}{shared}"
            )
        lines += [f"  leaks: {known.sentence}" for known in self.known]
        if self.drift is None:
            return [*lines, f"  drift: unknown: {self.why_unknown}"]
        return [*lines, *(f"  drift: {line}" for line in self.drift or ("none found",))]


def describe_candidate(checkpoint: str | Path, shards: str | Path) -> CheckpointFacts:
    """Reads what is beside a checkpoint: a run folder, or a ``.keras`` file.

    Raises a `DataError` where there is none, it was trained on other leads or another rate, or its
    backbone is unknown.
    """
    path, target = Path(checkpoint), data.describe(shards)
    run = Run(path if path.is_dir() else path.parent)
    check_upstream(run.folder, target, keep_head=False)
    source = data.read_dataset(run.dataset) if run.dataset.is_file() else None
    drift, why_unknown = _find_drift(run, Path(shards))
    is_chance = weights.describe_head(path, run_of(path).card) != ""
    own = () if source is None or is_chance else source.labels
    file = run.model if path.is_dir() else path
    keeps_head = own == target.labels
    if keeps_head and file.is_file():  # whoever opens it says that it is not there
        keeps_head = not models.read_architecture(file).further_head
    # an unknown history is reported once
    known = {
        describe_known(path, Path(shards), split): None
        for split in ("test", "valid")
        if target.splits[split].records
    }
    return CheckpointFacts(
        checkpoint=str(checkpoint),
        network=_network(path, run),
        source=None if source is None else _name(source),
        records=_train_records(run, source),
        shared=tuple(label for label in target.labels if label in own),
        keeps_head=keeps_head,
        drift=drift,
        why_unknown=why_unknown,
        known=tuple(one for one in known if one is not None),
    )


def _find_drift(run: Run, shards: Path) -> tuple[tuple[str, ...] | None, str]:
    """How the target differs from what the checkpoint was trained on, or why that is unknown."""
    theirs = run.read_place("shards") if "shards" in run.read_status() else None
    if theirs is None or not theirs.is_dir():
        return None, "the shards that it was trained on are not here"
    try:
        return tuple(one.line() for one in find_drift(shards, theirs)), ""
    except DataError as error:
        return None, str(error)


def _network(path: Path, run: Run) -> Model:
    """Backbone, head, scaling and preprocessing, from the run or from the names in the file."""
    network = read_network(run)
    if network is not None:
        return network
    if run.recipe.is_file():
        return load_recipe(run.recipe).recipe.model
    theirs = models.read_architecture(path)
    if theirs.backbone not in models.BACKBONES:
        raise DataError(
            f"{path}: unknown backbone {theirs.backbone!r}, and there is no recipe.yaml "
            "beside it. Name the run folder that it was trained in."
        )
    scaling = "none"
    if "preprocess_standardise" in theirs.layers:
        scaling = "standardise"
    elif "preprocess_minmax" in theirs.layers:
        scaling = "minmax"
    settings = {"backbone": theirs.backbone, "head": theirs.head, "scaling": scaling}
    return Model.model_validate(settings)


def _train_records(run: Run, source: Dataset | None) -> int | None:
    if source is None or run.card.is_file():
        return None
    stored = source.splits["train"].records
    settings = run.read_status().get("settings", {}).get("data", {})
    return min(settings.get("train_records") or stored, stored)


def _name(source: Dataset) -> str:
    simulated = source.settings.get("simulate")
    return f"simulated {simulated['hospital']}" if simulated else source.source
