"""What is known to go wrong with a plan before anything of it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from ecg_keras import data
from ecg_keras.errors import EcgKerasError
from ecg_keras.training import check_one_worker
from ecg_keras.workflow.job import Job
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
            found += _catch(step.job.check_first)
        elif step.action == "train" and not _is(step.is_done):
            found += _catch(step.job.check_weights)
    unprepared = [step for step in steps if step.action == "prepare" and not _is(step.is_ready)]
    for step in unprepared:
        found += check_data(step.job, tables=tables or len(unprepared) > 1)
    return tuple(found)


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
