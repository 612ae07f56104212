"""Weights that others published, as an ordinary run folder: what all later work takes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ecg_keras import weights
from ecg_keras.array_types import AnyArray
from ecg_keras.data import Dataset, SplitSummary
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import scratch_folder
from ecg_keras.json_files import write_json
from ecg_keras.text import text_table
from ecg_keras.training import Run, describe_environment
from ecg_keras.workflow.published import IMPORTED, PublishedWeights, open_published

RUNS = Path("runs")
# folders in which imports are made
SCRATCH = ".import."


@dataclass(frozen=True)
class Imported:
    """What `import_weights` made, or found made.

    Attributes:
        run: the run folder.
        published: what it was made from.
        parameters: of the network.
        taken: which layers and tensors; ``None`` where the run was there already.
    """

    run: Run
    published: PublishedWeights
    parameters: int
    taken: weights.Taken | None

    def table(self) -> str:
        """What it is, and what it wants, as text."""
        card, family = self.published.card, self.published.family
        seconds = card.num_samples / card.sampling_rate
        scaling = card.scaling.model_dump(exclude_defaults=True)
        chance = "; the head begins with chance, because none is published" * self._is_chance()
        rows = [
            ("network", f"{family.backbone}, {self.parameters:,} parameters"),
            ("weights", f"{self.published.path}, family {family.name}"),
            ("input", f"{', '.join(card.leads)}; {card.sampling_rate:g} Hz, {seconds:g} s"),
            ("unit", f"{card.unit}: the network takes mV and multiplies by {card.per_millivolt:g}"),
            ("filters", "; ".join(_describe(one.model_dump()) for one in card.filters) or "none"),
            ("scaling", _describe(scaling) or "none"),
            ("labels", f"{', '.join(card.labels)}{chance}"),
            ("has seen", ", ".join(one.database for one in card.seen) or "not known"),
            ("licence", card.licence),
            ("citation", card.citation),
        ]
        if self.taken is not None:
            ignored = ", ".join(self.taken.ignored[:5]) or "none"
            more = f" and {len(self.taken.ignored) - 5} more" * (len(self.taken.ignored) > 5)
            rows.append(("layers", f"{len(self.taken.copied)} taken; ignored: {ignored}{more}"))
        return text_table((), [*rows, ("run", str(self.run.folder))], left=2)

    def _is_chance(self) -> bool:
        return weights.describe_head(self.run.folder, self.run.card) != ""


def _describe(settings: Mapping[str, Any]) -> str:
    """``highpass hz 0.5 order 2`` of a card's filter or scaling."""
    kind = str(settings.get("kind", ""))
    others = {key: value for key, value in settings.items() if key != "kind" and value}
    return " ".join([kind, *(f"{key} {value}" for key, value in others.items())]).strip()


def import_weights(
    path: str | Path,
    folder: str | Path | None = None,
    *,
    card: str | Path | None = None,
    family: str | None = None,
) -> Imported:
    """Makes a run folder of weights that others published: network, preprocessing and head.

    Fine-tuning, `advise`, `transferability`, `evaluate` and `export` take it as any run. The folder
    appears whole or not at all; one that was made of the same file and card is kept as it is.

    Args:
        path: of the file, as `ecg_keras.weights.read_tensors` reads them.
        folder: of the run; ``None`` takes ``runs/`` with the name of the file.
        card: of these weights; ``None`` takes the one beside the file.
        family: that the weights are of; ``None`` takes the card's, another one is refused.

    Raises:
        ConfigError: the card has an error, or the folder holds something else.
        DataError: the file can't be read, is not what its card says, or its tensors do not fit.

    Example:
        >>> imported = import_weights("weights/xceptiontime.onnx")  # doctest: +SKIP
        >>> imported.run.folder  # doctest: +SKIP
        PosixPath('runs/xceptiontime')
    """
    published = open_published(path, card, family)
    run = Run(RUNS / published.path.stem if folder is None else Path(folder))
    if (made := _find_made(run, published)) is not None:
        return made
    tensors = published.check()
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(run.folder.parent, SCRATCH) as temporary:
        written = Run(temporary / run.name)
        written.folder.mkdir()
        parameters, taken = _write(written, published, tensors)
        try:
            written.folder.rename(run.folder)
        except OSError:  # another process was first
            if (made := _find_made(run, published)) is not None:
                return made
            raise
    return Imported(run, published, parameters, taken)


def _find_made(run: Run, published: PublishedWeights) -> Imported | None:
    """The run that is there already; a `ConfigError` where it is another."""
    status = run.read_status()
    if published.is_made_in(run):
        return Imported(run, published, int(status["num_parameters"]), None)
    if status.get("mode") == IMPORTED:
        raise ConfigError(
            f"{run.folder}: was imported from another file or card, or these have changed since. "
            "Choose another folder with --out, or remove it to import it again."
        )
    if run.folder.exists() and (not run.folder.is_dir() or any(run.folder.iterdir())):
        raise ConfigError(
            f"{run.folder}: there is something else in it already. Choose another folder with "
            "--out, or remove it."
        )
    return None


def _write(
    run: Run, published: PublishedWeights, tensors: Mapping[str, AnyArray]
) -> tuple[int, weights.Taken]:
    """All files of the run; how many parameters it has, and what was taken."""
    from ecg_keras import models

    card, network = published.card, published.model
    try:
        backbone = models.find_backbone(network.backbone)(card.num_samples, len(card.leads))
        model = models.classifier(
            backbone,
            card.labels,
            preprocessing=network.preprocessing,
            leads=card.leads,
            sampling_rate=card.sampling_rate,
        )
    except ConfigError as error:
        raise ConfigError(f"{published.card_path}: {error}") from error
    has_head = weights.has_head(tensors, published.family)
    head: Literal["keep", "new"] = "keep" if has_head else "new"
    if head == "keep":
        model = published.family.end(model)
    try:
        taken = weights.take_weights(model, tensors, published.family, head=head)
    except DataError as error:
        raise DataError(f"{published.path}: {error}") from error
    models.save_model(model, run.model)
    run.dataset.write_text(_dataset(published).dump(), encoding="utf-8")
    shutil.copyfile(published.card_path, run.card)
    write_json(run.environment, describe_environment("float32", []))
    parameters = int(model.count_params())
    run.write_status(
        state="trained",
        mode=IMPORTED,
        name=run.name,
        fingerprint=published.fingerprint,
        settings={"model": network.model_dump(mode="json")},
        num_parameters=parameters,
        head=head,
        seen_databases=[one.model_dump(mode="json") for one in card.seen],
        file=published.path.name,
    )
    return parameters, taken


def _dataset(published: PublishedWeights) -> Dataset:
    """What the card says of the signals and labels, with no record of them."""
    card = published.card
    nobody = SplitSummary(0, 0, dict.fromkeys(card.labels, 0), {}, {})
    return Dataset(
        source=", ".join(dict.fromkeys(one.database for one in card.seen)) or "not known",
        label_set=published.family.name,
        labels=card.labels,
        leads=card.leads,
        sampling_rate=card.sampling_rate,
        num_samples=card.num_samples,
        splits={"train": nobody, "valid": nobody, "test": nobody},
        dropped=(),
        quarantined=(),
        duplicates=(),
        settings={},
        fingerprint=published.fingerprint,
        raw_digest="",
    )
