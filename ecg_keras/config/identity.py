"""Fingerprints: the sha256 of the settings that a product depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ecg_keras.config.data_sections import Data
from ecg_keras.config.recipe_sections import Evaluation, Model, Recipe

# of the fingerprints of settings: to be raised when a default changes what it means
DEFAULTS = 1
# keys of data: where things are, how many processes made them and when to stop change no result
NO_RESULT = ("raw", "shards", "workers", "quarantine", "anomalies")
# keys of a recipe that are about what is made of a finished run
NOT_OF_THE_RUN = ("evaluation", "export", "run")
# that a message lists
MOST_CHANGES = 6


def fingerprint(settings: Mapping[str, Any]) -> str:
    """The sha256, as 64 hex digits, of plain settings; the order of keys does not matter.

    Example:
        >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
        True
    """
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def data_settings(data: Data) -> dict[str, Any]:
    """The part of a recipe's ``data`` section that decides the bytes of its shards."""
    return _of_data(data.model_dump(mode="json"))


def data_mark(data: Data) -> str:
    """The fingerprint of `data_settings`; a key that is at its default does not count.

    So a key that a later version adds, and that is off by default, makes no dataset stale.

    Example:
        >>> data_mark(Data(source="ptb", raw="a")) == data_mark(Data(source="ptb", raw="b"))
        True
    """
    settings = _of_data(data.model_dump(mode="json", exclude_defaults=True))
    return fingerprint({**settings, "defaults": DEFAULTS})


def data_changes(old: Mapping[str, Any], data: Data) -> list[str]:
    """The `differences` of settings from what a dataset keeps as its ``settings``.

    Args:
        old: `data_settings` as this or an earlier version wrote them: keys that are missing are at
            their defaults.
        data: the settings.

    Example:
        >>> data_changes({"source": "ptb", "seconds": 5.0}, Data(source="ptb", raw="a"))
        ['seconds: 5.0 -> 10.0']
    """
    then = data_of(old, data.raw)
    return differences(old if then is None else data_settings(then), data_settings(data))


def data_of(old: Mapping[str, Any], raw: Path) -> Data | None:
    """The ``data`` section that a dataset keeps as its ``settings``.

    Args:
        old: `data_settings` as this or an earlier version wrote them.
        raw: where the recordings are.

    Returns:
        The section, keys that are missing at their defaults; ``None`` where the settings are of a
        version that had other keys.

    Example:
        >>> data_of({"source": "ptb", "seconds": 5.0}, Path("data/raw/ptb")).sampling_rate
        100.0
    """
    with contextlib.suppress(ValidationError):
        return Data.model_validate({**old, "raw": raw})
    return None


def run_settings(recipe: Recipe) -> dict[str, Any]:
    """The part of a recipe that decides the weights of its run.

    What is left out can change without a new training: locations, and what is made from the
    finished run (scores, comparison, export).
    """
    return _of_run(recipe.model_dump(mode="json", by_alias=True))


def run_mark(recipe: Recipe) -> str:
    """The fingerprint of `run_settings`; a key that is at its default does not count."""
    settings = _of_run(recipe.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    return fingerprint({**settings, "defaults": DEFAULTS})


def run_changes(old: Mapping[str, Any], recipe: Recipe) -> list[str]:
    """The `differences` of a recipe's settings from what a run keeps as its ``settings``.

    Rates, tuned or not, decide nothing of a run whose head is fitted in closed form.

    Args:
        old: `run_settings` as this or an earlier version wrote them, as for `data_changes`.
        recipe: the settings.
    """
    with contextlib.suppress(ValidationError, KeyError, TypeError):
        data = {**old["data"], "raw": recipe.data.raw}
        then = Recipe.model_validate({**old, "data": data})
        if _is_one_training(then) and _is_one_training(recipe):
            then, recipe = (one.model_copy(update={"tune": None}) for one in (then, recipe))
        old = run_settings(then)
    return differences(old, run_settings(recipe))


def _is_one_training(recipe: Recipe) -> bool:
    """Whether a recipe is not tuned, or all of its candidates are the same ridge head."""
    if recipe.tune is None:
        return True
    return recipe.training.in_closed_form and not any(one.recipe for one in recipe.tune.candidates)


def model_of(settings: Mapping[str, Any]) -> Model | None:
    """The ``model`` section in what a run keeps as its ``settings``, as this or an earlier version
    wrote them; ``None`` where there is none, or it is of a version that had other keys.

    Example:
        >>> model_of({"model": {"backbone": "gru"}}).head
        'as_published'
    """
    with contextlib.suppress(ValidationError, KeyError):
        return Model.model_validate(settings["model"])
    return None


def _of_data(settings: dict[str, Any]) -> dict[str, Any]:
    left_out = ("train_records", "subset", "leaks", "without")
    return {key: value for key, value in _placeless(settings).items() if key not in left_out}


def _placeless(data: dict[str, Any]) -> dict[str, Any]:
    """Without keys that change no result; a table inside the database is named from there."""
    kept = {key: value for key, value in data.items() if key not in NO_RESULT}
    if not kept.get("exclude"):  # what depends on all keys stays what it was without this one
        kept.pop("exclude", None)
    folder = kept.get("folder")
    if folder and folder.get("table"):
        table, raw = Path(folder["table"]), Path(data["raw"]).absolute()
        if table.is_relative_to(raw):
            kept["folder"] = {**folder, "table": table.relative_to(raw).as_posix()}
    return kept


def _of_run(settings: dict[str, Any]) -> dict[str, Any]:
    data = _placeless(settings["data"])
    if "without" in data:  # a folder of shards is named after what it holds, wherever it is
        data["without"] = [Path(folder).name for folder in data["without"]]
    kept = {**settings, "data": data}
    if kept.get("initialise"):
        overrides = {
            key: value
            for key, value in kept["initialise"].get("set", {}).items()
            if key.split(".")[-1] not in (*NO_RESULT, "run", "without")
        }
        # what the weights are is the mark of the upstream's; here it only has a name
        name = Path(kept["initialise"]["from"]).name
        kept["initialise"] = {**kept["initialise"], "from": name, "set": overrides}
    if kept.get("tune") is not None:  # what chooses decides the weights, wherever it is said
        metric = settings.get("evaluation", {}).get("metric", Evaluation().metric)
        kept["tune"] = {**kept["tune"], "by": kept["tune"].get("by") or metric}
    training = settings.get("training", {})
    if training.get("select") == "last":  # whose phases end with their epochs
        kept["training"] = {key: value for key, value in training.items() if key != "patience"}
    return {key: value for key, value in kept.items() if key not in NOT_OF_THE_RUN}


def differences(old: Any, new: Any, key: str = "") -> list[str]:
    """Dotted keys in which two plain settings differ, as ``key: old -> new``.

    Example:
        >>> differences({"a": {"b": 1}}, {"a": {"b": 2}})
        ['a.b: 1 -> 2']
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for name in sorted({*old, *new})
            for line in differences(
                old.get(name), new.get(name), f"{key}.{name}" if key else str(name)
            )
        ]
    return [] if old == new else [f"{key}: {old} -> {new}"]


def list_changes(changes: Sequence[str]) -> str:
    """What `run_changes` found in one line: the first, and how many more there are."""
    more = [f"and {len(changes) - MOST_CHANGES} more"] * (len(changes) > MOST_CHANGES)
    return "; ".join([*changes[:MOST_CHANGES], *more])
