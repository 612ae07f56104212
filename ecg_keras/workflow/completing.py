"""What is made of a trained run beside its scores, also for runs of earlier versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ecg_keras import data, evaluation
from ecg_keras.config import Recipe, load_recipe
from ecg_keras.errors import DataError
from ecg_keras.training import Run, records_left_out
from ecg_keras.workflow.opened import chooser, open_scored
from ecg_keras.workflow.runs import group_scores


def complete_run(folder: str | Path, *, on_note: Callable[[str], None]) -> evaluation.Scores:
    """The scores of a finished run; what an earlier version left out of its folder is added.

    That is its sets of answers, from its predictions; the scores of groups of test records, and the
    reference by which recordings that are unlike its training ECGs are known, from its shards.
    Nothing else changes, and what can't be made is only noted.

    Args:
        folder: the run.
        on_note: called with what was made, or why it was not.

    Raises:
        DataError: there is no finished and scored run.

    Example:
        >>> complete_run("runs/ptbxl_scratch", on_note=print).sets.level  # doctest: +SKIP
        0.9
    """
    run = open_scored(folder)
    recipe = load_recipe(run.recipe).recipe
    scores = evaluation.Scores.load_json(run.scores)
    try:
        if scores.sets is None:
            scores = _add_sets(run, recipe, scores, on_note)
    except (DataError, OSError) as error:
        on_note(f"{folder}: no sets of answers can be added: {error}")
    try:
        if scores.subgroups is None and recipe.evaluation.subgroups:
            scores = _add_groups(run, recipe, on_note)
    except (DataError, OSError) as error:
        on_note(f"{folder}: no scores of groups can be added: {error}")
    try:
        if not run.reference.is_file() and data.read_dataset(run.dataset).splits["valid"].records:
            save_reference(run, recipe, _find_shards(run))
            on_note(f"{run.reference}: made now, by which unlike recordings are known.")
    except (DataError, OSError) as error:
        on_note(f"{folder}: no reference for unlike recordings can be made: {error}")
    return scores


def save_reference(run: Run, recipe: Recipe, shards: Path) -> None:
    """Makes a run's `evaluation.SignalReference`; one that was there and can't be is removed."""
    dataset, settings = data.describe(shards), recipe.data
    left_out = {split: records_left_out(run, split) for split in ("train", "valid")}
    trained_on = data.training_subset(
        shards,
        dataset,
        settings.train_records,
        recipe.training.seed,
        settings.subset,
        left_out["train"],
    )
    reference = evaluation.make_reference(shards, trained_on=trained_on, left_out=left_out["valid"])
    if reference is None:
        run.reference.unlink(missing_ok=True)
    else:
        reference.save(run.reference)


def _add_sets(
    run: Run, recipe: Recipe, scores: evaluation.Scores, on_note: Callable[[str], None]
) -> evaluation.Scores:
    settings, path = recipe.evaluation, run.predictions("valid")
    if settings.conformal is None or chooser(run) != "valid" or not path.is_file():
        return scores
    valid, test = (evaluation.Predictions.load(run.predictions(one)) for one in ("valid", "test"))
    sets = evaluation.fit_sets(valid, level=settings.conformal, by=settings.conformal_by)
    scores = replace(scores, sets=evaluation.measure_sets(sets, test, scores.level))
    scores.save_json(run.scores)
    on_note(f"{run.scores}: sets of answers are added, which its version did not make.")
    return scores


def _add_groups(run: Run, recipe: Recipe, on_note: Callable[[str], None]) -> evaluation.Scores:
    settings = recipe.evaluation
    scores = group_scores(run.folder, settings.subgroups, settings.subgroup_table)
    scores.save_json(run.scores)
    on_note(f"{run.scores}: scores of groups are added, which its version did not make.")
    return scores


def _find_shards(run: Run) -> Path:
    folder = run.read_place("shards")
    if data.describe(folder).fingerprint != data.read_dataset(run.dataset).fingerprint:
        raise DataError(f"{folder}: holds another dataset than the run was trained on.")
    return folder
