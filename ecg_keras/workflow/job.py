"""`Job`: a recipe with the places of its products and of the runs it needs."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ecg_keras import data
from ecg_keras.config import (
    Candidate,
    Data,
    LoadedRecipe,
    Recipe,
    list_trials,
    run_changes,
    trial,
)
from ecg_keras.errors import DataError
from ecg_keras.files import sha256_of
from ecg_keras.training import Run, check_same_run, is_held, mark_of
from ecg_keras.workflow.baselines import baseline_recipe
from ecg_keras.workflow.first_weights import published_of
from ecg_keras.workflow.places import data_place, known_dataset, place_of
from ecg_keras.workflow.published import ENDINGS, PublishedWeights
from ecg_keras.workflow.recipes import upstream_recipe

RUNS = Path("runs")
# of the part of a run's name that is the name of its data
LONGEST_NAME = 40


@dataclass(frozen=True, eq=False)
class Job:
    """What one recipe makes.

    Attributes:
        loaded: the recipe.
        run: its run folder. Runs that it needs are beside it.
        of: the job whose baseline it is, on the same data.
        candidate_of: the job that it is a candidate of, on the same data and from the same weights.
        tried_in: of each candidate its run folder; none is in ``candidates`` of this one's.
        prepared: the folder of its shards, where they are given and no recordings are needed.
        tried: whether another is chosen from it and others, as from candidates: it may diverge.
    """

    loaded: LoadedRecipe
    run: Run
    of: Job | None = None
    candidate_of: Job | None = None
    tried_in: Mapping[str, Path] = field(default_factory=dict)
    prepared: Path | None = None
    tried: bool = False

    @property
    def recipe(self) -> Recipe:
        return self.loaded.recipe

    @property
    def data(self) -> Data:
        return self.recipe.data

    @cached_property
    def upstream(self) -> Job | None:
        """The job of the recipe that this one is fine-tuned from."""
        if self.candidate_of is not None:
            return self.candidate_of.upstream
        loaded = upstream_recipe(self.loaded)
        return None if loaded is None else make_job(loaded, self.run.folder.parent)

    @cached_property
    def published(self) -> PublishedWeights | None:
        """The file of weights that others published, which this one starts from."""
        return self.candidate_of.published if self.candidate_of else published_of(self.recipe)

    @cached_property
    def imported(self) -> Run | None:
        """The run that the published weights are imported into, made or still to make."""
        if self.candidate_of is not None:
            return self.candidate_of.imported
        runs = self.run.folder.parent
        return None if self.published is None else Run(self.published.place(runs))

    @cached_property
    def baseline(self) -> Job | None:
        """The job that this one is compared with."""
        loaded = baseline_recipe(self.loaded)
        return None if loaded is None else make_job(loaded, self.run.folder.parent, of=self)

    @cached_property
    def candidates(self) -> Mapping[str, Job]:
        """The jobs that this one is chosen from, by name; none where it is not tuned."""
        trials = list_trials(self.recipe, str(self.loaded.path))
        return {name: self._candidate(name, recipe) for name, recipe in trials.items()}

    def further_candidate(self, one: Candidate, share: float | None) -> Job:
        """The job of a candidate with this share of the epochs; ``None`` trains for all of them."""
        recipe = trial(self.recipe, one, str(self.loaded.path), share or 1.0)
        return self._candidate(one.name if share else f"{one.name}, all epochs", recipe)

    def _candidate(self, name: str, recipe: Recipe) -> Job:
        folder = self.tried_in.get(name, self.run.candidates / re.sub(r"[^\w.]+", "_", name))
        return Job(replace(self.loaded, recipe=recipe), Run(folder), candidate_of=self, tried=True)

    @property
    def dataset_fingerprint(self) -> str:
        """Of the shards; the raw files are looked at once, so simulate first."""
        return self._dataset[1]

    @property
    def shards(self) -> Path:
        """The folder of this dataset: its name carries what it was made from."""
        return self._dataset[0]

    @cached_property
    def _dataset(self) -> tuple[Path, str]:
        main = self.of or self.candidate_of
        if main is not None:
            return main._dataset
        if self.prepared is not None:
            return self.prepared, data.describe(self.prepared).fingerprint
        if not self.data.raw.is_dir():
            raise DataError(
                f"{self.loaded.path}: data.raw: there is no folder {self.data.raw}. Say where the "
                "recordings are: --set data.raw=FOLDER, or --set initialise.set.data.raw=FOLDER "
                "for the recipe that this one starts from."
            )
        return data.find_shards(self.data)

    @property
    def upstream_weights(self) -> Path | None:
        """The run folder or file with the first weights; ``None`` for random ones."""
        if self.upstream is not None:
            return self.upstream.run.folder
        if self.imported is not None:
            return self.imported.folder
        initialise = self.recipe.initialise
        return None if initialise is None else Path(initialise.from_)

    @property
    def upstream_mark(self) -> str | None:
        """What identifies the first weights: the run's fingerprint, or the file's sha256."""
        if self.upstream is not None:
            return self.upstream.fingerprint()
        if self.published is not None:
            return self.published.fingerprint
        weights = self.upstream_weights
        if weights is None:
            return None
        status = Run(weights).read_status()
        if status:
            return str(status["fingerprint"])
        if not weights.is_file():
            raise DataError(
                f"{weights}: no run folder and no .keras file. Give initialise.from a recipe "
                "(NAME.yaml), a finished run folder, a .keras file, or published weights with a "
                f"card beside them ({', '.join(ENDINGS)})."
            )
        return sha256_of(weights)

    def fingerprint(self) -> str:
        """Of the run, made or still to make."""
        if self.outlives_its_data():
            return str(self.run.read_status()["fingerprint"])
        return mark_of(
            self.run, self.recipe, dataset=self._known_dataset(), upstream=self.upstream_mark
        )

    def is_trained(self) -> bool:
        """Whether the run is complete; one of other settings in its folder is a `ConfigError`."""
        status = self.run.read_status()
        if not status:
            return False
        check_same_run(
            self.run,
            self.recipe,
            dataset=self._known_dataset(),
            upstream=self.upstream_mark,
        )
        return status["state"] == "trained" and self.run.model.is_file()

    def is_imported(self) -> bool:
        """Whether the published weights that this one starts from are a run already."""
        run, published = self.imported, self.published
        if run is None or published is None:
            return False
        return published.is_made_in(run)

    def outlives_its_data(self) -> bool:
        """Whether a complete run of these settings is there although its raw files are gone."""
        status = self.run.read_status()
        return (
            not self.data.raw.exists()
            and self.data.simulate is None
            and status.get("state") == "trained"
            and not run_changes(status.get("settings", {}), self.recipe)
            and self.run.model.is_file()
            and self._is_of_this_data(status)
        )

    def is_begun_here(self) -> bool:
        """Whether a run on these data is in the folder, whatever its other settings."""
        status = self.run.read_status()
        return bool(status) and self._is_of_this_data(status)

    def is_made_here(self) -> bool:
        """Whether the run in the folder is this very one, finished or not."""
        if not self.is_begun_here():
            return False
        status = self.run.read_status()
        with contextlib.suppress(DataError):  # there are no raw files, or no first weights yet
            return bool(status["fingerprint"] == self.fingerprint())
        return not run_changes(status["settings"], self.recipe)

    def is_free(self) -> bool:
        """Whether no run is in the folder, or one on these data without an epoch to lose, which no
        process trains."""
        if not self.run.read_status():
            return True
        return self.is_begun_here() and not self.run.holds_epochs() and not is_held(self.run)

    def _is_of_this_data(self, status: dict[str, Any]) -> bool:
        """Whether a run was begun on these recordings, wherever they are now."""
        raw, main = status.get("raw"), self.of or self.candidate_of or self
        folder = status.get("settings", {}).get("data", {}).get("folder") or {}
        if raw is None or data_place(Path(raw), folder.get("table")) == place_of(self.data):
            return True
        if not self.data.raw.exists():  # where nobody names another folder, the run outlives it
            return "data.raw" not in main.loaded.overrides
        with contextlib.suppress(DataError):
            return bool(status["dataset"] == self._known_dataset())
        return False

    def _known_dataset(self) -> str:
        """The dataset's fingerprint, as the run in the folder knows it."""
        return known_dataset(self.run, self.data, *self._dataset)


def make_job(
    loaded: LoadedRecipe,
    runs: Path = RUNS,
    *,
    of: Job | None = None,
    tried_in: Mapping[str, Path] | None = None,
) -> Job:
    """The job of a recipe.

    Its run folder is the recipe's ``run``. Where that names none it is ``runs/recipe``, or
    ``runs/recipe-data`` where that holds a run on other recordings: ``data`` is the name of their
    folder, and a few digits of its place in the current folder. A baseline that is found to be
    made there with other settings is beside the run it is compared with: ``runs/run-recipe``.
    So runs of different data never meet, and one that was stopped is found again.

    Args:
        loaded: the recipe.
        runs: the folder of runs.
        of: the job whose baseline it is.
        tried_in: of each candidate its run folder, where the recipe names its own ``run``.

    Example:
        >>> make_job(load("recipes/quickstart.yaml")).run.name
        'quickstart'
    """
    name, settings = f"{loaded.name}{loaded.variant}", loaded.recipe.data
    if loaded.recipe.run is not None:
        folder = loaded.recipe.run
        return Job(
            loaded,
            Run(folder.with_name(f"{folder.name}{loaded.variant}")),
            of,
            tried_in=tried_in or {},
        )
    of_data = re.sub(r"[^\w.-]+", "_", settings.raw.name)[:LONGEST_NAME]
    stem = f"{name}-{of_data}-"
    names = (name, f"{stem}{hashlib.sha256(place_of(settings).encode()).hexdigest()[:8]}")
    jobs = [Job(loaded, Run(runs / name), of) for name in names]
    # begun when the recordings, or all of it, were elsewhere
    moved = sorted(runs.glob(f"{glob.escape(stem)}{'[0-9a-f]' * 8}"))
    found = [*jobs, *(Job(loaded, Run(folder), of) for folder in moved)]
    begun = (job for job in found if job.is_begun_here())
    free = (job for job in jobs if job.is_free())
    usual = next(begun, None) or next(free, jobs[-1])
    if of is None:
        return usual
    beside = Job(loaded, Run(runs / f"{of.run.name}-{loaded.name}"), of)
    made = (job for job in (usual, beside) if job.is_made_here())
    return next(made, None) or (usual if usual.is_free() else beside)
