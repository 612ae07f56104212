"""`advise`: from size, labels, drift, transferability and pilot runs to a recipe."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecg_keras import data
from ecg_keras.advise.advice import Advice, weigh
from ecg_keras.advise.candidates import Candidate, describe_candidate
from ecg_keras.advise.pilots import run_pilots
from ecg_keras.advise.recipe_text import write_recipe_text
from ecg_keras.advise.ways import Way, epochs_for
from ecg_keras.config import Tune
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import replacing
from ecg_keras.transferability import rank_checkpoints
from ecg_keras.workflow import load, make_job

FOLDER = Path("runs/advise")
# checkpoints that are tried
TRIED = 2


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
    on_progress: Callable[[str, int, int], Any] | None = None,
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
        level: of the intervals.
        bootstrap: resamples of the validation patients.
        tune: settings that each way, scratch too, is tried with on one seed before the others are
            trained with the preferred one; ``None`` trains all with the same.
        folder: for the pilot runs.
        on_progress: called with what is done, how many pieces of it are done, and how many there
            are.

    Raises:
        ConfigError: a setting is out of range, or there is no time for pilots.
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
    tell = on_progress or (lambda what, done, total: None)
    shards, dataset = Path(shards), data.describe(shards)
    if not dataset.splits["valid"].records:
        raise DataError(
            f"{shards}: has no validation record, and pilot runs are scored on them alone. Prepare "
            "it with data.split.valid above 0."
        )
    candidates = []
    for number, checkpoint in enumerate(checkpoints):
        tell("compare the data", number, len(checkpoints))
        candidates.append(describe_candidate(checkpoint, shards))
    ranking = rank_checkpoints(
        checkpoints, shards, on_progress=lambda *steps: tell("read the target", *steps)
    )
    promising = [candidates[number] for number in ranking.order()]
    size, piloted = run_pilots(
        [list_ways(promising[:number]) for number in range(min(TRIED, len(promising)), 0, -1)],
        shards,
        Path(folder),
        minutes=minutes,
        seeds=seeds,
        tune=tune,
        tell=tell,
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


def list_ways(candidates: Sequence[Candidate]) -> tuple[Way, ...]:
    """Scratch with the network of the first checkpoint, then two ways from each."""
    ways = [Way("scratch", candidates[0].network)]
    for one in candidates:
        for mode in ("linear probe", "fine-tune"):
            ways.append(Way(mode, one.network, one.checkpoint, one.keeps_head))
    return tuple(ways)


def write_recipe(advice: Advice, path: str | Path, raw: str | Path) -> Path:
    """Writes the recipe that the advice comes to; `ecg-keras train` runs it.

    Args:
        advice: from `advise`.
        path: of the recipe, ending in ``.yaml``.
        raw: folder of the target's recordings. If they are those that the shards were made of, the
            shards are used as they are; otherwise they are prepared again.

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
    is_same = data.dataset_fingerprint(recipe.data) == (advice.dataset.fingerprint)
    comments = {
        "data": "as the target was prepared"
        if is_same
        else "as the target was prepared, from other recordings than its shards were made of",
        "initialise": "the first weights",
        "training": "as in the pilot runs, with all records and all epochs",
    }
    header = [*_wrap(advice.sentences()), f"  ecg-keras train {path}"]
    with replacing(path) as temporary:
        temporary.write_text(write_recipe_text(recipe, header, comments), encoding="utf-8")
    make_job(load(path))  # it can be run
    return path


def _wrap(sentences: Sequence[str], width: int = 98) -> list[str]:
    return [line for one in sentences for line in textwrap.wrap(one, width)]
