"""What a recipe may say of its network and training, and the whole of it.

Field comments are the reference of docs/recipes.md. Names of backbones, stages, losses, optimizers
and callbacks are plain strings here: the layers that own those tables check them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ecg_keras.config.data_section import Data
from ecg_keras.config.metric_names import MetricName, Selection
from ecg_keras.config.tune import Tune
from ecg_keras.config.values import (
    FolderPath,
    Fraction,
    HomeOrName,
    Named,
    Positive,
    Section,
    Seed,
    Strength,
)


class Model(Section):
    """The network."""

    # a name of ecg_keras.models.BACKBONES
    backbone: str = "resnet1d18"
    # as_published: what the paper does for this backbone (RNN: all time steps flattened);
    # pooled: mean over time; flattened: all time steps
    head: Literal["as_published", "pooled", "flattened"] = "as_published"
    # of the signal, inside the model: none (mV), standardise (mean and standard deviation of the
    # training split), minmax (per record and lead to [-1, 1], as published)
    scaling: Literal["none", "standardise", "minmax"] = "standardise"
    # on the embedding, before the head
    dropout: Fraction = 0.0


class Initialise(Section):
    """Where a fine-tuned network's first weights come from."""

    # a recipe (trained first if its run is missing), a run folder, or a .keras file
    from_: HomeOrName = Field(alias="from")
    # overrides for that recipe, such as {data.raw: /data/georgia}
    set: dict[str, Any] = Field(default_factory=dict)
    # new: a fresh head; keep: the upstream's, which needs the same labels in the same order
    head: Literal["new", "keep"] = "new"
    # upstream: its scaling comes with its weights, which were trained behind it; own: what
    # model.scaling says here, as published where only the upstream was scaled
    scaling: Literal["upstream", "own"] = "upstream"


class Augment(Section):
    """Random changes of each training ECG, drawn again in every epoch. Zero switches one off."""

    # length of a random crop in seconds; none trains on the whole ECG. The network is asked about
    # whole ECGs all the same, so it must pool over time.
    crop: Positive | None = None
    # greatest random shift in time, in seconds, either way; what is shifted in is zero
    shift: Strength = 0.0
    # random gain of the whole ECG: exp(N(0, gain))
    gain: Strength = 0.0
    # white noise, standard deviation in mV
    noise: Strength = 0.0
    # noise with a power that falls with frequency as 1/f^noise_exponent, standard deviation in mV
    coloured_noise: Strength = 0.0
    # 0 is white, 1 pink, 2 brown
    noise_exponent: Annotated[float, Field(ge=0, le=3)] = 1.0
    # slow drift of 0.05 to 0.5 Hz, each lead its own, standard deviation in mV
    baseline_wander: Strength = 0.0
    # greatest amplitude in a lead, in mV; its phase is random
    mains_hum: Strength = 0.0
    # Hz of the mains, which must be below half of data.sampling_rate
    mains_hz: Literal[50, 60] = 50
    # chance that a lead is set to zero
    lead_dropout: Fraction = 0.0
    # chance that all limb leads, or all chest leads, are set to zero
    lead_group_dropout: Fraction = 0.0
    # each ECG and its labels are mixed with another of the batch, with a weight from
    # Beta(mixup, mixup)
    mixup: Strength = 0.0


class Phase(Section):
    """Epochs with one set of trainable stages and one optimizer."""

    epochs: int = Field(ge=1)
    learning_rate: Positive = 1e-3
    # the first stage that trains; those before it are frozen, BatchNorm statistics included
    train_from: str = "stem"
    # each stage below the head learns this much slower than the one above it
    stage_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    # gradient: by the optimizer; ridge: the head alone, in closed form by ridge regression on the
    # embeddings of the whole training ECGs, which needs epochs 1 and train_from head
    fit: Literal["gradient", "ridge"] = "gradient"

    @model_validator(mode="after")
    def _ridge_fits_the_head_once(self) -> Phase:
        if self.fit == "ridge" and (self.epochs, self.train_from) != (1, "head"):
            raise ValueError(
                "fit ridge fits the head alone, and once: use {epochs: 1, train_from: head, fit: "
                f"ridge}}. Received: epochs {self.epochs}, train_from {self.train_from}"
            )
        return self


class Training(Section):
    """How the network is fitted."""

    batch_size: int = Field(default=64, ge=1)
    seed: Seed = 0
    # what is minimised: a name, {name: settings} such as {focal: {gamma: 3}}, or module:function of
    # your own; docs/recipes.md lists the names
    loss: Named = "binary_crossentropy"
    # likewise
    optimizer: Named = "adam"
    # Keras callbacks that are called in every epoch, likewise
    callbacks: Annotated[tuple[Named, ...], Field(strict=False)] = ()
    # of Adam's divisor: Keras' default; 1e-8 is PyTorch's, as published
    epsilon: Positive = 1e-7
    # of optimizers that take it: adamw, sgd and lion
    weight_decay: float = Field(default=0.0, ge=0)
    # within each phase: constant, cosine (to zero), or one_cycle (up over 30 %, then to zero)
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    # float32, mixed_bfloat16, mixed_float16, or float64 (slow; as published); auto asks the device.
    # Scaling and head compute in float32 in all of them
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16", "float64"] = "auto"
    # auto: every GPU of this machine (MirroredStrategy) or its one device
    devices: Literal["auto", "one", "mirrored"] = "auto"
    # same numbers in every run on the same machine; slower on a GPU
    deterministic: bool = True
    # valid: this split scores every epoch and chooses the one that is kept, and the thresholds;
    # test: the test split does, as published, and its scores flatter
    validate_on: Literal["valid", "test"] = "valid"
    # the weights that are kept: of the best epoch by this score there (F1 at threshold 0.5;
    # weighted_f1 by how common each label is there), or of the last epoch
    select: Selection = "best_macro_auroc"
    # epochs without a better score after which a phase ends; none: never
    patience: int | None = Field(default=None, ge=1)
    augment: Augment = Augment()
    phases: Annotated[tuple[Phase, ...], Field(strict=False)] = (Phase(epochs=30),)

    @model_validator(mode="after")
    def _has_phases(self) -> Training:
        if not self.phases:
            raise ValueError("phases must have at least one phase, such as {epochs: 30}")
        return self


class Evaluation(Section):
    """How the run is scored on the test split, once."""

    # the score that is compared and printed first
    metric: MetricName = "macro_auroc"
    # of the probabilities, fitted on valid before anything is scored: temperature (one for the
    # model), platt (a slope and an intercept for each label), none
    calibration: Literal["none", "temperature", "platt"] = "none"
    # validation: per label, best F1 on training.validate_on; fixed: 0.5, as published
    thresholds: Literal["validation", "fixed"] = "validation"
    # patient resamples behind each interval
    bootstrap: int = Field(default=2000, ge=100)
    # confidence level of the intervals
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    seed: Seed = 0
    # a recipe that is trained on the same data and compared with this one, patient by patient
    baseline: HomeOrName | None = None
    # trainings that differ in training.seed alone, this one and the next ones; the verdict is over
    # all of them. One says nothing of how much another training differs
    seeds: int = Field(default=1, ge=1)
    # overrides for that recipe alone, such as {training.phases: [{epochs: 30}]}
    baseline_set: dict[str, Any] = Field(default_factory=dict)


class Recipe(Section):
    """One run: its data, model, training and evaluation."""

    # what the run is for: pretrain and scratch start from random weights, finetune does not
    mode: Literal["pretrain", "scratch", "finetune"]
    data: Data
    model: Model = Model()
    initialise: Initialise | None = None
    training: Training = Training()
    # settings to try, one of which is chosen on the validation split; none trains as it says above
    tune: Tune | None = None
    evaluation: Evaluation = Evaluation()
    # also write a SavedModel for TensorFlow Serving into the run folder
    export: bool = False
    # the run folder; none is runs/<name of the recipe>
    run: FolderPath | None = None

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
