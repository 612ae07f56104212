"""`gather_files`: what a folder of predictions made elsewhere says, as of a study's own runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ecg_keras import models
from ecg_keras.config import FileStudy, Question, dump_recipe
from ecg_keras.errors import ConfigError, DataError, listed
from ecg_keras.files import sha256_of
from ecg_keras.statistics import ArmName, ArmResult, StudyResult, findings, headline
from ecg_keras.study.arm_contrasts import (
    compare_arms,
    logged_column,
    reference_of,
    score_arm,
)
from ecg_keras.study.arm_curves import find_curves, find_interactions
from ecg_keras.study.prediction_files import PROTOCOL, GivenNetwork, family_of, list_networks
from ecg_keras.study.study_arm import StudyArm
from ecg_keras.study.who_gains import add_gains


def gather_files(
    folder: str | Path,
    settings: FileStudy,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> StudyResult:
    """Everything that predictions made elsewhere say together: verdicts, curves, findings.

    Args:
        folder: of the files, see `list_networks`.
        settings: the question.
        on_progress: called with the arms that are scored, and how many there are.

    Returns:
        Plain values, of which `ecg_keras.report.write_study` makes the page.

    Raises:
        ConfigError: no file is of the reference mode, or the reference starts from an upstream.
        DataError: a path or a file is wrong, no way of training has a whole seed, or none can be
            compared with the reference.

    Example:
        >>> from ecg_keras.config import FileStudy
        >>> result = gather_files("theirs", FileStudy())
    """
    folder, question = Path(folder), settings.question
    networks = list_networks(folder)
    _check_reference(folder, networks, question)
    arms, notes, missing = group_networks(networks)
    if not arms:
        raise DataError(f"{folder}: no seed of any way of training has all folds. {notes[0]}")
    alone = _alone(arms, question)
    if len(alone) + sum(name.mode == question.reference for name in arms) == len(arms):
        why = alone[0] if alone else f"All files are of mode {question.reference}, the reference."
        raise DataError(f"{folder}: nothing can be compared. {why}")
    column = logged_column(question, list(arms.values()))
    results: dict[ArmName, ArmResult] = {}
    for name, arm in arms.items():
        on_progress(len(results), len(arms))
        results[name] = score_arm(arm, question, column)
    comparisons = compare_arms(arms, PROTOCOL, question, column)
    curves = find_curves(arms, PROTOCOL, question)
    interactions = find_interactions(
        arms, PROTOCOL, question, {**models.FAMILIES, **family_of(networks)}
    )
    sizes = {name: one.train_records for name, one in results.items()}
    result = StudyResult(
        name=folder.resolve().name,
        sentence=headline(comparisons, question.metric),
        question=question.model_dump(mode="json"),
        recipe_text=_list_files(folder, settings, networks),
        arms=results,
        comparisons=comparisons,
        shifts=(),
        curves=curves,
        interactions=interactions,
        ledger=(),
        findings=findings(
            comparisons,
            curves,
            interactions,
            (),
            train_records={name: size for name, size in sizes.items() if size is not None},
        ),
        transferability=(),
        datasets={},
        skew={},
        environment={},
        cells={"done": len(networks), "failed": 0, "missing": missing},
        failures=(),
        not_done=(
            "The predictions were made elsewhere: whether a test ECG or its patient was trained "
            "on, and how epochs and settings were chosen, was not looked at.",
            *notes,
            *alone,
            *_limits(arms),
        ),
        elsewhere=True,
    )
    if question.subgroup_table is None and question.subgroups == Question().subgroups:
        return result  # nobody asked for groups, and predictions know of none
    return add_gains(result, arms, question)


def group_networks(
    networks: Sequence[GivenNetwork],
) -> tuple[dict[ArmName, StudyArm[GivenNetwork]], tuple[str, ...], int]:
    """Networks as arms, a line for each seed that is left out, and how many files these lack.

    A seed counts once it has every fold that its downstream has.
    """
    folds: dict[str, set[int]] = defaultdict(set)
    points: dict[ArmName, dict[int, dict[int, GivenNetwork]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for one in networks:
        folds[one.arm.downstream].add(one.fold)
        points[one.arm][one.seed][one.fold] = one
    arms, notes, missing = {}, [], 0
    for name, seeds in points.items():
        complete = {}
        for seed, found in seeds.items():
            lacking = sorted(folds[name.downstream] - set(found))
            if not lacking:
                complete[seed] = tuple(found[fold] for fold in sorted(found))
                continue
            missing += len(lacking)
            numbers = ", ".join(map(str, lacking))
            notes.append(f"{name}: seed {seed} is left out, because fold {numbers} is not there.")
        if complete:
            arms[name] = StudyArm(name, complete)
    return arms, tuple(notes), missing


def _check_reference(folder: Path, networks: Sequence[GivenNetwork], question: Question) -> None:
    modes = list(dict.fromkeys(one.arm.mode for one in networks))
    if question.reference not in modes:
        raise ConfigError(
            f"{folder}: no file is of mode {question.reference}, the reference. Modes: "
            f"{listed(modes)}. Name one with --set question.reference=MODE."
        )
    for one in networks:
        if one.arm.mode == question.reference and one.arm.upstream:
            raise ConfigError(
                f"{one.path}: the reference mode, {question.reference}, starts from no upstream. "
                f"Leave upstream={one.arm.upstream} out of its path, or call the mode another name."
            )


def _alone(arms: Mapping[ArmName, StudyArm[GivenNetwork]], question: Question) -> tuple[str, ...]:
    """The arms that nothing can be compared with, and why."""
    lines = []
    for name, arm in arms.items():
        reference = reference_of(name, question)
        if name == reference:
            continue
        if reference not in arms:
            lines.append(f"{name}: not compared, because there is no {reference}.")
        elif not set(arm.cells) & set(arms[reference].cells):
            lines.append(f"{name}: not compared, because {reference} has none of its seeds.")
    return tuple(lines)


def _limits(arms: Mapping[ArmName, StudyArm[GivenNetwork]]) -> Iterator[str]:
    """What the intervals and decisions do not hold."""
    runs = [one for arm in arms.values() for one in arm.runs]
    fixed = sum(one.valid is None for one in runs)
    if fixed:
        yield (
            f"F1 and decisions are at threshold 0.5 in {fixed} of {len(runs)} networks, which have "
            "no predictions of split=valid."
        )
    if any(len(arm.cells) == 1 for arm in arms.values()):
        yield (
            "Some arms have one seed: their intervals are over patients alone, and say nothing of "
            "how much another training differs."
        )
    if len({one.fold for one in runs}) == 1:
        yield (
            "One split into training and test records: the intervals are over test patients, not "
            "over training patients."
        )


def _list_files(folder: Path, settings: FileStudy, networks: Sequence[GivenNetwork]) -> str:
    """The question, and each file with the sha256 of its content."""
    paths = [path for one in networks for path in (one.path, one.valid) if path is not None]
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}" for path in paths]
    question = dump_recipe(settings.model_copy(update={"folder": None}))
    return "\n".join([question.rstrip(), "", *lines, ""])
