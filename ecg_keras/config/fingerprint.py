"""Fingerprints: the sha256 of the settings that a product depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ecg_keras.config.schema import Data, Recipe

# keys of data: where things lie, how many processes made them and when to stop change no result
NO_RESULT = ("raw", "shards", "workers", "quarantine", "anomalies")


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
    settings = data.model_dump(mode="json")
    left_out = (*NO_RESULT, "train_records", "subset", "leaks", "without")
    return {key: value for key, value in settings.items() if key not in left_out}


def run_settings(recipe: Recipe) -> dict[str, Any]:
    """The part of a recipe that decides the weights of its run.

    What is left out can change without a new training: locations, and what is made from the
    finished run (scores, comparison, export).
    """
    settings = recipe.model_dump(mode="json", by_alias=True)
    settings["data"] = {k: v for k, v in settings["data"].items() if k not in NO_RESULT}
    # a folder of shards is named after what it holds; where it lies does not matter
    settings["data"]["without"] = [folder.name for folder in recipe.data.without]
    if settings["initialise"]:
        kept = settings["initialise"].pop("set")
        settings["initialise"]["set"] = {
            k: v for k, v in kept.items() if k.split(".")[-1] not in (*NO_RESULT, "run", "without")
        }
    del settings["evaluation"], settings["export"], settings["run"]
    return settings


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
