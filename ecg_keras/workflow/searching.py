"""`train`: a recipe trained and scored on validation alone, as searches of settings call it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ecg_keras.config import fingerprint, flatten_overrides
from ecg_keras.errors import ConfigError
from ecg_keras.workflow.job import Job, make_job
from ecg_keras.workflow.plan import make_plan, run_plan
from ecg_keras.workflow.recipes import load
from ecg_keras.workflow.step import Step, Watcher
from ecg_keras.workflow.tuning import read_scores

DIGITS = 10


@dataclass(frozen=True)
class ValidatedRun:
    """A trained network, and what the validation split says of it.

    Attributes:
        run: its folder.
        scores: of `ecg_keras.evaluation.score_validation`, by name; NaN where undefined.
    """

    run: Path
    scores: Mapping[str, float]


def train(recipe: str | Path, *, callbacks: Sequence[Any] = (), **overrides: Any) -> ValidatedRun:
    """Makes what a recipe needs, trains it and scores it on the validation split.

    The test split is left alone: no signal and no label of it is read, and its shards are not
    opened once the data are prepared, validated and searched for leaks, which happens once for all
    settings of a network. So a search of settings can call this as often as it likes. The run is an
    ordinary one: ``ecg-keras train`` with the same settings and ``run`` adds test scores and page.
    A search may draw from Python's and NumPy's global random generators, which this does not seed;
    TensorFlow's and Keras' seeds, and deterministic ops, are those of the last run.

    Args:
        recipe: a YAML file.
        callbacks: Keras callbacks for this network's training, after those that log its scores,
            such as one that prunes. What they raise stops it; the same call resumes.
        overrides: as for ``--set``: sections as dictionaries, ``training={"seed": 1}``, or dotted
            keys, ``**{"training.phases.0.learning_rate": 1e-3}``. Without ``run``, a recipe with
            overrides has a run folder of its own, whose name ends in a digest of them.

    Returns:
        The run and its scores, read from the run folder where it is there already.

    Raises:
        ConfigError: the recipe or an override is wrong, or ``training.validate_on`` is ``test``.
        DataError: as for ``ecg-keras train``.

    Example:
        >>> tried = train("recipes/quickstart.yaml", training={"seed": 1})
        >>> tried.scores["macro_auroc"] > 0.5
        True
    """
    settings = flatten_overrides(overrides)
    loaded = load(recipe, settings)
    if loaded.recipe.training.validate_on == "test":
        raise ConfigError(
            f"{recipe}: training.validate_on: a search on the test split would choose what happens "
            "to fit it. Set it to valid."
        )
    # the baseline is for the test scores
    evaluation = loaded.recipe.evaluation.model_copy(update={"baseline": None})
    alone = loaded.recipe.model_copy(update={"evaluation": evaluation})
    loaded = replace(loaded, recipe=alone)
    changed = {key: str(value) for key, value in settings.items()}
    if changed and "run" not in changed:
        loaded = replace(loaded, variant=f"-{fingerprint(changed)[:DIGITS]}")
    job = make_job(loaded)
    run_plan(make_plan(job, tried=True, tested=False), _Quiet(job, callbacks))
    return ValidatedRun(job.run.folder, read_scores(job.run))


class _Quiet(Watcher):
    """Logs warnings, and gives callbacks to the training of one job alone, not of its upstream."""

    def __init__(self, job: Job, callbacks: Sequence[Any]) -> None:
        self._job, self._callbacks = job, callbacks
        self._own = False

    def begun(self, step: Step) -> None:
        self._own = step.action == "train" and step.job is self._job

    def warned(self, message: str) -> None:
        logging.getLogger(__name__).warning(message)

    def callbacks(self) -> Sequence[Any]:
        return self._callbacks if self._own else ()
