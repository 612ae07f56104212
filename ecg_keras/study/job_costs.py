"""What the trainings of a recipe will cost: priced as the cells of a study, from the same pilot.

See docs/cost.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ecg_keras.study.cells import Cell, Kind
from ecg_keras.study.costs import OnProgress, StudyEstimate, measure, price
from ecg_keras.study.dataset_sizes import count_of_cells
from ecg_keras.study.state import State
from ecg_keras.workflow import Job, Step

# steps without which a run is not over, as a cell of a study is
OF_A_RUN = ("train", "try", "evaluate")


def estimate_jobs(
    plans: Sequence[Sequence[Step]], on_progress: OnProgress = lambda what, done, total: None
) -> StudyEstimate | None:
    """What the trainings of a recipe will cost: of the upstream, both arms and their candidates.

    The pilot is that of a study, and is kept in ``pilot.json`` beside the runs.

    Args:
        plans: of `ecg_keras.workflow.make_plan`, one for each seed; what several need counts once.
        on_progress: as of `estimate`.

    Returns:
        The cost of each run and of all together; ``None`` where all are over, or none is trained.

    Raises:
        DataError: the pilot's process can't begin.

    Example:
        >>> jobs = list_seed_jobs("recipes/folder_finetune.yaml", {"tune": {}}, seeds=3)
        >>> len(estimate_jobs([make_plan(job) for job in jobs]).costs)
        31
    """
    steps = [step for plan in plans for step in plan if step.action in OF_A_RUN]
    # several seeds need one upstream: in each plan it is another job, of the same run
    jobs = {_name(step.job): step.job for step in steps if step.action == "train"}
    left = {_name(step.job) for step in steps if not step.is_ready()}
    if not left:
        return None
    cells = [_cell(job) for job in jobs.values()]
    states: dict[str, State] = {name: "waiting" if name in left else "done" for name in jobs}
    # other recordings than simulated ones are there: a plan is made of nothing else
    sizes = count_of_cells(cells, {}, partial(on_progress, "counting records"))
    runs = plans[0][-1].job.run.folder.parent
    pilot = measure(cells, sizes, runs, partial(on_progress, "measuring"))
    databases = {name: _database(job) for name, job in jobs.items()}
    return price(cells, databases, sizes, pilot, states)


def _name(job: Job) -> str:
    return str(job.run.folder)


def _database(job: Job) -> str:
    """The source, and the folder of the recordings: two hospitals may be of one source."""
    return f"{job.data.source}, {job.data.raw.name}"


def _cell(job: Job) -> Cell:
    """The run as a cell of a study would be it."""
    kind: Kind = "pretrain" if job.recipe.mode == "pretrain" else "downstream"
    candidates = {name: one.run.folder for name, one in job.candidates.items()}
    before = [] if job.upstream is None else [_name(job.upstream)]
    return Cell(
        name=_name(job),
        kind="candidate" if job.candidate_of is not None else kind,
        arm=None,
        seed=job.recipe.training.seed,
        fold=job.data.split.fold,
        recipe=job.recipe.model_copy(update={"run": job.run.folder}),
        needs=(*before, *map(str, candidates.values())),
        candidates=candidates,
    )
