"""The plan: which steps a recipe needs, and doing those that are not done yet in order."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ecg_keras.errors import EcgKerasError, raise_together
from ecg_keras.workflow.job import Job
from ecg_keras.workflow.makers import MAKERS
from ecg_keras.workflow.plan_problems import find_problems
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
