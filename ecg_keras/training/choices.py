"""What a recipe may name as loss, optimizer and callbacks: one row each, or a function of your own.

It imports no TensorFlow before something is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecg_keras.config import NameOrSettings, Training, name_and_settings
from ecg_keras.errors import ConfigError, look_up, shortened, unknown_name
from ecg_keras.user_modules import import_function


@dataclass(frozen=True)
class TrainingChoice:
    """One row.

    An optimizer ``steps_like_adam`` if its steps are as large as its rate, whatever the gradients.
    """

    name: str
    make: str
    meaning: str
    takes: tuple[str, ...] = ()
    steps_like_adam: bool = False


@dataclass(frozen=True)
class Choices:
    """A table of rows, and what functions of your own are given."""

    kind: str
    rows: tuple[TrainingChoice, ...]
    own_takes: tuple[str, ...] = ()

    def find(self, name: str) -> TrainingChoice:
        """The row of a name, or one for ``module:function``; a `ConfigError` for other names."""
        if ":" in name:
            return TrainingChoice(name, name, "", self.own_takes)
        return look_up(self.kind, name, {row.name: row for row in self.rows})

    def make(self, setting: NameOrSettings, given: Mapping[str, Any]) -> Any:
        """What a setting of a recipe names; a `ConfigError` where its settings do not fit."""
        row, settings = self._open(setting)
        function = import_function(self.kind, row.make)
        try:
            return function(**{key: given[key] for key in row.takes}, **settings)
        except (TypeError, ValueError) as error:
            raise self._refuse(row.name, settings, error) from error

    def check(self, setting: NameOrSettings) -> None:
        """Raises a `ConfigError` where the name is unknown or does not take its settings."""
        row, settings = self._open(setting)
        if ":" not in row.name and not settings:  # without importing Keras
            return
        function = import_function(self.kind, row.make)
        try:
            inspect.signature(function).bind(**dict.fromkeys(row.takes), **settings)
        except TypeError as error:
            raise self._refuse(row.name, settings, error) from error
        allowed = _named_by_keras(function)
        for key in settings:
            if allowed and key not in allowed:
                raise ConfigError(unknown_name(f"setting of {row.name}", key, allowed))

    def _open(self, setting: NameOrSettings) -> tuple[TrainingChoice, dict[str, Any]]:
        name, settings = name_and_settings(setting)
        row = self.find(name)
        if taken := [key for key in row.takes if key in settings]:
            raise ConfigError(
                f"{self.kind} {name} gets its {taken[0]} from the run or from another key of the "
                "recipe. Leave it out here."
            )
        return row, settings

    def _refuse(self, name: str, settings: Mapping[str, Any], error: Exception) -> ConfigError:
        return ConfigError(
            f"{self.kind} {name} can't be made with the settings {shortened(str(settings))}: "
            f"{shortened(str(error), 200)}. Correct them."
        )


def _named_by_keras(function: Any) -> set[str]:
    """What a class of Keras takes, which its base classes name where it has ``**kwargs``."""
    if not inspect.isclass(function) or not function.__module__.startswith("keras."):
        return set()
    signatures = [inspect.signature(one).parameters.values() for one in function.__mro__[:-1]]
    named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    return {one.name for group in signatures for one in group if one.kind in named}


LOSSES = Choices(
    "loss",
    (
        TrainingChoice(
            "binary_crossentropy",
            "keras.losses:BinaryCrossentropy",
            "of each label, the mean over labels; takes `label_smoothing`",
        ),
        TrainingChoice(
            "focal",
            "keras.losses:BinaryFocalCrossentropy",
            "records that are predicted well count less; takes `gamma`, `alpha` with "
            "`apply_class_balancing` ([arXiv 1708.02002](https://arxiv.org/abs/1708.02002))",
        ),
        TrainingChoice(
            "asymmetric",
            "ecg_keras.training.losses:AsymmetricLoss",
            "as focal, but absent labels much more than present ones; takes `gamma_present`, "
            "`gamma_absent`, `margin` ([arXiv 2009.14119](https://arxiv.org/abs/2009.14119))",
        ),
    ),
)
OPTIMIZERS = Choices(
    "optimizer",
    (
        TrainingChoice(
            "adam",
            "keras.optimizers:Adam",
            "takes `beta_1`, `beta_2`, others of Keras, and `use_ema`: the averages of the weights "
            "are scored and kept",
            ("learning_rate", "epsilon"),
            steps_like_adam=True,
        ),
        TrainingChoice(
            "adamw",
            "keras.optimizers:AdamW",
            "Adam whose weights decay, those of kernels alone",
            ("learning_rate", "epsilon", "weight_decay"),
            steps_like_adam=True,
        ),
        TrainingChoice(
            "sgd",
            "keras.optimizers:SGD",
            "takes `momentum` and `nesterov`",
            ("learning_rate", "weight_decay"),
        ),
        TrainingChoice(
            "lion",
            "keras.optimizers:Lion",
            "takes `beta_1` and `beta_2` ([arXiv 2302.06675](https://arxiv.org/abs/2302.06675))",
            ("learning_rate", "weight_decay"),
            steps_like_adam=True,
        ),
    ),
    own_takes=("learning_rate",),
)
CALLBACKS = Choices(
    "callback",
    (
        TrainingChoice(
            "validation_scores",
            "ecg_keras.training.validation_scores:ValidationScores",
            "further scores on the validation data in every epoch; takes `prefix` and `per_label`",
            ("valid", "labels", "model"),
        ),
        TrainingChoice(
            "run_log",
            "ecg_keras.training.epoch_callbacks:RunLog",
            "what the callbacks before it log, in `run_log.csv` of the run; takes constant columns",
            ("path",),
        ),
        TrainingChoice(
            "tensorboard_ecgs",
            "ecg_keras.training.trackers:TensorBoardEcgs",
            "validation ECGs in TensorBoard, and what the network says of them; takes `records`",
            ("valid", "labels", "tensorboard", "sampling_rate", "model"),
        ),
        TrainingChoice(
            "tensorboard_settings",
            "ecg_keras.training.trackers:TensorBoardSettings",
            "the recipe in TensorBoard's table of hyperparameters",
            ("settings", "tensorboard"),
        ),
        TrainingChoice(
            "mlflow",
            "ecg_keras.training.trackers:MlflowRun",
            "settings and scores to MLflow (`pip install mlflow`); takes `experiment`, "
            "`tracking_uri`",
            ("settings", "folder"),
        ),
        TrainingChoice(
            "wandb",
            "ecg_keras.training.trackers:WandbRun",
            "settings and scores to Weights & Biases (`pip install wandb`), offline unless "
            "`mode: online`; takes `project`",
            ("settings", "folder"),
        ),
        TrainingChoice(
            "terminate_on_nan",
            "keras.callbacks:TerminateOnNaN",
            "ends the training at the first batch whose loss is not finite, not after the epoch",
        ),
    ),
)
TABLES = (LOSSES, OPTIMIZERS, CALLBACKS)


def check_optimizer(training: Training) -> None:
    """Raises a `ConfigError` where the optimizer is unknown or does not take its settings."""
    OPTIMIZERS.check(training.optimizer)
    name, _ = name_and_settings(training.optimizer)
    row = OPTIMIZERS.find(name)
    for key in ("epsilon", "weight_decay"):
        if key not in row.takes and getattr(training, key) != Training.model_fields[key].default:
            able = ", ".join(one.name for one in OPTIMIZERS.rows if key in one.takes)
            raise ConfigError(f"{key} needs optimizer {able}. Received: {name}.")


def make_callbacks(training: Training, **given: Any) -> list[Any]:
    """The Keras callbacks that a recipe names, in its order."""
    from ecg_keras.keras_library import keras

    made = [CALLBACKS.make(one, given) for one in training.callbacks]
    for one in made:
        if not isinstance(one, keras.callbacks.Callback):
            raise ConfigError(
                f"training.callbacks must make Keras callbacks. Received: {one!r:.80}."
            )
    return made
