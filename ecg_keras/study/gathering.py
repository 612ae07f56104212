"""`gather`: from a study's finished runs to everything that it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecg_keras import models
from ecg_keras.config import dump_recipe
from ecg_keras.errors import DataError
from ecg_keras.files import read_json
from ecg_keras.statistics import FEWEST_SEEDS, ArmResult, Compared, StudyResult, findings, headline
from ecg_keras.study.arm_ledger import keep_ledger
from ecg_keras.study.arms import DEFAULT_LOGGED, LOGGED, StudyArm, read_arms
from ecg_keras.study.cells import StudyPlan
from ecg_keras.study.comparing import (
    Arms,
    compare_arms,
    compare_controls,
    find_curves,
    find_interactions,
    find_shifts,
    score_arm,
)
from ecg_keras.study.diagnosing import doubt_upstreams
from ecg_keras.study.state import Snapshot, snapshot
from ecg_keras.study.upstreams import (
    describe_datasets,
    find_skew,
    rank_upstreams,
    tell_anomalies,
    tell_leaks,
    tell_remarks,
)


def gather(
    plan: StudyPlan, *, on_progress: Callable[[int, int], None] | None = None
) -> StudyResult:
    """Everything that the finished runs of a study say.

    Args:
        plan: of `list_cells`; cells that are not finished are counted and left out.
        on_progress: hears how many upstreams of how many were looked at, which takes longest.

    Raises:
        DataError: no run is finished, or a file of one is damaged.

    Example:
        >>> result = gather(list_cells(load_study("recipes/studies/quick.yaml")))
    """
    study, question = plan.loaded.study, plan.loaded.study.question
    first = next(iter(study.protocols))
    finished, notes = read_arms(plan)
    if not finished:
        raise DataError(
            f"{plan.folder}: no arm of the study is finished. Run `ecg-keras study` with "
            f"{plan.loaded.path} first."
        )
    results = {name: score_arm(arm, question) for name, arm in finished.items()}
    # controls are compared with what they control, and with nothing else
    arms = {name: arm for name, arm in finished.items() if name.mode in study.modes}
    controls = compare_controls(finished, first, study)
    comparisons = doubt_upstreams(compare_arms(arms, first, question), controls)
    curves = find_curves(arms, first, question)
    families = {name.backbone: models.family_of(name.backbone) for name in arms}
    interactions = find_interactions(arms, first, question, families)
    ledger = keep_ledger(arms, comparisons)
    skew, unmeasured = find_skew(arms, plan.folder / "skew.json")
    state = snapshot(plan)
    return StudyResult(
        name=plan.loaded.name,
        sentence=headline(comparisons, question.metric),
        question=question.model_dump(mode="json"),
        recipe_text=dump_recipe(study),
        arms=results,
        comparisons=comparisons,
        shifts=find_shifts(arms, tuple(study.protocols), question),
        curves=curves,
        interactions=interactions,
        ledger=ledger,
        findings=findings(
            comparisons,
            curves,
            interactions,
            ledger,
            modes={name.mode for name, arm in arms.items() if _trains_the_backbone(arm)},
            train_records={name: result.train_records for name, result in results.items()},
        ),
        transferability=rank_upstreams(
            arms,
            comparisons,
            plan.folder / "transferability.json",
            level=question.level,
            bootstrap=question.bootstrap,
            seed=question.seed,
            on_progress=on_progress,
        ),
        datasets=describe_datasets(arms),
        skew=skew,
        environment=_environment(next(iter(finished.values()))),
        cells={
            "done": state.counts.get("done", 0),
            "failed": state.counts.get("failed", 0),
            "missing": sum(
                number for kind, number in state.counts.items() if kind not in ("done", "failed")
            ),
        },
        failures=state.failures,
        controls=controls,
        not_done=(*notes, *_not_done(plan, state, arms, results, comparisons), *unmeasured),
    )


def _trains_the_backbone(arm: StudyArm) -> bool:
    """Whether this is fine-tuning or scratch, rather than a linear probe."""
    return any(phase.train_from != "head" for phase in arm.runs[0].recipe.training.phases)


def _environment(arm: StudyArm) -> Mapping[str, Any]:
    path = arm.runs[0].run.environment
    if not path.exists():
        return {}
    return read_json(path, "environments", dict, "Remove it: a page needs none.")


def _not_done(
    plan: StudyPlan,
    state: Snapshot,
    arms: Arms,
    results: Mapping[Any, ArmResult],
    comparisons: tuple[Compared, ...],
) -> tuple[str, ...]:
    """What a reader might look for on the page and does not find, with the reason."""
    study = plan.loaded.study
    lines = []
    unfinished = sum(number for kind, number in state.counts.items() if kind != "done")
    if unfinished:
        lines.append(
            f"{unfinished} of {len(plan.cells)} runs are not finished; the same command continues."
        )
    seeds = {result.seeds for result in results.values()}
    if 1 in seeds:
        lines.append(
            "Some arms have one seed: their intervals are over patients alone, and their verdicts "
            "of these trained networks; how much another training differs needs at least "
            f"{FEWEST_SEEDS} seeds (grid.seeds)."
        )
    if len(study.grid.upstream_seeds) == 1 and study.upstreams:
        lines.append(
            "Each upstream was pre-trained once: how much another pre-training would differ is in "
            "no interval (grid.upstream_seeds)."
        )
    if study.grid.folds is None:
        lines.append(
            "One split into training and test records: the intervals are over test patients, not "
            "over training patients (grid.folds)."
        )
    if comparisons and study.question.metric not in LOGGED:
        lines.append(f"Convergence is shown in {DEFAULT_LOGGED}, which is logged in every epoch.")
    return (*lines, *tell_anomalies(arms), *tell_remarks(arms), *tell_leaks(arms))
