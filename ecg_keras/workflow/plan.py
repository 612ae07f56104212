"""The plan: which steps a recipe needs, which are done, and doing the rest in order."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ecg_keras.workflow.job import Job
from ecg_keras.workflow.makers import MAKERS
from ecg_keras.workflow.step import Step, Watcher


def make_plan(job: Job, *, report: bool = True) -> tuple[Step, ...]:
    """The steps of a job in the order in which they run, those of the runs it needs first.

    All data are prepared, and searched for leaks, before the first network is trained.

    Args:
        job: what to make.
        report: whether each run gets its page.

    Raises:
        ConfigError, DataError: a step would fail for a reason that is known already; see
            `Job.check_first`.
    """
    plan: list[Step] = []

    def add(action: str, of: Job, *needs: Step) -> Step:
        maker = MAKERS[action]
        step = Step(
            action,
            of,
            product=lambda: maker.product(of),
            needs=needs,
            is_done=lambda: maker.is_done(of),
            make=lambda watcher: maker.make(of, watcher),
        )
        plan.append(step)
        return step

    def add_data(of: Job) -> Step:
        simulated = (add("simulate", of),) if of.data.simulate is not None else ()
        return add("validate", of, add("prepare", of, *simulated))

    guarded: dict[Job, Step] = {}

    def add_guard(of: Job, validated: Step | None = None) -> Step:
        if of.outlives_its_data():
            guarded[of] = add("keep", of)
            return guarded[of]
        of.check_first()
        upstream = (add_guard(of.upstream),) if of.upstream is not None else ()
        validated = validated or add_data(of)
        guarded[of] = add("guard", of, validated, *upstream)
        if of.baseline is not None:  # which is trained on the same data
            add_guard(of.baseline, validated)
        return guarded[of]

    def add_run(of: Job) -> Step:
        if guarded[of].action == "keep":
            return guarded[of]
        upstream = (add_run(of.upstream),) if of.upstream is not None else ()
        trained = add("train", of, guarded[of], *upstream)
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

    What was finished stays, so the same plan goes on where it stopped.
    """
    watcher = watcher or Watcher()
    for step in plan:
        if step.is_done():
            watcher.reused(step)
            continue
        watcher.begun(step)
        begun = time.perf_counter()
        step.make(watcher)
        watcher.ended(step, time.perf_counter() - begun)
