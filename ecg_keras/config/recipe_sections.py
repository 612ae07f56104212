"""What a recipe may say of its network and training, and the whole of it.

docs/recipes.md says what each key means, and a test that it names all of them. Names of backbones,
stages, losses, optimizers and callbacks are plain strings here: the layers that own those tables
check them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ecg_keras.config.data_sections import Data
from ecg_keras.config.metric_names import MetricName, Selection
from ecg_keras.config.tune import Tune
from ecg_keras.config.values import (
    FolderPath,
    Fraction,
    Head,
    HomeOrName,
    Named,
    Names,
    Positive,
    Seed,
    Settings,
    Strength,
)
from ecg_keras.config.weights_card import UNITS, CardFilter, CardScaling


class Preprocessing(Settings):
    """What is done to signals in millivolts first, in this order: what published weights want."""

    leads: Names | None = None
    missing: Literal["refuse", "zero"] = "refuse"
    unit: Literal["mV", "uV", "V", "1e-4 V"] = "mV"
    filters: Annotated[tuple[CardFilter, ...], Field(strict=False)] = ()
    scaling: CardScaling = CardScaling()

    @property
    def per_millivolt(self) -> float:
        """How many of the unit a millivolt has."""
        return UNITS[self.unit]


class Model(Settings):
    """The network."""

    backbone: str = "resnet1d18"
    head: Head = "as_published"
    scaling: Literal["none", "standardise", "minmax"] = "standardise"
    dropout: Fraction = 0.0
    preprocessing: Preprocessing = Preprocessing()

    @model_validator(mode="after")
    def _scales_once(self) -> Model:
        wanted = self.preprocessing
        changed = wanted.unit != "mV" or wanted.filters or wanted.scaling.kind != "none"
        if changed and self.scaling != "none":
            raise ValueError(
                "scaling is of signals in millivolts as they are stored: with a unit, filters or a "
                f"scaling in preprocessing it is none. Received: scaling {self.scaling}"
            )
        return self


class Initialise(Settings):
    """Where a fine-tuned network's first weights come from."""

    from_: HomeOrName = Field(alias="from")
    set: dict[str, Any] = Field(default_factory=dict)
    head: Literal["new", "keep"] = "new"
    scaling: Literal["upstream", "own"] = "upstream"
    leads: Literal["same", "fewer"] = "same"

    @property
    def is_recipe(self) -> bool:
        """Whether the weights are those of another recipe, which is trained first."""
        return self.from_.endswith((".yaml", ".yml"))


class Augment(Settings):
    """Random changes of each training ECG, drawn again in every epoch. Zero switches one off."""

    crop: Positive | None = None
    shift: Strength = 0.0
    gain: Strength = 0.0
    noise: Strength = 0.0
    coloured_noise: Strength = 0.0
    noise_exponent: Annotated[float, Field(ge=0, le=3)] = 1.0
    baseline_wander: Strength = 0.0
    mains_hum: Strength = 0.0
    mains_hz: Literal[50, 60] = 50
    lead_dropout: Fraction = 0.0
    lead_group_dropout: Fraction = 0.0
    mixup: Strength = 0.0


class Phase(Settings):
    """Epochs with one set of trainable stages and one optimizer."""

    epochs: int = Field(ge=1)
    learning_rate: Positive = 1e-3
    train_from: str = "stem"
    stage_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    fit: Literal["gradient", "ridge"] = "gradient"

    @model_validator(mode="after")
    def _ridge_fits_the_head_once(self) -> Phase:
        if self.fit == "ridge" and (self.epochs, self.train_from) != (1, "head"):
            raise ValueError(
                "fit ridge fits the head alone, and once: use {epochs: 1, train_from: head, fit: "
                f"ridge}}. Received: epochs {self.epochs}, train_from {self.train_from}"
            )
        return self


class Training(Settings):
    """How the network is fitted."""

    batch_size: int = Field(default=64, ge=1)
    seed: Seed = 0
    loss: Named = "binary_crossentropy"
    optimizer: Named = "adam"
    callbacks: Annotated[tuple[Named, ...], Field(strict=False)] = ()
    epsilon: Positive = 1e-7
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16", "float64"] = "auto"
    devices: Literal["auto", "one", "mirrored"] = "auto"
    deterministic: bool = True
    validate_on: Literal["valid", "test"] = "valid"
    select: Selection = "best_macro_auroc"
    patience: int | None = Field(default=None, ge=1)
    augment: Augment = Augment()
    phases: Annotated[tuple[Phase, ...], Field(strict=False)] = (Phase(epochs=30),)

    @model_validator(mode="after")
    def _has_phases(self) -> Training:
        if not self.phases:
            raise ValueError("phases must have at least one phase, such as {epochs: 30}")
        return self

    @property
    def in_closed_form(self) -> bool:
        """Whether a head is all that is fitted, its penalty too: no rate is there to tune."""
        return all(phase.fit == "ridge" for phase in self.phases)

    @property
    def decays_by_stage(self) -> bool:
        """Whether weights shrink, and those of some stages more slowly."""
        return self.weight_decay > 0 and any(one.stage_decay != 1 for one in self.phases)


class Evaluation(Settings):
    """How the run is scored on the test split, once."""

    metric: MetricName = "macro_auroc"
    calibration: Literal["none", "temperature", "platt"] = "none"
    thresholds: Literal["validation", "fixed"] = "validation"
    bootstrap: int = Field(default=2000, ge=100)
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    seed: Seed = 0
    baseline: HomeOrName | None = None
    seeds: int = Field(default=1, ge=1)
    subgroups: Names = ("sex", "age")
    subgroup_table: FolderPath | None = None
    baseline_set: dict[str, Any] = Field(default_factory=dict)
    conformal: Annotated[float, Field(ge=0.5, lt=1)] | None = 0.9
    conformal_by: Literal["class", "label"] = "class"
    explain: bool = True


class Recipe(Settings):
    """One run: its data, model, training and evaluation."""

    mode: Literal["pretrain", "scratch", "finetune"]
    data: Data
    model: Model = Model()
    initialise: Initialise | None = None
    training: Training = Training()
    tune: Tune | None = None
    evaluation: Evaluation = Evaluation()
    export: bool = False
    run: FolderPath | None = None

    @field_validator("run")
    @classmethod
    def _has_a_name(cls, run: Path | None) -> Path | None:
        if run is not None and run.name in ("", ".."):
            raise ValueError(
                "a run has a folder of its own, which is named: such as runs/mine. Received: "
                f"{str(run)!r}"
            )
        return run

    @model_validator(mode="after")
    def _somebody_chooses_the_epoch(self) -> Recipe:
        if not self.data.split.may_lack_valid:
            return self
        if self.training.validate_on == "valid":
            raise ValueError(
                "without a validation split nothing can choose the epoch and the thresholds. Set "
                "data.split.valid above 0 and valid_folds to one fold or more, or, as published, "
                "training.validate_on: test"
            )
        if self.evaluation.calibration != "none":
            raise ValueError(
                "evaluation.calibration is fitted on the validation split, which data.split leaves "
                "empty. Set it to none"
            )
        return self

    @model_validator(mode="after")
    def _tuned_on_validation(self) -> Recipe:
        on_test = self.training.validate_on == "test"
        if self.tune is not None and (on_test or self.data.split.may_lack_valid):
            raise ValueError(
                "tune chooses on the validation split, and never on the test split: set "
                "training.validate_on to valid and keep a validation split, or tune to null"
            )
        return self

    @model_validator(mode="after")
    def _finetune_from_somewhere(self) -> Recipe:
        if self.mode == "finetune" and self.initialise is None:
            raise ValueError(
                "mode finetune needs `initialise: {from: ...}`: a recipe, a run folder or a "
                ".keras file"
            )
        if self.mode != "finetune" and self.initialise is not None:
            raise ValueError(
                f"mode {self.mode} starts from random weights: remove `initialise`, or set "
                "`mode: finetune`"
            )
        return self
