"""The card of an exported network: what a client must know to send an ECG and read the answer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from ecg_keras.config import Data
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import LabelSets, read_sets, without_nan
from ecg_keras.export.precision import PrecisionLoss
from ecg_keras.json_files import as_names, as_one_of, known_fields, parse_as, refuse_constant

LABELS_FILE = "labels.txt"
CARD_FILE = "card.json"
# keys of section `data` by which recordings are brought to what a network takes
READING = ("resample", "window", "short", "verify")


@dataclass(frozen=True)
class Card:
    """What an exported network expects and returns, ``card.json`` beside it or in ``assets``.

    Attributes:
        labels: names of the columns of ``probabilities``.
        leads: names of the columns of ``signal``.
        sampling_rate: of ``signal``, in Hz.
        num_samples: rows of each ``signal``.
        thresholds: per label, the probability from which the label is called present;
            ``None`` where none were chosen.
        versions: of the packages that wrote the SavedModel.
        calibration: what was done to the network's probabilities inside the SavedModel: ``none``,
            ``temperature`` or ``platt``.
        units: of ``signal``.
        input: name of the input of ``serving_default``.
        output: name of the output with probabilities, of every signature.
        resample, window, short, verify: how the signature ``recordings`` brings an ECG to the
            network's rate and length, and whether it refuses amplitudes that no ECG has; as in
            section ``data`` of a recipe.
        signatures: of each signature the type, shape and meaning of its inputs and outputs.
        format: a name of `FORMATS`.
        precision: of its numbers: ``float32``, ``float16`` or ``int8``.
        loss: what that costs; none of float32, or where it was not measured.
        sets: which answers each label may have, by its probability, with the coverage that was
            validated; ``None`` where it was not.
        network_id: which network it is, as `identify_network` names it and as its answers in files
            have it; empty in cards of earlier versions.

    Raises:
        ConfigError: a name is empty, repeated or not one line; a size, the rate or a threshold is
            out of range; another unit than mV; thresholds or sets are not those of the labels.

    Example:
        >>> card = Card(("MI", "NORM"), ("I", "II"), 100.0, 1000, {"MI": 0.3, "NORM": 0.6}, {})
        >>> card.units, card.input, card.output
        ('mV', 'signal', 'probabilities')
    """

    labels: tuple[str, ...]
    leads: tuple[str, ...]
    sampling_rate: float
    num_samples: int
    thresholds: Mapping[str, float] | None
    versions: Mapping[str, str]
    calibration: str = "none"
    units: str = "mV"
    input: str = "signal"
    output: str = "probabilities"
    resample: str = "polyphase"
    window: str = "start"
    short: str = "drop"
    verify: str = "refuse"
    signatures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format: str = "saved_model"
    precision: str = "float32"
    loss: PrecisionLoss | None = None
    sets: LabelSets | None = None
    network_id: str = ""

    @property
    def reading(self) -> dict[str, Any]:
        """What of it says how a recording is brought to what the network takes."""
        return {name: getattr(self, name) for name in READING}

    @property
    def data(self) -> Data:
        """The section ``data`` of a recipe that brings recordings of any kind to that."""
        return Data(
            source="folder",
            raw=Path(),
            leads=self.leads,
            sampling_rate=self.sampling_rate,
            seconds=self.num_samples / self.sampling_rate,
            **self.reading,
        )

    def __post_init__(self) -> None:
        _check_names("labels", self.labels)
        _check_names("leads", self.leads)
        if not (math.isfinite(self.sampling_rate) and self.sampling_rate > 0):
            raise ConfigError(f"sampling_rate must be above 0 Hz. Received: {self.sampling_rate}.")
        if type(self.num_samples) is not int or self.num_samples < 1:
            raise ConfigError(
                f"num_samples must be a whole number above 0. Received: {self.num_samples}."
            )
        if self.units != "mV":
            raise ConfigError(f"units must be mV. Received: {self.units!r}.")
        for name in ("input", "output", "calibration", "network_id"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name} must be text. Received: {getattr(self, name)!r}.")
        for name, value in self.reading.items():
            try:
                as_one_of(value, get_args(Data.model_fields[name].annotation))
            except ValueError as error:
                raise ConfigError(f"{name} {error}.") from error
        if self.thresholds is not None:
            _check_thresholds(self.labels, self.thresholds)
        if self.sets is not None and tuple(self.sets.labels) != self.labels:
            raise ConfigError(
                f"sets must be those of the labels, in their order: {', '.join(self.labels)}. "
                f"Received: {', '.join(self.sets.labels)}."
            )

    def to_json(self) -> dict[str, Any]:
        """Its entries as ``card.json`` has them; what is undefined is ``None``."""
        return dict(without_nan(asdict(self)))


def write_card(assets: Path, card: Card) -> None:
    """Writes ``labels.txt`` (one label a line, in column order) and ``card.json``."""
    assets.mkdir(parents=True, exist_ok=True)
    (assets / LABELS_FILE).write_text("\n".join(card.labels) + "\n", encoding="utf-8")
    text = json.dumps(card.to_json(), indent=2, ensure_ascii=False)
    (assets / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def read_card(folder: Path) -> Card:
    """Reads the card of the network in ``folder``, which `export_model` wrote.

    Raises:
        DataError: the card is missing, is not JSON or lacks an entry.

    Example:
        >>> read_card(Path("runs/quickstart/saved_model/1")).labels  # doctest: +SKIP
        ('CD', 'HYP', 'MI', 'NORM', 'STTC')
    """
    assets = folder / "assets"
    path = (assets if assets.is_dir() else folder) / CARD_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(
            f"{path}: not found. Point to a folder that `ecg-keras export` wrote, "
            "such as runs/quickstart/saved_model/1."
        ) from None
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: not the card of an exported network: {error}") from error
    return parse_card(text, str(path))


def parse_card(text: str | bytes, place: str) -> Card:
    """The card in the text of a ``card.json``, with what this version knows of it.

    Args:
        text: JSON.
        place: of the text, for an error's message.

    Raises:
        DataError: it is not JSON or lacks an entry.

    Example:
        >>> text = '{"labels": ["MI"], "leads": ["I"], "sampling_rate": 100, "num_samples": 1000,'
        >>> parse_card(text + '"thresholds": null, "versions": {}}', "card.json").labels
        ('MI',)
    """
    try:
        entries = known_fields(Card, json.loads(text, parse_constant=refuse_constant))
        names = {key: as_names(entries[key]) for key in ("labels", "leads")}
        loss = parse_as(PrecisionLoss | None, entries.get("loss"))
        sets = read_sets(entries.get("sets"))
        return Card(**{**entries, **names, "loss": loss, "sets": sets})
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError, ConfigError) as error:
        raise DataError(f"{place}: not the card of an exported network: {error}") from error


def _check_names(what: str, names: tuple[str, ...]) -> None:
    if not names:
        raise ConfigError(f"{what} must hold at least one name. Received: none.")
    for name in names:
        if not name.strip() or len(name.splitlines()) != 1:
            raise ConfigError(f"{what} must be names of one line. Received: {name!r}.")
    if len(set(names)) != len(names):
        raise ConfigError(f"{what} must differ from each other. Received: {', '.join(names)}.")


def _check_thresholds(labels: tuple[str, ...], thresholds: Mapping[str, float]) -> None:
    if set(thresholds) != set(labels):
        raise ConfigError(
            f"thresholds must name each label once: {', '.join(labels)}. "
            f"Received: {', '.join(thresholds)}."
        )
    for label, threshold in thresholds.items():
        if not 0 <= threshold <= 1:
            raise ConfigError(
                f"the threshold of {label} must be between 0 and 1. Received: {threshold}."
            )
