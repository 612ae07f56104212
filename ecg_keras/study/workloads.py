"""`Workload` and `Timing`: what decides how long a training takes, and how long its pieces take."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from ecg_keras.config import Recipe
from ecg_keras.data import stored_leads, stored_length


@dataclass(frozen=True)
class Workload:
    """What decides how long a training takes, but for the number of its steps.

    Attributes:
        backbone, head, precision, deterministic: as in a recipe.
        num_samples, num_leads: of a whole ECG.
        step_samples: of an ECG in a training step, which may be a crop.
        batch_size: ECGs in a training step.
        train_from: the first stage that trains.
    """

    backbone: str
    head: str
    num_samples: int
    num_leads: int
    precision: str
    deterministic: bool
    step_samples: int
    batch_size: int
    train_from: str

    @property
    def network(self) -> tuple[Any, ...]:
        """What workloads of one network have in common."""
        return astuple(self)[:6]


@dataclass(frozen=True)
class Timing:
    """Seconds of the pieces of a training.

    Attributes:
        step: of an optimizer step.
        trace: until the first step begins, once in each phase.
        predict: of one whole ECG.
        predict_begin: of what begins and ends the prediction of a split, once in each epoch.
        predict_trace: until the first prediction begins.
        build: of a new network.
        save: of a checkpoint.
        between: the least from one checkpoint to the next; each phase ends with one.
        parameters: all numbers of the network.
        measured: whether training steps were timed; else they are judged by the predictions.
    """

    step: float
    trace: float
    predict: float
    predict_begin: float
    predict_trace: float
    build: float
    save: float
    between: float
    parameters: int
    measured: bool


def workloads_of(recipe: Recipe) -> tuple[Workload, ...]:
    """What a run's training steps are like, phase by phase."""
    settings, samples = recipe.training, stored_length(recipe.data)
    crop = settings.augment.crop
    return tuple(
        Workload(
            backbone=recipe.model.backbone,
            head=recipe.model.head,
            num_samples=samples,
            num_leads=len(stored_leads(recipe.data)),
            precision=settings.precision,
            deterministic=settings.deterministic,
            step_samples=samples if crop is None else round(crop * recipe.data.sampling_rate),
            batch_size=settings.batch_size,
            train_from=phase.train_from,
        )
        for phase in settings.phases
    )
