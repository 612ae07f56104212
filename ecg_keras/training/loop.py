"""`train`: from a recipe and shards to a run folder with the selected model in it."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from ecg_keras import data, models
from ecg_keras.config import Recipe
from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.json_files import write_json
from ecg_keras.keras_library import keras
from ecg_keras.signals import lead_weights
from ecg_keras.training.begin import alone, describe_environment
from ecg_keras.training.checkpoint import Progress, read_progress
from ecg_keras.training.device import (
    choose_precision,
    make_repeatable,
    make_strategy,
    own_draws,
    use_precision,
)
from ecg_keras.training.leakage import guard
from ecg_keras.training.prerequisites import check_upstream, decide_memory
from ecg_keras.training.run import Run, read_log, seen_from
from ecg_keras.training.run_phases import RunWork, fit_phase
from ecg_keras.training.seen import records_left_out


def train(
    recipe: Recipe,
    *,
    shards: Path,
    run: Run,
    upstream: Path | None = None,
    upstream_mark: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Trains a recipe's network, or resumes a run that was stopped; one that is trained stays.

    The order in which first weights are looked for: (1) this run's own checkpoint, (2) the
    recipe's ``initialise``, (3) random weights. The `guard` looks at who is in all splits; signals
    and labels are read of the training split and the one that ``training.validate_on`` names.

    Python's and NumPy's global random generators are afterwards as they were. TensorFlow's and
    Keras' seeds are those of the recipe from then on, and where ``training.deterministic`` is true,
    TensorFlow's ops stay deterministic in this process: it offers no way back.

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
    found = guard(recipe, shards=shards, run=run, upstream=upstream, upstream_mark=upstream_mark)
    with alone(run, found.mark):
        # another process may have trained it while this one looked
        if run.read_status()["state"] != "trained" or not run.model.is_file():
            with own_draws():  # a search may draw its next settings from the same generators
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
        if leads != dataset.leads:
            # of one that follows from two others, as if these were independent
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
    progress = read_progress(run.checkpoints)
    status = run.read_status() if progress else {}
    # whatever `auto` would take here: the optimizer's state is that of the precision it began in
    precision = choose_precision(status.get("precision", settings.precision))
    devices = [device.name for device in tf.config.list_logical_devices()]
    write_json(run.environment, describe_environment(precision, devices))

    left_out = {split: records_left_out(run, split) for split in ("train", "valid")}
    work = RunWork(recipe, dataset, shards, run, left_out, callbacks)
    remaining = [
        (number, phase)
        for number, phase in enumerate(settings.phases, start=1)
        if progress is None or (number, False) >= (progress.phase, progress.phase_ended)
    ]
    read = any(phase.fit != "ridge" for _, phase in remaining)
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
        **({"precision": precision} if progress is None else {}),
        # earlier versions shrank all stages alike, which `diagnose` remarks where both are compared
        **({"decays_by_stage": True} if progress is None and settings.decays_by_stage else {}),
    )
    earlier, begun = float(status.get("seconds", 0.0)), time.perf_counter()
    for number, phase in remaining:
        with strategy.scope():
            progress = fit_phase(model, work, phase, number, progress)
        _write_seconds(run, earlier + time.perf_counter() - begun)
    _write_seconds(run, earlier + time.perf_counter() - begun)  # a kill may have come before
    _finish(run, progress)


def _write_seconds(run: Run, known: float) -> None:
    """Notes the time of training: what is known, or, after a kill, what its epochs took."""
    logged = sum(float(row["seconds"]) for row in read_log(run.log))
    run.write_status(seconds=round(max(known, logged), 1))


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
