"""What `--set` and dotted keys change in a recipe before it is checked."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel
from ruamel.yaml.comments import CommentedMap

from ecg_keras.config.problems import section_of
from ecg_keras.config.recipe_sections import Recipe
from ecg_keras.config.yaml_text import YamlError, parse_yaml
from ecg_keras.errors import ConfigError, shortened

# of the parts of a dotted key
MAX_PARTS = 20
# sections whose keys are dotted, as overrides of another recipe
OVERRIDES = {("initialise", "set"), ("evaluation", "baseline_set")}


def parse_overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """``["training.seed=1"]`` as typed on a command line to ``{"training.seed": 1}``.

    Values are YAML, so ``1e-3`` is a number, ``[9]`` a list and ``null`` nothing.

    Raises:
        ConfigError: an assignment has no ``=``, or its value is not YAML.

    Example:
        >>> parse_overrides(["training.batch_size=32", "data.raw=/data/ptbxl"])
        {'training.batch_size': 32, 'data.raw': '/data/ptbxl'}
    """
    values = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        shown = shortened(assignment)
        if not equals or not key:
            raise ConfigError(
                f"--set must be KEY=VALUE, such as training.seed=1. Received: {shown!r}."
            )
        try:
            values[key.strip()] = as_plain(parse_yaml(text)) if text.strip() else ""
        except YamlError as error:
            raise ConfigError(f"--set {shown}: {'the value is ' * error.syntax}{error}") from error
    return values


def flatten_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides of a recipe in dotted keys and nested sections, as `load_recipe` takes them.

    What is in a section that is not named stays as it is; lists, and the settings of a loss, an
    optimizer or a callback, are replaced as a whole.

    Args:
        overrides: values may be NumPy's.

    Example:
        >>> flatten_overrides({"training": {"seed": 1, "phases": {0: {"epochs": 3}}}})
        {'training.seed': 1, 'training.phases.0.epochs': 3}
    """
    return dict(_flatten(overrides, Recipe, ""))


def _flatten(
    values: Mapping[Any, Any], section: type[BaseModel] | None, before: str
) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        inner = section
        for part in str(key).split("."):
            inner = inner and section_of(inner, part)
        if isinstance(value, Mapping) and value and inner is not None:
            yield from _flatten(value, inner, f"{before}{key}.")
        else:
            yield f"{before}{key}", value.item() if isinstance(value, np.generic) else value


def override(tree: CommentedMap, key: str, value: Any, path: Path) -> None:
    """Sets a dotted key of the file at ``path``; digits step into lists.

    Raises:
        ConfigError: the key has too many parts, or leads into a value.
    """
    *parents, last = key.split(".")
    if len(parents) >= MAX_PARTS:
        raise ConfigError(
            f"--set {shortened(key)}: a key has at most {MAX_PARTS} parts, and this one has "
            f"{len(parents) + 1}."
        )
    node: Any = tree
    for depth, part in enumerate(parents):
        # an alias is its anchor itself: what is changed is a copy that has only this place
        if isinstance(node, list) and _is_index(part, node):
            node[int(part)] = node = copy.copy(node[int(part)])
        elif isinstance(node, dict):
            there = node.get(part)
            node[part] = node = CommentedMap() if there is None else copy.copy(there)
            if (parents[depth - 1], part) in OVERRIDES:
                last = ".".join([*parents[depth + 1 :], last])
                break
        else:
            node = None
            break
    if isinstance(node, list) and _is_index(last, node):
        node[int(last)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        assignment = shortened(f"{key}={value}")
        raise ConfigError(f"--set {assignment}: {path} has no place for this key.")


def _is_index(part: str, node: Sequence[Any]) -> bool:
    return part.isdecimal() and len(part) < MAX_PARTS and int(part) < len(node)


def as_plain(node: Any) -> Any:
    """The tree as plain Python values, without ruamel's line numbers and number styles."""
    if isinstance(node, dict):
        return {str(key): as_plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [as_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
