"""Everything a report reads: the files of a run, and those of its baseline where they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.config import TUNABLE, Recipe, compose, load_recipe
from ecg_keras.data import Dataset, describe, read_dataset, read_shards
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Comparison, Predictions, Scores, is_same_test
from ecg_keras.report.plots import History
from ecg_keras.report.shown_ecgs import Stored
from ecg_keras.statistics import Seeds, read_seeds
from ecg_keras.training import (
    Guarded,
    Run,
    Tuned,
    read_guarded,
    read_log,
    read_trained_settings,
    read_tuned,
)

LOGGED = ("epoch", "phase", "loss", "val_loss", "val_macro_auroc", "val_macro_auprc")


@dataclass(frozen=True, eq=False)
class RunFiles:
    """What the files of a run say; what it may lack is nothing or empty."""

    run: Run
    recipe: Recipe
    trained: Recipe  # with the network and training of the candidate that was chosen
    recipe_text: str
    dataset: Dataset
    status: Mapping[str, Any]
    scores: Scores
    test: Predictions
    history: History | None
    environment: Mapping[str, Any]
    guarded: Guarded | None  # what the leakage guard found
    tuned: Tuned | None
    seeds: Seeds | None  # trainings with other seeds
    anomalies: tuple[str, ...]  # that the check of the data found
    remarks: tuple[str, ...]  # what that check did not look at
    comparison: Comparison | None
    baseline_test: Predictions | None
    baseline_history: History | None
    baseline_tuned: Tuned | None

    @property
    def same_test(self) -> tuple[Predictions, ...]:
        """The predictions of the run, and those of its baseline where they are of the same ECGs."""
        other = self.baseline_test
        if other is None or not is_same_test(self.test, other):
            return (self.test,)
        return self.test, other


def read_run(folder: Path) -> RunFiles:
    """Reads a run that was trained and evaluated."""
    run = Run(folder)
    for path in (run.recipe, run.dataset, run.status, run.predictions("test"), run.scores):
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such file, and a report needs it. Run the `ecg-keras train` "
                "command that began this run once more."
            )
    status = run.read_status()
    scores = Scores.load_json(run.scores)
    test = Predictions.load(run.predictions("test"))
    if tuple(scores.labels) != tuple(test.labels) or set(scores.thresholds) != set(test.labels):
        raise DataError(
            f"{run.scores}: has the labels {', '.join(scores.labels)}, and the predictions have "
            f"{', '.join(test.labels)}. Remove {run.scores} and run `ecg-keras train` again."
        )
    comparison = Comparison.load_json(run.comparison) if run.comparison.is_file() else None
    baseline = (
        Run(run.read_place("baseline_run")) if comparison and "baseline_run" in status else None
    )
    recipe = load_recipe(run.recipe).recipe
    return RunFiles(
        run=run,
        recipe=recipe,
        trained=_trained(run, recipe),
        recipe_text=run.recipe.read_text(encoding="utf-8"),
        dataset=read_dataset(run.dataset),
        status=status,
        scores=scores,
        test=test,
        history=_history(run, status),
        environment=run.read_environment(),
        guarded=read_guarded(run),
        tuned=read_tuned(run),
        seeds=_read_seeds(run),
        anomalies=tuple(status.get("anomalies", ())),
        remarks=tuple(status.get("remarks", ())),
        comparison=comparison,
        baseline_test=_baseline_predictions(baseline, test),
        baseline_history=_history(baseline, baseline.read_status()) if baseline else None,
        baseline_tuned=read_tuned(baseline) if baseline else None,
    )


def _trained(run: Run, recipe: Recipe) -> Recipe:
    """The recipe with what the chosen candidate changes of it, where the run was tuned."""
    settings = read_trained_settings(run) if recipe.tune is not None else None
    if settings is None:
        return recipe
    chosen = {key: settings[key] for key in TUNABLE if key in settings}
    with suppress(ConfigError):  # settings of a version that had other keys
        plain = recipe.model_dump(mode="json", by_alias=True)
        return compose([plain, chosen, {"tune": None}], str(run.status))
    return recipe


def _read_seeds(run: Run) -> Seeds | None:
    """Those of the very scores that are there; older ones are of other settings."""
    if not run.seeds.is_file():
        return None
    found = read_seeds(run.seeds)
    return found if found.mark == run.read_status().get("evaluated") else None


def read_ecgs(
    files: RunFiles, record_ids: Sequence[str], shards: Path | None
) -> tuple[Mapping[str, Stored], str | None]:
    """The stored test ECGs with these ids; without them, the reason why there are none.

    They are in ``shards``, which must be those of the run, or where the run was trained from.
    """
    try:
        folder = shards or files.run.read_place("shards")
        found = describe(folder)
        if found.fingerprint != files.dataset.fingerprint:
            raise DataError(
                f"{folder}: holds another dataset than the run was trained on. Run `ecg-keras "
                "prepare` with the run's recipe.yaml."
            )
        stored = read_shards(folder, "test", record_ids)
        return {one.record_id: (one, files.dataset) for one in stored}, None
    except DataError as error:
        if shards is not None:
            raise
        return {}, str(error)


def _history(run: Run, status: Mapping[str, Any]) -> History | None:
    rows = read_log(run.log)
    if not rows:
        return None
    try:
        columns = {
            name: np.array([float(row.get(name) or "nan") for row in rows]) for name in LOGGED
        }
    except ValueError as error:
        raise DataError(f"{run.log}: not a log of `ecg-keras train`: {error}.") from error
    return History(columns, status.get("best_epoch"))


def _baseline_predictions(baseline: Run | None, test: Predictions) -> Predictions | None:
    """Those of the baseline, if they are of the same labels; it may have moved since."""
    if baseline is None or not baseline.predictions("test").is_file():
        return None
    theirs = Predictions.load(baseline.predictions("test"))
    return theirs if tuple(theirs.labels) == tuple(test.labels) else None
