"""What is wrong with a plan: all that is known to fail later is found before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from ecg_keras import data
from ecg_keras.config import check_candidates, check_different
from ecg_keras.data import stored_leads
from ecg_keras.errors import DataError, EcgKerasError
from ecg_keras.training import (
    check_databases,
    check_labels,
    check_one_worker,
    check_weights,
    refuse_head,
    seen_databases,
)
from ecg_keras.weights import has_head
from ecg_keras.workflow.first_weights import check_upstream_recipe
from ecg_keras.workflow.grouped import check_columns, check_groups
from ecg_keras.workflow.job import Job
from ecg_keras.workflow.recipe_names import known_labels
from ecg_keras.workflow.step import Step


def find_problems(plan: Iterable[Step], *, tables: bool = False) -> tuple[EcgKerasError, ...]:
    """What is wrong with the settings, first weights, raw folders and tables that a plan needs.

    Also that ``TF_CONFIG`` names several workers, where something is to be trained.

    Args:
        plan: from `make_plan`, or some of its steps.
        tables: whether to list the records of every dataset that is to be prepared. They are listed
            anyway where there are several: `prepare` lists those of the first at once, and those of
            the second only when the first is made.
    """
    steps = tuple(plan)
    found: list[EcgKerasError] = []
    if any(step.action == "train" and not _is(step.is_done) for step in steps):
        found += _catch(check_one_worker)
    for step in steps:
        if step.action == "guard":
            found += _catch(partial(check_first, step.job))
            if any(one.action == "prepare" and _is(one.is_ready) for one in step.needs):
                found += _catch(partial(check_groups_of, step.job))
        elif step.action == "train" and not _is(step.is_done):
            found += [*_catch(partial(check_start, step.job)), *check_trials_of(step.job)]
    unprepared = [step for step in steps if step.action == "prepare" and not _is(step.is_ready)]
    for step in unprepared:
        found += check_data(step.job, tables=tables or len(unprepared) > 1)
    # the guard and the training may find the same
    return tuple({str(one): one for one in found}.values())


def check_first(job: Job) -> None:
    """Refuses, before anything is made, what is known to fail later."""
    if job.upstream is None:
        job.upstream_mark  # noqa: B018  fails where there are no such weights
        weights, published = job.upstream_weights, job.published
        if weights is not None:
            place = weights if published is None else published.path
            seen = seen_databases(weights) if published is None else published.card.seen
            check_databases(job.recipe, place, seen, job.data.source, job.loaded.path)
    else:
        labels = known_labels(job.data), known_labels(job.upstream.data)
        check_upstream_recipe(job.loaded, job.upstream.loaded, labels)
    check_columns(job.recipe.evaluation.subgroups, job.recipe.evaluation.subgroup_table)
    with suppress(DataError):  # what is still to be made fails later
        job.is_trained()


def check_groups_of(job: Job) -> None:
    """Refuses columns that make no groups of the test records, which are prepared."""
    settings = job.recipe.evaluation
    check_columns(settings.subgroups, settings.subgroup_table)
    check_groups(settings.subgroups, settings.subgroup_table, job.shards)


def check_start(job: Job) -> None:
    """Refuses first weights that are there and can't be used, before anything is made."""
    initialise, weights, published = job.recipe.initialise, job.upstream_weights, job.published
    if published is not None and not job.is_imported():
        if job.candidate_of is not None:
            return
        tensors = published.check()
        if initialise is not None and initialise.head == "keep":
            if not has_head(tensors, published.family):
                refuse_head(published.path)
            labels = known_labels(job.data)
            if labels is not None:
                check_labels(published.path, published.card.labels, labels)
    elif initialise is not None and job.upstream is None and weights is not None:
        leads, labels = stored_leads(job.data), known_labels(job.data)
        check_weights(weights, job.recipe, leads=leads, labels=labels)


def check_weights_of(job: Job) -> tuple[EcgKerasError, ...]:
    """What is wrong with the first weights of a recipe, where they are a file or run that is here.

    Example:
        >>> check_weights_of(make_job(load("recipes/ludb_scratch.yaml")))
        ()
    """
    initialise = job.recipe.initialise
    there = initialise is not None and Path(initialise.from_).exists()
    return tuple(_catch(partial(check_start, job))) if there else ()


def check_trials_of(job: Job) -> tuple[EcgKerasError, ...]:
    """What is wrong with the candidates of a recipe that is not trained yet.

    Example:
        >>> check_trials_of(make_job(load("recipes/ludb_scratch.yaml")))
        ()
    """
    trials, where = {name: one.recipe for name, one in job.candidates.items()}, str(job.loaded.path)
    found = (
        *_catch(partial(check_different, trials, where)),
        *_catch(partial(check_candidates, job.recipe, where)),
    )
    return () if _is(job.is_trained) else found


def check_data(job: Job, *, tables: bool = True) -> tuple[EcgKerasError, ...]:
    """What is wrong with the raw folder of a recipe, and with the tables in it.

    Args:
        job: of the recipe. Of a simulation that is still to be made there is nothing to check.
        tables: whether to list the records, too.
    """
    if job.data.simulate is not None:
        return ()
    problems = tuple(_catch(lambda: job.dataset_fingerprint))
    if tables and not problems:
        problems = tuple(_catch(lambda: data.check_tables(job.data)))
    return problems


def _is(made: Callable[[], bool]) -> bool:
    with suppress(EcgKerasError):  # which is found elsewhere
        return made()
    return False


def _catch(check: Callable[[], object]) -> Iterator[EcgKerasError]:
    try:
        check()
    except EcgKerasError as error:
        yield error
