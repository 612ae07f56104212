"""The plan: which steps a recipe needs, what is wrong with it, and doing the rest in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ecg_keras import data
from ecg_keras.config import check_different
from ecg_keras.errors import EcgKerasError, raise_together
from ecg_keras.training import check_one_worker
from ecg_keras.workflow.job import Job
from ecg_keras.workflow.makers import MAKERS
from ecg_keras.workflow.step import Step, Watcher

# steps that come before any training
OF_DATA = ("keep", "simulate", "prepare", "validate", "guard")


def make_plan(
    job: Job, *, report: bool = True, tried: bool = False, tested: bool = True
) -> tuple[Step, ...]:
    """The steps of a job in the order in which they run, those of the runs it needs first.

    All data are prepared, and searched for leaks, before the first network is trained.

    Args:
        job: what to make.
        report: whether each run gets its page.
        tried: whether the job is scored on validation, for another to be chosen from it.
        tested: whether it is scored on test.

    Example:
        >>> [step.action for step in make_plan(make_job(load("recipes/quickstart.yaml")))][0]
        'simulate'
    """
    plan: list[Step] = []

    def add(action: str, of: Job, *needs: Step) -> Step:
        plan.append(Step(action, of, MAKERS[action], needs))
        return plan[-1]

    def add_data(of: Job) -> tuple[Step, Step]:
        simulated = (add("simulate", of),) if of.data.simulate is not None else ()
        prepared = add("prepare", of, *simulated)
        return prepared, add("validate", of, prepared)

    guarded: dict[Job, Step] = {}
    validated: dict[Job, Step] = {}

    def add_guard(of: Job, made: tuple[Step, Step] | None = None) -> Step:
        if of.outlives_its_data():
            guarded[of] = add("keep", of)
            return guarded[of]
        upstream = (add_guard(of.upstream),) if of.upstream is not None else ()
        if of.published is not None:  # wrong weights are to be known before data are prepared
            upstream = (add("import", of),)
        made = made or add_data(of)
        prepared, validated[of] = made
        # leaks are looked for whatever validation finds: both are to be known at once
        guarded[of] = add("guard", of, prepared, *upstream)
        if of.baseline is not None:  # which is trained on the same data
            add_guard(of.baseline, made)
        return guarded[of]

    def add_run(of: Job) -> Step:
        if guarded[of].action == "keep":
            return guarded[of]
        upstream = (add_run(of.upstream),) if of.upstream is not None else ()
        ready = (guarded[of], validated[of], *upstream)
        scored = [add("try", one, add("train", one, *ready)) for one in of.candidates.values()]
        trained = add("train", of, *((add("tune", of, *scored),) if scored else ready))
        if tried and of is job:
            add("try", of, trained)
        if not tested:
            return trained
        evaluated = add("evaluate", of, trained)
        if of.baseline is not None:
            evaluated = add("compare", of, evaluated, add_run(of.baseline))
        if of.recipe.export:
            add("export", of, trained)
        return add("report", of, evaluated) if report else evaluated

    add_guard(job)
    add_run(job)
    return tuple(plan)


def run_plan(plan: Iterable[Step], watcher: Watcher | None = None) -> None:
    """Does what is not done yet, in order; a step that fails stops the plan.

    What stops the preparation of data, or is found in them, is reported together before the first
    training: of all datasets, not one after the other. What was finished stays, so the same plan
    resumes where it stopped.

    Raises:
        ConfigError, DataError: what `find_problems` finds, before anything is made; or what the
            steps raise.
    """
    watcher = watcher or Watcher()
    steps = tuple(plan)
    raise_together(find_problems(steps))
    found: list[EcgKerasError] = []
    stopped: set[Step] = set()
    for step in steps:
        if step.action not in OF_DATA:
            raise_together(found)
        if stopped.intersection(step.needs):
            stopped.add(step)
            continue
        try:
            _do(step, watcher)
        except EcgKerasError as error:
            watcher.failed(step)
            found.append(error)
            stopped.add(step)
            if step.action not in OF_DATA:
                raise
    raise_together(found)


def make_alone(job: Job, *actions: str) -> None:
    """Does some actions of a job and no others, as far as their products are not there and fresh.

    Args:
        job: whose shards, and the runs that it needs, are there.
        actions: such as ``"guard"`` and ``"train"``, in their order.
    """
    for action in actions:
        step = Step(action, job, MAKERS[action])
        if not step.is_done():
            step.make(Watcher())


def _do(step: Step, watcher: Watcher) -> None:
    if step.is_done():
        watcher.reused(step)
        return
    watcher.begun(step)
    begun = time.perf_counter()
    step.make(watcher)
    watcher.ended(step, time.perf_counter() - begun)


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
            found += _catch(step.job.check_first)
            if any(one.action == "prepare" and _is(one.is_ready) for one in step.needs):
                found += _catch(step.job.check_groups)
        elif step.action == "train" and not _is(step.is_done):
            found += [*_catch(step.job.check_weights), *check_trials_of(step.job)]
    unprepared = [step for step in steps if step.action == "prepare" and not _is(step.is_ready)]
    for step in unprepared:
        found += check_data(step.job, tables=tables or len(unprepared) > 1)
    # the guard and the training may find the same
    return tuple({str(one): one for one in found}.values())


def check_weights_of(job: Job) -> tuple[EcgKerasError, ...]:
    """What is wrong with the first weights of a recipe, where they are a file or run that is here.

    Example:
        >>> check_weights_of(make_job(load("recipes/ludb_scratch.yaml")))
        ()
    """
    initialise = job.recipe.initialise
    there = initialise is not None and Path(initialise.from_).exists()
    return tuple(_catch(job.check_weights)) if there else ()


def check_trials_of(job: Job) -> tuple[EcgKerasError, ...]:
    """What is wrong with the candidates of a recipe that is not trained yet.

    Example:
        >>> check_trials_of(make_job(load("recipes/ludb_scratch.yaml")))
        ()
    """
    trials = {name: one.recipe for name, one in job.candidates.items()}
    found = tuple(_catch(lambda: check_different(trials, str(job.loaded.path))))
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
