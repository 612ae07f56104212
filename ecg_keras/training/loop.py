"""`train`: from a recipe and shards to a run folder with the selected model in it."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras import data, models
from ecg_keras.config import Phase, Recipe, run_settings
from ecg_keras.errors import DataError
from ecg_keras.files import replacing, write_json
from ecg_keras.keras_library import keras
from ecg_keras.signals import lead_weights
from ecg_keras.training.begin import alone, describe_environment
from ecg_keras.training.checkpoint import Checkpoint, Progress, read_progress, restore
from ecg_keras.training.choices import make_callbacks
from ecg_keras.training.device import (
    choose_precision,
    make_repeatable,
    make_strategy,
    use_precision,
)
from ecg_keras.training.epoch_callbacks import RunLog
from ecg_keras.training.fitting import compile_phase, fit, fit_ridge
from ecg_keras.training.leakage import guard
from ecg_keras.training.prerequisites import check_upstream, decide_memory
from ecg_keras.training.run import Run, read_log, seen_from
from ecg_keras.training.seen import records_left_out
from ecg_keras.training.validation_scores import ValidationScores


def train(
    recipe: Recipe,
    *,
    shards: Path,
    run: Run,
    upstream: Path | None = None,
    upstream_mark: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Trains a recipe's network, or resumes a run that was stopped.

    The order in which first weights are looked for: (1) this run's own checkpoint, (2) the
    recipe's ``initialise``, (3) random weights. The `guard` looks at who is in all splits; signals
    and labels are read of the training split and the one that ``training.validate_on`` names.

    Args:
        recipe: the settings.
        shards: the folder of the prepared dataset.
        run: the run folder; it may hold an unfinished run of the same settings.
        upstream: for mode finetune, a run folder or ``.keras`` file.
        upstream_mark: what identifies the upstream's content; a run that was begun from other
            weights is refused.
        callbacks: further Keras callbacks.

    Returns:
        The run, with ``model.keras`` in it: the epoch that ``training.select`` names.

    Raises:
        ConfigError: the folder belongs to other settings, or another process trains into it; a
            stage does not exist.
        DataError: the upstream's leads or sampling rate differ; test records are known from
            training records or from the upstream (see `guard`); the loss is no longer finite.

    Example:
        >>> train(recipe, shards=Path("shards/ptbxl"), run=Run(Path("runs/ptbxl_scratch")))
    """
    dataset = data.describe(shards)
    if recipe.initialise is not None and upstream is not None:
        check_upstream(
            upstream,
            dataset,
            keep_head=recipe.initialise.head == "keep",
            leads=recipe.model.preprocessing.leads or dataset.leads,
        )
    guard(recipe, shards=shards, run=run, upstream=upstream, upstream_mark=upstream_mark)
    with alone(run):
        _fit(recipe, dataset, shards, run, upstream, callbacks)
    return run


def build_model(
    recipe: Recipe, dataset: data.Dataset, shards: Path, left_out: Collection[str] = ()
) -> keras.Model:
    """The untrained network of a recipe for a dataset, scaling statistics included.

    Args:
        recipe: the settings.
        dataset: what is in the shards.
        shards: their folder.
        left_out: ids of training records that the network must not know.
    """
    wanted = recipe.model.preprocessing
    leads = wanted.leads or dataset.leads
    mean = std = None
    if recipe.model.scaling == "standardise":
        mean, std = data.signal_statistics(
            shards,
            train_records=recipe.data.train_records,
            seed=recipe.training.seed,
            subset=recipe.data.subset,
            left_out=left_out,
        )
        if (
            leads != dataset.leads
        ):  # of one that follows from two others, as if these were independent
            share = lead_weights(dataset.leads, leads)
            mean, std = mean @ share, np.sqrt(std**2 @ share**2)
    backbone = models.find_backbone(recipe.model.backbone)(
        num_samples=dataset.num_samples,
        num_leads=len(leads),
        head=recipe.model.head,
        seed=recipe.training.seed,
    )
    return models.classifier(
        backbone,
        dataset.labels,
        scaling=recipe.model.scaling,
        mean=mean,
        std=std,
        dropout=recipe.model.dropout,
        seed=recipe.training.seed,
        preprocessing=wanted,
        leads=dataset.leads,
        sampling_rate=dataset.sampling_rate,
    )


def _fit(
    recipe: Recipe,
    dataset: data.Dataset,
    shards: Path,
    run: Run,
    upstream: Path | None,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """All phases of a run that are not over yet."""
    with replacing(run.dataset) as temporary:
        shutil.copyfile(shards / "dataset.json", temporary)

    settings = recipe.training
    make_repeatable(settings.seed, deterministic=settings.deterministic)
    strategy = make_strategy(settings.devices)
    precision = choose_precision(settings.precision)
    devices = [device.name for device in tf.config.list_logical_devices()]
    write_json(run.environment, describe_environment(precision, devices))

    progress = read_progress(run.checkpoints)
    left_out = {split: records_left_out(run, split) for split in ("train", "valid")}
    work = _Work(recipe, dataset, shards, run, left_out, callbacks)
    remaining = [
        (number, phase)
        for number, phase in enumerate(settings.phases, start=1)
        if progress is None or (number, False) >= (progress.phase, progress.phase_ended)
    ]
    read = any(phase.fit != "ridge" for _, phase in remaining)
    status = run.read_status() if progress else None
    in_memory = decide_memory(status, shards, dataset, work.records if read else 0)
    with strategy.scope(), use_precision(precision):
        model = build_model(recipe, dataset, shards, left_out["train"])
        begin = recipe.initialise
        if progress is None and upstream is not None and begin is not None:
            models.load_backbone(model, upstream, head=begin.head, scaling=begin.scaling)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_variables)
    run.write_status(
        state="training",
        shards=seen_from(run.folder, shards),
        num_parameters=trainable,
        in_memory=in_memory,
        # earlier versions shrank all stages alike, which `diagnose` remarks where both are compared
        **({"decays_by_stage": True} if progress is None and settings.decays_by_stage else {}),
    )
    earlier = float(run.read_status().get("seconds", 0.0)) if progress is not None else 0.0
    begun = time.perf_counter()
    for number, phase in remaining:
        with strategy.scope():
            progress = _fit_phase(model, work, phase, number, progress)
        _write_seconds(run, earlier + time.perf_counter() - begun)
    _write_seconds(run, earlier + time.perf_counter() - begun)  # a kill may have come before
    _finish(run, progress)


def _write_seconds(run: Run, known: float) -> None:
    """Notes the time of training: what is known, or, after a kill, what its epochs took."""
    logged = sum(float(row["seconds"]) for row in read_log(run.log))
    run.write_status(seconds=round(max(known, logged), 1))


@dataclass(frozen=True)
class _Work:
    """What all phases of a run have in common."""

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

    def load_valid(self) -> tf.data.Dataset:
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

    def load_train(self, epochs: range) -> tf.data.Dataset:
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


def _fit_phase(
    model: keras.Model, work: _Work, phase: Phase, number: int, progress: Progress | None
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
        restore(fitted, run.checkpoints, progress)
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


def _finish(run: Run, progress: Progress | None) -> None:
    """Names the selected model ``model.keras`` and drops the checkpoints."""
    if progress is None:
        raise DataError(f"{run.folder}: nothing was trained: the recipe has no phase.")
    with replacing(run.model) as temporary:
        shutil.copyfile(run.checkpoints / progress.best, temporary)
    run.write_status(
        state="trained",
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        best_score=progress.best_score,
    )
    shutil.rmtree(run.checkpoints)
