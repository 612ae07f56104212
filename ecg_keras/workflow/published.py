"""A file of weights that others published, with its card: found, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras import weights
from ecg_keras.array_types import AnyArray
from ecg_keras.config import Model, Preprocessing, WeightsCard, fingerprint
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training import Run

ENDINGS = (".pt", ".pth", ".bin", ".ckpt", ".tar", ".safetensors", ".onnx", ".h5", ".hdf5")
# of the fingerprints of imported runs: to be raised when an import makes something else
IMPORT = 1
# of a card, what changes nothing that is made
ABOUT: dict[str, Any] = {
    **dict.fromkeys(("licence", "citation", "url", "sha256"), True),
    "seen": {"__all__": {"unlisted"}},
}
IMPORTED = "imported"


@dataclass(frozen=True, eq=False)
class PublishedWeights:
    """A file of weights that others published, with its card: what it wants, means and has seen."""

    path: Path
    card_path: Path
    card: WeightsCard

    @cached_property
    def family(self) -> weights.Family:
        """The row of the table of families that it is of."""
        return weights.find_family(self.card.family)

    @cached_property
    def fingerprint(self) -> str:
        """Of the file's bytes and of what the card says of its use."""
        card = self.card.model_dump(mode="json", exclude=ABOUT, exclude_defaults=True)
        content = weights.identify(self.path, self.card)
        return fingerprint({"import": IMPORT, "file": content, "card": card})

    @property
    def model(self) -> Model:
        """The ``model`` section of a recipe whose network it fits."""
        card = self.card
        return Model(
            backbone=self.family.backbone,
            scaling="none",
            preprocessing=Preprocessing(
                leads=card.leads, unit=card.unit, filters=card.filters, scaling=card.scaling
            ),
        )

    def place(self, runs: Path) -> Path:
        """The run folder that it is imported into where a recipe names the file."""
        return runs / IMPORTED / f"{self.path.stem}-{self.fingerprint[:8]}"

    def is_made_in(self, run: Run) -> bool:
        """Whether they are imported there already, with all that the card says of their use."""
        made = run.read_status().get("fingerprint") == self.fingerprint
        return made and run.model.is_file()

    def check(self) -> Mapping[str, AnyArray]:
        """Reads the file; refuses one of another family, leads, labels or length than the card's.

        It imports no TensorFlow, but for a ``.keras``, so some of what `import_weights` refuses
        passes.
        """
        self.fingerprint  # noqa: B018  fails where the card is of another file
        read = weights.read_tensors(self.path)
        try:
            tensors = self.family.renamed(weights.of_network(read, self.family)[0])
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error
        if not weights.looks_like(tensors, self.family):
            found = weights.recognise(read)
            what = "of no family that is known" if found is None else f"{found.name}'s"
            raise DataError(
                f"{self.path}: not the weights of {self.family.name}, as {self.card_path} says: "
                f"the tensors look like {what}. Correct family, or name another file."
            )
        labels, width = self._head_of(tensors)
        for what, size, names in (
            ("leads", self._leads_of(tensors), self.card.leads),
            ("labels", labels, self.card.labels),
        ):
            if size not in (None, len(names)):
                named = f"{len(names)}: {', '.join(names)}" if names else "none"
                raise DataError(
                    f"{self.path}: its network has {size} {what.removesuffix('s' * (size == 1))}, "
                    f"and {self.card_path} names {named}. Correct the card."
                )
        samples, takes = self.card.num_samples, self.family.head_takes
        if takes is not None and width not in (None, takes(samples)):
            raise DataError(
                f"{self.path}: its head takes {width} numbers, and {takes(samples)} come of the "
                f"{samples} samples that {self.card_path} names. Correct samples or seconds."
            )
        return read

    def _leads_of(self, tensors: Mapping[str, AnyArray]) -> int | None:
        """What the first layer takes: the second axis of its kernel, in PyTorch and Keras."""
        named = self.family.recognised_by.items()
        first = [name for name, shape in named if shape and len(shape) > 1 and shape[1] is None]
        return int(tensors[first[0]].shape[1]) if first and first[0] in tensors else None

    def _head_of(self, tensors: Mapping[str, AnyArray]) -> tuple[int | None, int | None]:
        """How many labels the head has, and how many numbers it takes, where a head is there."""
        prefix = self.family.tensors("head")
        if "head" in self.family.own:
            return None, None
        if self.family.library == "keras":
            head = tensors.get(f"{prefix}/kernel", np.zeros(0)).T
        else:
            head = tensors.get(f"{prefix}.weight", np.zeros(0))
        return (int(head.shape[0]), int(head.shape[1])) if head.ndim in (2, 3) else (None, None)


def is_weights_file(path: str | Path) -> bool:
    """Whether a name is that of weights which need a card, by its ending.

    Example:
        >>> is_weights_file("theirs.pt"), is_weights_file("runs/mine/model.keras")
        (True, False)
    """
    return Path(path).suffix.lower() in ENDINGS


def open_published(
    path: str | Path, card: str | Path | None = None, family: str | None = None
) -> PublishedWeights:
    """A file of weights with its card, which is beside it where none is named; a ``.keras`` too.

    Raises a `DataError` where one of them is missing, and a `ConfigError` where the card has an
    error, or is not of the ``family``.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file of weights"
        raise DataError(
            f"{path}: {what}. Name the file: behind `ecg-keras import`, or in a recipe with --set "
            "initialise.from=FILE."
        )
    if path.suffix.lower() == ".keras" and card is None and not path.with_suffix(".yaml").is_file():
        raise ConfigError(
            f"{path}: a .keras file of this package needs no import: name it in initialise.from, "
            "or as a checkpoint. One that others published needs a card: name it with --card, and "
            "begin it with `ecg-keras import --card-template FAMILY`."
        )
    place = weights.find_card(path) if card is None else Path(card)
    read = weights.read_card(place)
    if family is not None and weights.find_family(family).name != read.family:
        raise ConfigError(
            f"{place}: is the card of {read.family}, and not of {family}. Name the card of these "
            "weights with --card."
        )
    return PublishedWeights(path, place, read)
