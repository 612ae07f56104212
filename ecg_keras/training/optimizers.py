"""Optimizers with a learning rate per stage, and learning-rate schedules within a phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecg_keras.config import Phase, Training
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import keras
from ecg_keras.training.choices import OPTIMIZERS, check_optimizer

WARM_UP = 0.3  # share of a one-cycle phase in which the learning rate rises
START = 1 / 25  # of the peak, at which one_cycle starts
# biases and BatchNorm's scale and shift are not shrunk: they do not make a network more complex
UNDECAYED = ["bias", "gamma", "beta"]


def stage_scales(stages: Sequence[str], decay: float) -> dict[str, float]:
    """Learning-rate factors: 1 for the last stage, ``decay`` times less for each one before it.

    Discriminative fine-tuning: Howard and Ruder 2018, "Universal Language Model Fine-tuning for
    Text Classification", section 3.2.

    Example:
        >>> stage_scales(("stem", "stage1", "head"), 0.5)
        {'stem': 0.25, 'stage1': 0.5, 'head': 1.0}
    """
    return {stage: decay ** (len(stages) - 1 - place) for place, stage in enumerate(stages)}


def make_schedule(schedule: str, learning_rate: float, steps: int) -> Any:
    """A learning rate or schedule for ``steps`` optimizer steps, as Keras optimizers take it.

    Args:
        schedule: ``"constant"``, ``"cosine"`` (half a cosine to zero) or ``"one_cycle"`` (linear
            rise over the first 30 % from 1/25 of the peak, then half a cosine to zero).
        learning_rate: the highest rate.
        steps: optimizer steps in the phase.
    """
    if schedule == "constant":
        return learning_rate
    if schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    warm = max(1, round(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        learning_rate * START,
        max(1, steps - warm),
        warmup_target=learning_rate,
        warmup_steps=warm,
    )


def make_optimizer(
    training: Training, phase: Phase, stages: Sequence[str], steps: int
) -> keras.optimizers.Optimizer:
    """The optimizer of one phase.

    Args:
        training: names the optimizer and its settings, epsilon, weight decay and schedule.
        phase: names the learning rate and its decay from stage to stage.
        stages: of the model, from the input to the head.
        steps: optimizer steps in the phase.

    Returns:
        A Keras optimizer. With a ``stage_decay`` below 1 each stage's step is scaled; weight decay
        follows the unscaled learning rate, and spares biases and BatchNorm.
    """
    check_optimizer(training)
    optimizer: keras.optimizers.Optimizer = OPTIMIZERS.make(
        training.optimizer,
        {
            "learning_rate": make_schedule(training.schedule, phase.learning_rate, steps),
            "epsilon": training.epsilon,
            "weight_decay": training.weight_decay,
        },
    )
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise ConfigError(
            f"training.optimizer must make a Keras optimizer. Received: {optimizer!r:.80}."
        )
    if optimizer.weight_decay is not None:
        optimizer.exclude_from_weight_decay(var_names=UNDECAYED)
    if phase.stage_decay != 1:
        _step_by_stage(optimizer, stage_scales(stages, phase.stage_decay))
    return optimizer


def _step_by_stage(optimizer: keras.optimizers.Optimizer, scales: Mapping[str, float]) -> None:
    """Scales the steps of an optimizer. Not its gradients: Adam would undo their scaling."""
    step = optimizer.update_step

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        # a tf.Variable, whose name is the Keras variable's path: stage1_block1_conv1/kernel:0
        stage = variable.name.split("/")[0].split("_")[0]
        step(gradient, variable, learning_rate * scales[stage])

    optimizer.update_step = update_step
