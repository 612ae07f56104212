"""Short pilot runs: each way of training on some of the target's records, scored on validation."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecg_keras import data, evaluation
from ecg_keras.advise.frozen_heads import FrozenHeads, fit_frozen_heads
from ecg_keras.advise.pilot_sizes import PilotCosts, Report, Size, sizes_of
from ecg_keras.advise.ways import RATE, Way
from ecg_keras.config import (
    Edge,
    LoadedRecipe,
    Recipe,
    Tune,
    beyond,
    fingerprint,
    trial_rates,
    tune_of,
)
from ecg_keras.errors import ConfigError, DataError, DivergedError, listed
from ecg_keras.evaluation import Pair, Predictions, RunFacts, diagnose
from ecg_keras.files import sha256_of
from ecg_keras.keras_library import keras
from ecg_keras.statistics import Arm
from ecg_keras.study import score_run
from ecg_keras.training import Run
from ecg_keras.workflow import Job, answers, make_alone, predict_validation


@dataclass(frozen=True, eq=False)
class Piloted:
    """The pilot runs of one way: their predictions of the validation split, and their training.

    ``seconds`` is the mean of a run, ``full_seconds`` what its whole recipe will take here;
    ``is_extended`` says that one setting more was tried, beyond the edge of the rates; ``heads``
    are those on its frozen checkpoint and on random weights, or why there are none.
    """

    way: Way
    arm: Arm
    facts: tuple[RunFacts, ...]
    seconds: float
    full_seconds: float
    is_extended: bool = False
    heads: FrozenHeads | str | None = None


def run_pilots(
    ways: Sequence[Sequence[Way]],
    shards: Path,
    folder: Path,
    *,
    minutes: float,
    seeds: int,
    tune: Tune | None,
    report: Report,
) -> tuple[Size, tuple[Piloted, ...]]:
    """Trains every way with every seed, in about the time that is allowed.

    Of the ``ways`` the first that there is time for are tried. Runs that are finished are kept, so
    a call that was stopped resumes where it was. With ``tune`` each way is tried with its settings
    on one seed, and the one that validation prefers is trained with the others.
    """
    dataset = data.describe(shards)
    marks = {way.checkpoint: _digest(Path(way.checkpoint)) for way in ways[0] if way.checkpoint}
    question = {"target": dataset.fingerprint, "marks": marks, "minutes": minutes, "seeds": seeds}
    if tune is not None:
        question["tune"] = tune.model_dump(mode="json")
    if lower := {str(way): way.rate for way in ways[0] if way.rate != RATE}:
        question["rates"] = lower  # earlier versions had one rate for all
    folder = folder / fingerprint({**question, "ways": [str(way) for way in ways[0]]})[:12]
    settings = 0 if tune is None else len(tune.candidates) + tune.extend
    costs = PilotCosts(dataset, shards, folder, seeds + settings)
    size, chosen = costs.settle(ways, minutes, report)
    done, total = 0, costs.seeds * len(chosen)
    report("pilot runs", done, total)

    def train(way: Way, seed: int, *, tried: bool = False) -> tuple[Predictions, Run]:
        nonlocal done
        run = Run(folder / f"{_slug(way)}-seed{seed}")
        recipe = costs.recipe(way, size, seed)
        predictions = _train(recipe, str(way), shards, run, tried=tried)
        done += 1
        report("pilot runs", done, total)
        return predictions, run

    def attempt(way: Way) -> Predictions | None:
        with suppress(DivergedError):
            return train(way, 0, tried=True)[0]
        return None

    first, edges, extended = 0, dict[str, Edge | None](), set[str]()
    if tune is not None:
        tuned = []
        for way in chosen:
            arm = costs.recipe(way, size).model_copy(update={"tune": tune})
            preferred, edges[str(way)], is_extended = _tune(way, arm, attempt)
            tuned.append(preferred)
            extended |= {str(way)} if is_extended else set()
            done = len(tuned) * settings  # also where one diverged, or none beyond was tried
        chosen = tuned
        first = 1  # the seed that chose flatters its choice
    # seed by seed, so that load of the machine hits all ways alike
    runs = [[train(way, seed) for way in chosen] for seed in range(first, first + seeds)]
    checkpoints = {way.checkpoint: way for way in chosen if way.checkpoint is not None}
    heads = dict[str | None, FrozenHeads | str]()
    for checkpoint, way in checkpoints.items():
        report("frozen networks", len(heads), len(checkpoints))
        heads[checkpoint] = fit_frozen_heads(
            way,
            _slug(replace(way, mode="linear probe", setting=None)),
            range(first, first + seeds),
            lambda start, seed: costs.recipe(start, size, seed),
            lambda recipe, name: _train(recipe, name, shards, Run(folder / name)),
        )
    whole = next(sizes_of(dataset.splits["train"].records))
    piloted = []
    for way, of_way in zip(chosen, zip(*runs, strict=True), strict=True):
        seconds = float(np.mean([float(run.read_status()["seconds"]) for _, run in of_way]))
        piloted.append(
            Piloted(
                way=way,
                arm=Arm(tuple((predictions,) for predictions, _ in of_way), name=str(way)),
                facts=tuple(
                    replace(
                        evaluation.read_facts(run.folder),
                        # validation scores the ways, so it chooses among them
                        scarce=evaluation.count_scarce(predictions, dataset),
                        edge=edges.get(str(way)),
                    )
                    for predictions, run in of_way
                ),
                seconds=seconds,
                full_seconds=costs.seconds(way, whole) * seconds / costs.seconds(way, size),
                is_extended=str(way) in extended,
                heads=heads.get(way.checkpoint),
            )
        )
    return size, tuple(piloted)


def _tune(
    way: Way, arm: Recipe, train: Callable[[Way], Predictions | None]
) -> tuple[Way, Edge | None, bool]:
    """The way with the setting that validation prefers, and the edge of all rates that it is at.

    As of any arm that is tuned: where the choice is at an edge, one rate beyond it is tried, and
    the third value says so.
    """
    tune = tune_of(arm)
    if tune is None:
        return way, None, False
    by = tune.by or "macro_auroc"
    tried = [(one, train(one)) for one in way.settings(tune)]
    chosen = _prefer(tried, by)
    edge = beyond(tune, chosen.tuned_to, trial_rates(arm))
    if edge is None or not tune.extend:
        return chosen, None if edge is None else edge[0], False
    further = replace(way, setting=edge[1])
    chosen = _prefer([*tried, (further, train(further))], by)
    return chosen, edge[0] if chosen == further else None, True


def _prefer(tried: Sequence[tuple[Way, Predictions | None]], by: str = "macro_auroc") -> Way:
    """The way with the setting that validation prefers; one that diverged says nothing there."""
    ways = {way.tuned_to: way for way, _ in tried}
    scores = {
        way.tuned_to: evaluation.score_validation(predictions)
        for way, predictions in tried
        if predictions is not None
    }
    if not scores:
        raise DataError(
            f"{tried[0][0]}: all settings diverged ({listed([*ways])}): give lower rates."
        )
    return ways[evaluation.choose(scores, by)]


def _train(
    recipe: Recipe, name: str, shards: Path, run: Run, *, tried: bool = False
) -> Predictions:
    """What one pilot run predicts of the validation split."""
    stored = run.predictions("valid")
    if stored.is_file():
        return Predictions.load(stored)
    job = Job(LoadedRecipe(name, shards, recipe, {}), run, prepared=shards, tried=tried)
    try:
        job.is_trained()
    except ConfigError:  # an earlier version began it, which named the first weights otherwise
        shutil.rmtree(run.folder)
    make_alone(job, "guard", "train")
    if tried and not (job.is_trained() and answers(run)):  # that it diverged is kept
        raise DivergedError(f"{run.folder}: training diverged.")
    predictions = predict_validation(job)
    keras.backend.clear_session()  # or the graphs of all runs stay in memory
    predictions.save(stored)
    return predictions


def _digest(checkpoint: Path) -> str:
    """Of a checkpoint's weights, which shows whether they are still the same."""
    model = checkpoint / "model.keras" if checkpoint.is_dir() else checkpoint
    return sha256_of(model)


def _slug(way: Way) -> str:
    """A name for a folder; the digests in the parent's name distinguish checkpoints of one name."""
    setting = f"-{re.sub(r'[^0-9a-z.]+', '_', way.tuned_to)}" if way.tuned_to else ""
    if way.checkpoint is None:
        return f"scratch{setting}"
    place = hashlib.sha256(way.checkpoint.encode()).hexdigest()[:6]
    return f"{way.mode.replace(' ', '-')}-from-{Path(way.checkpoint).stem}-{place}{setting}"


def diagnose_pilots(one: Piloted, other: Piloted) -> tuple[str, ...]:
    """What speaks against the difference of two piloted ways, in sentences, as in a study."""
    scores = [
        [score_run(predictions, {}, "macro_auroc") for (predictions,) in piloted.arm.predictions]
        for piloted in (one, other)
    ]
    pairs = [
        Pair((first, second), both)
        for first, second, both in zip(
            one.facts, other.facts, zip(*scores, strict=True), strict=True
        )
    ]
    return diagnose((str(one.way), str(other.way)), pairs)
