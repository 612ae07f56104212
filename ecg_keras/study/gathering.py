"""`gather`: from a study's finished runs to everything that it says."""

from __future__ import annotations

from collections.abc import Callable

from ecg_keras import models
from ecg_keras.config import dump_recipe
from ecg_keras.errors import DataError, listed
from ecg_keras.statistics import FEWEST_SEEDS, Compared, Control, StudyResult, findings, headline
from ecg_keras.study.arm_contrasts import (
    compare_arms,
    compare_controls,
    doubt_seeds,
    doubt_upstreams,
    find_shifts,
    logged_column,
    resampling_of,
    score_arm,
    without_convergence,
)
from ecg_keras.study.arm_curves import find_curves, find_interactions, keep_ledger
from ecg_keras.study.cells import StudyPlan
from ecg_keras.study.finished import FinishedArms, FinishedCell, read_arms
from ecg_keras.study.state import Snapshot, snapshot
from ecg_keras.study.study_arm import LOGGED, StudyArm
from ecg_keras.study.upstreams import (
    describe_datasets,
    find_skew,
    list_anomalies,
    list_leaks,
    list_remarks,
    rank_upstreams,
)
from ecg_keras.study.who_gains import add_gains


def gather(
    plan: StudyPlan, *, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> StudyResult:
    """Everything that the finished runs of a study say.

    Args:
        plan: of `list_cells`; cells that are not finished are counted and left out.
        on_progress: called with how many upstreams were looked at and how many there are, which
            takes longest.

    Returns:
        Plain values, of which `ecg_keras.report.write_study` makes the page.

    Raises:
        DataError: no run is finished, or a file of one is damaged.

    Example:
        >>> result = gather(list_cells(load_study("recipes/studies/quick.yaml")))
    """
    study, question = plan.loaded.study, plan.loaded.study.question
    judged = study.judged_protocol
    finished, notes = read_arms(plan)
    if not finished:
        raise DataError(
            f"{plan.folder}: no arm of the study is finished. Run `ecg-keras study` with "
            f"{plan.loaded.path} first."
        )
    # one for all arms: curves of several scores can't be compared
    column = logged_column(question, list(finished.values()))
    results = {name: score_arm(arm, question, column) for name, arm in finished.items()}
    # controls are compared with what they control, and with nothing else
    arms = {name: arm for name, arm in finished.items() if name.mode in study.modes}
    controls = compare_controls(finished, judged, study)
    comparisons = doubt_upstreams(compare_arms(arms, judged, question, column), controls)
    comparisons, controls = (
        doubt_seeds(comparisons, plan.dependent_seeds),
        doubt_seeds(controls, plan.dependent_seeds),
    )
    curves = find_curves(arms, judged, question)
    families = {name.backbone: models.family_of(name.backbone) for name in arms}
    interactions = find_interactions(arms, judged, question, families)
    ledger = keep_ledger(arms, comparisons)
    skew, unmeasured = find_skew(arms, plan.folder / "skew.json")
    ranked, unranked = rank_upstreams(
        arms,
        comparisons,
        plan.folder / "transferability.json",
        on_progress=on_progress,
        **resampling_of(question),
    )
    state = snapshot(plan)
    done, failed = state.counts["done"], state.counts["failed"]
    result = StudyResult(
        name=plan.loaded.name,
        sentence=headline(comparisons, question.metric),
        question=question.model_dump(mode="json"),
        recipe_text=dump_recipe(study),
        arms=results,
        comparisons=comparisons,
        shifts=find_shifts(arms, study.protocol_changes, question),
        curves=curves,
        interactions=interactions,
        ledger=ledger,
        findings=findings(
            comparisons,
            curves,
            interactions,
            ledger,
            modes={name.mode for name, arm in arms.items() if _trains_the_backbone(arm)},
            train_records={name: arm.train_records or 0.0 for name, arm in finished.items()},
        ),
        transferability=ranked,
        datasets=describe_datasets(arms),
        skew=skew,
        environment=next(iter(finished.values())).runs[0].run.read_environment(),
        cells={"done": done, "failed": failed, "missing": len(plan.cells) - done - failed},
        failures=state.failures,
        controls=controls,
        not_done=(
            *notes,
            *_not_done(plan, state, arms, finished, comparisons),
            *_list_precisions(finished, comparisons, controls),
            *unmeasured,
            *unranked,
        ),
    )
    return add_gains(result, arms, question)


def _trains_the_backbone(arm: StudyArm[FinishedCell]) -> bool:
    """Whether this is fine-tuning or scratch, rather than a linear probe."""
    return any(phase.train_from != "head" for phase in arm.runs[0].recipe.training.phases)


def _list_precisions(
    arms: FinishedArms, comparisons: tuple[Compared, ...], controls: tuple[Control, ...]
) -> tuple[str, ...]:
    """A line where runs that are compared asked their device for the precision, and got several."""
    pairs: tuple[Compared | Control, ...] = (*comparisons, *controls)
    # a tuned run takes over its environment.json, and of its status a part
    found = {
        name: {
            cell.run.read_environment().get("precision")
            for cell in arms[name].runs
            if cell.recipe.training.precision == "auto"
        }
        for name in dict.fromkeys(name for one in pairs for name in (one.arm, one.reference))
    }
    differing = [
        f"{one.arm} and {one.reference}"
        for one in pairs
        if len((found[one.arm] | found[one.reference]) - {None}) > 1
    ]
    if not differing:
        return ()
    return (
        "Runs that are compared computed in different precisions, as training.precision: auto "
        "takes on different devices, which may be part of their difference: "
        f"{listed(differing)}. Set base.training.precision and another folder to train them alike.",
    )


def _not_done(
    plan: StudyPlan,
    state: Snapshot,
    arms: FinishedArms,
    finished: FinishedArms,
    comparisons: tuple[Compared, ...],
) -> tuple[str, ...]:
    """What a reader might look for on the page and does not find, with the reason."""
    study = plan.loaded.study
    lines = []
    unfinished = len(plan.cells) - state.counts["done"]
    if unfinished:
        lines.append(
            f"{unfinished} of {len(plan.cells)} runs are not finished; the same command continues."
        )
    if study.judged_protocol != next(iter(study.protocols)):
        lines.append(
            f"Verdicts and controls are of protocol {study.judged_protocol}: no run of the grid "
            f"is of {next(iter(study.protocols))}, the first of the study."
        )
    if any(len(arm.cells) == 1 for arm in finished.values()):
        lines.append(
            "Some arms have one seed: their intervals are over patients alone, and their verdicts "
            "of these trained networks; how much another training differs needs at least "
            f"{FEWEST_SEEDS} seeds (grid.seeds)."
        )
    made = {arm: one for arm, one in plan.pretrainings.items() if arm.upstream not in plan.given}
    once = [len({*starts.values()}) == 1 for starts in made.values()]
    if any(once):
        which = "Each upstream" if all(once) and not plan.given else "What some arms start from"
        lines.append(
            f"{which} was pre-trained once: how much another pre-training would differ is in no "
            "interval (grid.upstream_seeds)."
        )
    if plan.given:
        lines.append(
            f"Of {listed([*plan.given])} there is one network: how much another pre-training would "
            "differ is in no interval."
        )
    if study.grid.folds is None:
        lines.append(
            "One split into training and test records: the intervals are over test patients, not "
            "over training patients (grid.folds)."
        )
    column = logged_column(study.question, list(finished.values()))
    if comparisons and column != LOGGED.get(study.question.metric):
        lines.append(f"Convergence is shown in {column}, which is logged in every epoch.")
    lines += without_convergence(finished, column)
    return (*lines, *list_anomalies(arms), *list_remarks(arms), *list_leaks(arms))
