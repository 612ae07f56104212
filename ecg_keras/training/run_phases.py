"""One phase of a run: its records, its callbacks, and its fit from where it was stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from ecg_keras import data
from ecg_keras.config import Phase, Recipe, run_settings
from ecg_keras.keras_library import keras
from ecg_keras.training.checkpoint import Checkpoint, Progress, restore
from ecg_keras.training.choices import make_callbacks
from ecg_keras.training.epoch_callbacks import RunLog
from ecg_keras.training.fitting import compile_phase, fit, fit_ridge
from ecg_keras.training.run import Run
from ecg_keras.training.validation_scores import ValidationScores


@dataclass(frozen=True)
class RunWork:
    """What all phases of a run have in common: its settings, records and callbacks."""

    recipe: Recipe
    dataset: data.Dataset
    shards: Path
    run: Run
    left_out: Mapping[str, tuple[str, ...]]
    callbacks: Sequence[keras.callbacks.Callback]

    @property
    def records(self) -> int:
        """How many are trained on."""
        records = self.dataset.splits["train"].records - len(self.left_out["train"])
        return min(self.recipe.data.train_records or records, records)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.records / self.recipe.training.batch_size)

    @property
    def subset(self) -> dict[str, Any]:
        """Which of the training records are used, as `data.load` takes it."""
        settings = self.recipe
        return {
            "train_records": settings.data.train_records,
            "subset": settings.data.subset,
            "seed": settings.training.seed,
            "left_out": self.left_out["train"],
        }

    def load_valid(self) -> tf.data.Dataset[Any]:
        split = self.recipe.training.validate_on
        left_out = self.left_out.get(split, ())
        size = self.recipe.training.batch_size
        return data.load(self.shards, split, batch_size=size, left_out=left_out)

    def list_callbacks(
        self, model: keras.Model, phase: int, checkpoint: Checkpoint
    ) -> list[keras.callbacks.Callback]:
        """In the order of their calls: scores first, then what logs and saves them."""
        valid, labels, run = self.load_valid(), self.dataset.labels, self.run
        given = {
            "valid": valid,
            "labels": labels,
            "model": model,
            "path": run.folder / "run_log.csv",
            "folder": run.folder,
            "tensorboard": run.tensorboard,
            "settings": run_settings(self.recipe),
            "sampling_rate": self.dataset.sampling_rate,
        }
        return [
            ValidationScores(valid, labels, model=model),
            *make_callbacks(self.recipe.training, **given),
            RunLog(run.log, phase=phase),
            checkpoint,
            keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False),
            *self.callbacks,
        ]

    def load_train(self, epochs: range) -> tf.data.Dataset[Any]:
        return data.load(
            self.shards,
            "train",
            batch_size=self.recipe.training.batch_size,
            shuffle=True,
            augment=self.recipe.training.augment,
            epochs=epochs,
            # the order depends on it, and not on what is free where the run resumes
            cache="unchecked" if self.run.read_status()["in_memory"] else False,
            **self.subset,
        )


def fit_phase(
    model: keras.Model, work: RunWork, phase: Phase, number: int, progress: Progress | None
) -> Progress:
    """Trains one phase, from where it was stopped."""
    settings, run = work.recipe.training, work.run
    resumed = progress is not None and progress.phase == number
    done = progress.epoch if progress else 0
    begun = progress.phase_begun if progress is not None and resumed else done
    epochs = range(done, begun + phase.epochs)

    ridge = phase.fit == "ridge"
    crop = None if ridge else settings.augment.crop  # the embeddings are of whole ECGs
    if progress is not None and not resumed:  # a new phase has a new optimizer
        restore(model, run.checkpoints, progress)
    fitted = compile_phase(
        model,
        settings,
        phase,
        steps_per_epoch=work.steps_per_epoch,
        num_samples=None if crop is None else round(crop * work.dataset.sampling_rate),
    )
    if progress is not None and resumed:
        # earlier versions did not scale the loss of float16 on crops and on several devices
        earlier = "precision" not in run.read_status()
        restore(fitted, run.checkpoints, progress, new_optimizer=earlier)
    checkpoint = Checkpoint(
        run.checkpoints,
        model,
        phase=number,
        phase_begun=begun,
        last_epoch=epochs.stop,
        select=settings.select,
        patience=settings.patience,
        progress=progress,
    )
    called = work.list_callbacks(model, number, checkpoint)
    if ridge:
        chosen = data.training_subset(work.shards, work.dataset, **work.subset)
        fit_ridge(fitted, work.shards, chosen, epoch=done, callbacks=called)
    else:
        fit(
            fitted,
            work.load_train(epochs),
            epochs=epochs,
            steps_per_epoch=work.steps_per_epoch,
            callbacks=called,
        )
    return checkpoint.reached
