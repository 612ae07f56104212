"""Several seeds of one recipe: their jobs, and the verdict over all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecg_keras import evaluation
from ecg_keras.config import LoadedRecipe
from ecg_keras.evaluation import Pair, describe_tuning, read_facts
from ecg_keras.statistics import SeedRow, Seeds, Trained, judge_seeds
from ecg_keras.training import read_tuned
from ecg_keras.workflow.baselines import baseline_recipe
from ecg_keras.workflow.job import Job, make_job
from ecg_keras.workflow.recipes import load


def list_seed_jobs(
    path: str | Path, overrides: Mapping[str, Any] | None = None, seeds: int | None = None
) -> tuple[Job, ...]:
    """The jobs of a recipe, one for each seed; their runs are side by side.

    Baselines have their seeds, or those after the one that the baseline names itself.

    Args:
        path: of the recipe.
        overrides: dotted keys to plain values.
        seeds: how many; ``None`` takes ``evaluation.seeds``.

    Raises:
        ConfigError: as for any recipe.

    Example:
        >>> jobs = list_seed_jobs("recipes/ludb_finetune.yaml", seeds=3)
        >>> [job.run.name for job in jobs]
        ['ludb_finetune', 'ludb_finetune-seed1', 'ludb_finetune-seed2']
    """
    overrides = dict(overrides or {})
    first = load(path, overrides)
    number, begun = seeds or first.recipe.evaluation.seeds, first.recipe.training.seed
    others = (_further(first, overrides, seed) for seed in range(begun + 1, begun + number))
    return tuple(make_job(loaded) for loaded in (first, *others))


def _further(first: LoadedRecipe, overrides: Mapping[str, Any], seed: int) -> LoadedRecipe:
    """The recipe with another seed, of which the baseline has another one than the first one's."""
    overrides = {**overrides, "training.seed": seed}
    loaded = load(first.path, overrides)
    begun, here = (baseline_recipe(one) for one in (first, loaded))
    if begun is not None and here is not None:
        theirs = begun.recipe.training.seed
        if here.recipe.training.seed == theirs:  # a seed of its own, which ours does not reach
            own = theirs + seed - first.recipe.training.seed
            loaded = load(first.path, overrides | {"evaluation.baseline_set.training.seed": own})
    return replace(loaded, variant=f"-seed{seed}")


def compare_seeds(jobs: Sequence[Job]) -> Seeds:
    """The verdict over the finished jobs of several seeds, kept beside the first run.

    Raises:
        DataError: a run is not finished, or they were tested on other records.
    """
    first, settings = jobs[0], jobs[0].recipe.evaluation
    baselines = [job.baseline for job in jobs if job.baseline is not None]
    names = (first.loaded.name, baselines[0].loaded.name if baselines else "")
    found = judge_seeds(
        [*map(_read, jobs)],
        [*map(_read, baselines)],
        names=names,
        metric=settings.metric,
        level=settings.level,
        bootstrap=settings.bootstrap,
        seed=settings.seed,
    )
    if baselines:
        diagnostics = evaluation.diagnose_ways(names, [*map(_pair, jobs, baselines, found.rows)])
        found = replace(found, diagnostics=diagnostics)
        ours, theirs = _settings(first), _settings(baselines[0])
        if ours is not None and theirs is not None:
            beyond = _count_beyond(jobs), _count_beyond(baselines)
            tuned = describe_tuning(names, (ours, theirs), beyond, len(jobs))
        else:
            tuned = evaluation.NO_RATE
        found = replace(found, sentence=f"{found.sentence} {tuned}")
    found = replace(found, mark=str(first.run.read_status()["evaluated"]))
    found.save_json(first.run.seeds)
    return found


def _read(job: Job) -> Trained:
    return Trained(
        job.recipe.training.seed,
        job.run.name,
        evaluation.Predictions.load(job.run.predictions("test")),
        evaluation.Scores.load_json(job.run.scores).thresholds,
    )


def _pair(job: Job, baseline: Job, row: SeedRow) -> Pair:
    facts = read_facts(job.run.folder), read_facts(baseline.run.folder)
    reference = math.nan if row.reference is None else row.reference
    return Pair(facts, (row.score, reference))


def _settings(job: Job) -> int | None:
    """That it was chosen from; ``None`` for a ridge head, which has no rate to tune."""
    tuned = read_tuned(job.run)
    if tuned is not None:
        return tuned.settings
    return None if job.recipe.training.in_closed_form else 0


def _count_beyond(jobs: Sequence[Job]) -> int:
    """Of how many jobs one setting more was tried, beyond the edge of the rates."""
    return sum(tuned.further > 0 for job in jobs if (tuned := read_tuned(job.run)) is not None)
