"""The ways of training that advice chooses from, as parts of recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ecg_keras.config import (
    Candidate,
    Data,
    Model,
    Part,
    Recipe,
    Tune,
    applicable,
    compose,
    trial,
)
from ecg_keras.models import highest_rate_of, published_head

Mode = Literal["scratch", "linear probe", "fine-tune"]

# of a whole training, and of one on few records, as in the recipes of this package
EPOCHS, EPOCHS_OF_FEW = 40, 80
FEW = 1000
TRAINING: Part = {
    "batch_size": 32,
    "optimizer": "adamw",
    "weight_decay": 0.05,
    "schedule": "one_cycle",
    # no epoch is chosen on validation, so that validation can score the run
    "select": "last",
}
DROPOUT = 0.3
RATE = 3e-3
# length of the crops that are trained on, as a share of the ECG, where the network pools over time
CROP = 0.25


def epochs_for(records: int) -> int:
    """Epochs of a whole training."""
    return EPOCHS_OF_FEW if records < FEW else EPOCHS


@dataclass(frozen=True)
class Way:
    """One way of training on the target: from random weights, a new head, or everything.

    ``keeps_head`` says that the checkpoint's head fits, because it has the same labels;
    ``setting`` what it is tuned to, and is ``None`` where all ways have the same.
    """

    mode: Mode
    network: Model
    checkpoint: str | None = None
    keeps_head: bool = False
    setting: Candidate | None = None

    def __str__(self) -> str:
        """``fine-tune from runs/georgia``, or ``scratch``."""
        return f"{self.mode} from {self.checkpoint}" if self.checkpoint else self.mode

    @property
    def rate(self) -> float:
        """The learning rate before it is tuned: that of the shipped recipes, if its network may."""
        return min(RATE, highest_rate_of(self.network.backbone) or RATE)

    @property
    def tuned_to(self) -> str:
        """The name of its setting; empty where it is not tuned."""
        return "" if self.setting is None else self.setting.name

    def recipe(
        self,
        settings: Mapping[str, Any],
        *,
        raw: Path,
        epochs: int,
        train_records: int | None = None,
        seed: int = 0,
        shards: Path | None = None,
        leaks: str | None = None,
    ) -> Recipe:
        """The whole recipe, for data with the ``settings`` of a ``dataset.json``."""
        data: Part = {**settings, "raw": str(raw), "train_records": train_records}
        if leaks is not None:
            data["leaks"] = leaks
        if shards is not None:
            data["shards"] = str(shards)
        parts: list[Part] = [
            {"mode": "finetune" if self.checkpoint else "scratch", "data": data},
            {"model": {**self.network.model_dump(mode="json"), "dropout": DROPOUT}},
            {"training": {**TRAINING, "seed": seed, "phases": self._phases(epochs)}},
        ]
        # of a backbone of the user's own it is known once it is built
        head = published_head(self.network.backbone, self.network.head)
        # filters are of whole ECGs
        if head not in (None, "flattened") and not self.network.preprocessing.filters:
            crop = CROP * Data.model_validate(data).seconds
            parts.append({"training": {"augment": {"crop": crop}}})
        if self.checkpoint:
            kept = "keep" if self.keeps_head else "new"
            parts.append({"initialise": {"from": self.checkpoint, "head": kept}})
        recipe = compose(parts, str(self))
        return recipe if self.setting is None else trial(recipe, self.setting, str(self))

    def settings(self, tune: Tune) -> tuple[Way, ...]:
        """This way with each of the candidates, as far as they apply to it."""
        start = self.mode if self.mode == "scratch" else "finetune"
        return tuple(replace(self, setting=one) for one in applicable(tune, start).candidates)

    def _phases(self, epochs: int) -> list[Part]:
        """The same for every way of a network: first weights are compared, not rates."""
        phase: Part = {"epochs": epochs, "learning_rate": self.rate}
        return [phase | {"train_from": "head"} if self.mode == "linear probe" else phase]
