"""`advise`: from size, labels, drift, transferability and pilot runs to a recipe."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ecg_keras import data
from ecg_keras.advise.advice import Advice, weigh
from ecg_keras.advise.candidates import CheckpointFacts, describe_candidate
from ecg_keras.advise.pilots import run_pilots
from ecg_keras.advise.ways import Mode, Way, epochs_for
from ecg_keras.config import Recipe, Tune
from ecg_keras.errors import ConfigError, DataError, shortened
from ecg_keras.files import write_text
from ecg_keras.sources import SOURCES
from ecg_keras.text import plural
from ecg_keras.transferability import rank_checkpoints
from ecg_keras.workflow import load, make_job

FOLDER = Path("runs/advise")
# checkpoints that are tried
TRIED = 2
FROM_A_CHECKPOINT: tuple[Mode, ...] = ("linear probe", "fine-tune")


def advise(
    checkpoints: Sequence[str | Path],
    shards: str | Path,
    *,
    minutes: float = 10.0,
    seeds: int = 3,
    margin: float = 0.02,
    level: float = 0.95,
    bootstrap: int = 1000,
    tune: Tune | None = None,
    folder: str | Path = FOLDER,
    own_code: Collection[str] = (),
    on_progress: Callable[[str, int, int], Any] = lambda what, done, total: None,
) -> Advice:
    """Says which checkpoint, mode and head to use for a target, and how sure that is.

    The two most promising checkpoints by `Ranking.order` are tried, by a linear probe and by
    fine-tuning, against scratch with the network of the first; one where there is no time for two.
    Pilot runs that are finished are kept and found again.

    Args:
        checkpoints: run folders or ``.keras`` files.
        shards: folder of the target's prepared dataset. Its test split is never read.
        minutes: for the pilot runs.
        seeds: of each way, at least 2.
        margin: differences in macro AUROC below it do not matter.
        level: of the intervals; 1 - level is the chance of a wrong verdict among all ways.
        bootstrap: resamples of the validation patients.
        tune: settings that each way, scratch too, is tried with on one seed before the others are
            trained with the preferred one, its ``epochs`` aside, as pilots are short; ``None``
            trains all with the same.
        folder: for the pilot runs.
        own_code: what of your own the checkpoints and the shards may name and is imported and run:
            backbones as ``module:function``, a source.
        on_progress: called with what is done, how many pieces of it are done, and how many there
            are.

    Returns:
        What to do, and what that rests on.

    Raises:
        ConfigError: a setting is out of range, there is no time for pilots, or a folder names code
            that is not in ``own_code``.
        DataError: a checkpoint does not fit the target, or the target is too small.

    Example:
        >>> advice = advise(["runs/georgia_pretrain"], "shards/ludb")  # doctest: +SKIP
        >>> print(advice.sentences()[0])  # doctest: +SKIP
        Fine-tune from runs/georgia_pretrain: expect a gain over scratch of about ...
    """
    if minutes <= 0 or seeds < 2 or not 0 < margin < 1:
        raise ConfigError(
            "advice needs minutes above 0, at least 2 seeds, and a margin between 0 and 1. "
            f"Received: {minutes:g}, {seeds} and {margin:g}."
        )
    shards, dataset = Path(shards), data.describe(shards)
    _check_valid(dataset.splits["valid"], shards)
    if dataset.source not in SOURCES:
        _check_allowed(shards, dataset.source, own_code)
    candidates = []
    for number, checkpoint in enumerate(checkpoints):
        on_progress("compare the data", number, len(checkpoints))
        candidates.append(describe_candidate(checkpoint, shards))
        backbone = candidates[-1].network.backbone
        if ":" in backbone:
            _check_allowed(checkpoint, backbone, own_code)
    ranking = rank_checkpoints(
        checkpoints, shards, on_progress=partial(on_progress, "read the target")
    )
    promising = [candidates[number] for number in ranking.order()]
    size, piloted = run_pilots(
        [list_ways(promising[:number]) for number in range(min(TRIED, len(promising)), 0, -1)],
        shards,
        Path(folder),
        minutes=minutes,
        seeds=seeds,
        tune=tune,
        report=on_progress,
    )
    trials, word, choice = weigh(piloted, margin=margin, level=level, bootstrap=bootstrap, seed=0)
    return Advice(
        shards=str(shards),
        dataset=dataset,
        candidates=tuple(candidates),
        ranking=ranking,
        size=size,
        trials=trials,
        word=word,
        choice=choice,
        margin=margin,
        level=level,
        tune=tune,
    )


def _check_valid(valid: data.SplitSummary, shards: Path) -> None:
    """Refuses a validation split that can't score the pilot runs, before they are trained."""
    if not valid.records:
        raise DataError(
            f"{shards}: has no validation record, and pilot runs are scored on them alone. Prepare "
            "it with data.split.valid above 0."
        )
    has_both = any(0 < count < valid.records for count in valid.labels.values())
    if valid.patients < 2 or not has_both:
        raise DataError(
            f"{shards}: its validation split can't score pilot runs: that takes two patients, and "
            "a label that some of its records have and others lack. It has "
            f"{plural(valid.records, 'record')} of {plural(valid.patients, 'patient')}. Prepare it "
            "with a greater data.split.valid."
        )


def _check_allowed(place: str | Path, name: str, own_code: Collection[str]) -> None:
    """Refuses code that a folder names, and not the user."""
    if name not in own_code:
        raise ConfigError(
            f"{place}: names code of your own, {shortened(name)}, which is not run because a "
            f"folder says so. Allow it with --own-code {shortened(name)}, if you trust it."
        )


def list_ways(candidates: Sequence[CheckpointFacts]) -> tuple[Way, ...]:
    """Scratch with the network of the first checkpoint, then two ways from each."""
    return (
        Way("scratch", candidates[0].network),
        *(
            Way(mode, one.network, one.checkpoint, one.keeps_head)
            for one in candidates
            for mode in FROM_A_CHECKPOINT
        ),
    )


def write_recipe(advice: Advice, path: str | Path, raw: str | Path) -> Path:
    """Writes the recipe that the advice comes to; `ecg-keras train` runs it.

    Args:
        advice: from `advise`.
        path: of the recipe, ending in ``.yaml``.
        raw: folder of the target's recordings. If they are those that the shards were made of, the
            shards are used as they are; otherwise they are prepared again.

    Returns:
        The path.

    Raises:
        ConfigError: the path does not end in ``.yaml``.
        DataError: there is no folder ``raw``.

    Example:
        >>> write_recipe(advice, "ludb_advised.yaml", "data/raw/ludb")  # doctest: +SKIP
        PosixPath('ludb_advised.yaml')
    """
    path, raw, shards = Path(path), Path(raw), Path(advice.shards)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"--out: a recipe's name ends in .yaml. Received: {path}.")
    epochs = epochs_for(advice.dataset.splits["train"].records)
    recipe = replace(advice.choice.way, setting=None).recipe(
        advice.dataset.settings, raw=raw, epochs=epochs, shards=shards.parent
    )
    recipe = recipe.model_copy(update={"tune": advice.tune})
    is_same = data.dataset_fingerprint(recipe.data) == advice.dataset.fingerprint
    comments = {
        "data": "as the target was prepared"
        if is_same
        else "as the target was prepared, from other recordings than its shards were made of",
        "initialise": "the first weights",
        "training": "as in the pilot runs, with all records and all epochs",
    }
    lines = [line for one in advice.sentences() for line in textwrap.wrap(one, 98)]
    text = recipe_text(recipe, [*lines, f"  ecg-keras train {path}"], comments)
    write_text(path, text)
    make_job(load(path))  # it can be run
    return path


def recipe_text(recipe: Recipe, header: Sequence[str], comments: Mapping[str, str]) -> str:
    """A recipe as people write it: what differs from the defaults, sections with comments.

    `ecg_keras.config.load_recipe` reads it back as the same recipe.
    """
    lines = [f"# {line}".rstrip() for line in header]
    tree = recipe.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for section, values in tree.items():
        if section in comments:
            lines.append(f"# {comments[section]}")
        if not isinstance(values, dict):
            lines.append(f"{section}: {values if section == 'mode' else json.dumps(values)}")
            continue
        lines.append(f"{section}:")
        # JSON is YAML, too
        lines += [
            f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()
        ]
    return "\n".join(lines) + "\n"
