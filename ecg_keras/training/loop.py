"""`train`: from a recipe and shards to a run folder with the selected model in it."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import tensorflow as tf

from ecg_keras import data, models
from ecg_keras.config import Phase, Recipe
from ecg_keras.files import replacing, write_json
from ecg_keras.keras_library import keras
from ecg_keras.training.callbacks import RunLog
from ecg_keras.training.checkpoint import Checkpoint, Progress, read_progress, restore
from ecg_keras.training.device import (
    choose_precision,
    make_repeatable,
    make_strategy,
    use_precision,
)
from ecg_keras.training.guarded import records_left_out
from ecg_keras.training.leakage import guard
from ecg_keras.training.mirrored import Mirrored, padded
from ecg_keras.training.optimizers import make_optimizer
from ecg_keras.training.places import seen_from
from ecg_keras.training.ridge_head import fit_ridge
from ecg_keras.training.run import Run, alone, describe_environment
from ecg_keras.training.upstream import check_upstream
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
    """Trains a recipe's network, or goes on with a run that was stopped.

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
        check_upstream(upstream, dataset, keep_head=recipe.initialise.head == "keep")
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
    mean = std = None
    if recipe.model.scaling == "standardise":
        mean, std = data.signal_statistics(
            shards,
            train_records=recipe.data.train_records,
            seed=recipe.training.seed,
            subset=recipe.data.subset,
            left_out=left_out,
        )
    backbone = models.find_backbone(recipe.model.backbone)(
        num_samples=dataset.num_samples,
        num_leads=len(dataset.leads),
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
    with strategy.scope(), use_precision(precision):
        model = build_model(recipe, dataset, shards, records_left_out(run, "train"))
        if progress is None and upstream is not None:
            begin = recipe.initialise
            models.load_backbone(model, upstream, head=begin.head, scaling=begin.scaling)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_variables)
    run.write_status(
        state="training", shards=seen_from(run.folder, shards), num_parameters=trainable
    )
    begun = time.perf_counter()
    earlier = run.read_status().get("seconds", 0.0)
    for number, phase in enumerate(settings.phases, start=1):
        if progress is not None and (number, False) < (progress.phase, progress.phase_ended):
            continue
        with strategy.scope():
            progress = _fit_phase(
                model, recipe, phase, number, progress, dataset, shards, run, callbacks
            )
        run.write_status(seconds=round(earlier + time.perf_counter() - begun, 1))
    _finish(run, progress)


def _fit_phase(
    model: keras.Model,
    recipe: Recipe,
    phase: Phase,
    number: int,
    progress: Progress | None,
    dataset: data.Dataset,
    shards: Path,
    run: Run,
    callbacks: Sequence[keras.callbacks.Callback],
) -> Progress:
    settings = recipe.training
    resumed = progress is not None and progress.phase == number
    done = progress.epoch if progress else 0
    begun = progress.phase_begun if resumed else done
    last = begun + phase.epochs
    left_out = {split: records_left_out(run, split) for split in ("train", "valid")}
    records = dataset.splits["train"].records - len(left_out["train"])
    steps = math.ceil(min(recipe.data.train_records or records, records) / settings.batch_size)

    ridge = phase.fit == "ridge"
    crop = None if ridge else settings.augment.crop  # the embeddings are of whole ECGs
    fitted = (
        model if crop is None else models.with_length(model, round(crop * dataset.sampling_rate))
    )
    devices = model.distribute_strategy.num_replicas_in_sync
    if devices > 1:
        fitted = Mirrored(fitted.inputs, fitted.outputs, name=fitted.name)
    models.set_trainable(fitted, from_stage=phase.train_from)
    if progress is not None and not resumed:  # a new phase has a new optimizer
        restore(model, run.checkpoints, progress)
    fitted.compile(
        optimizer=make_optimizer(settings, phase, models.stages(model), steps * phase.epochs),
        loss="binary_crossentropy",
    )
    # before the first step, which Keras would trace twice otherwise
    fitted.optimizer.build(fitted.trainable_variables)
    if resumed:
        restore(fitted, run.checkpoints, progress)

    valid_data = data.load(
        shards,
        settings.validate_on,
        batch_size=settings.batch_size,
        left_out=left_out.get(settings.validate_on, ()),
    )
    checkpoint = Checkpoint(
        run.checkpoints,
        model,
        phase=number,
        phase_begun=begun,
        last_epoch=last,
        select=settings.select,
        patience=settings.patience,
        progress=progress,
    )
    called = [
        ValidationScores(valid_data, dataset.labels, model=model),
        RunLog(run.log, phase=number),
        checkpoint,
        keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False),
        *callbacks,
    ]
    subset = {"train_records": recipe.data.train_records, "subset": recipe.data.subset,
              "seed": settings.seed, "left_out": left_out["train"]}  # fmt: skip
    if ridge:
        chosen = data.training_subset(shards, dataset, **subset)
        fit_ridge(fitted, shards, chosen, epoch=done, callbacks=called)
        return checkpoint.progress
    train_data = data.load(
        shards,
        "train",
        batch_size=settings.batch_size,
        shuffle=True,
        augment=settings.augment,
        epochs=range(done, last),
        **subset,
    )
    if devices > 1:
        train_data = padded(train_data, devices).map(lambda batch, own: (*batch, own))
    fitted.fit(
        train_data,
        initial_epoch=done,
        epochs=last,
        steps_per_epoch=steps,
        verbose=0,
        shuffle=False,
        callbacks=called,
    )
    return checkpoint.progress


def _finish(run: Run, progress: Progress) -> None:
    """Names the selected model ``model.keras`` and drops the checkpoints."""
    with replacing(run.model) as temporary:
        shutil.copyfile(run.checkpoints / progress.best, temporary)
    run.write_status(
        state="trained",
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        best_score=progress.best_score,
    )
    shutil.rmtree(run.checkpoints)
