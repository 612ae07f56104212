"""Recipe text to a typed `Recipe`; every problem of a file is reported at once, with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ecg_keras.config.schema import Recipe
from ecg_keras.errors import ConfigError, unknown_name

MAX_BYTES = 1_000_000
Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a recipe: ``key`` is its path, such as ``("data", "source")``."""

    key: Key
    message: str


@dataclass(frozen=True)
class LoadedRecipe:
    """A checked recipe, with the file and overrides it came from.

    Attributes:
        name: the file's name without its ending; the default name of the run folder.
        path: the file.
        recipe: the checked values.
        overrides: what ``--set`` or ``initialise.set`` changed.
    """

    name: str
    path: Path
    recipe: Recipe
    overrides: Mapping[str, Any]


def load_recipe(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    checks: Sequence[Callable[[Recipe], Iterator[Problem]]] = (),
) -> LoadedRecipe:
    """Reads and checks a recipe.

    Args:
        path: a YAML 1.2 file.
        overrides: dotted keys to plain values, such as ``{"training.seed": 1}``.
        checks: further checks that know tables this layer does not, such as the backbones.

    Raises:
        ConfigError: the file is missing, is not YAML, repeats a key, or has an unknown key, a wrong
            type or a value out of range. One line per problem, each with file and line.

    Example:
        >>> load_recipe("recipes/quickstart.yaml").recipe.mode
        'finetune'
    """
    path = Path(path)
    tree = _read(path)
    overrides = dict(overrides or {})
    for key, value in overrides.items():
        _override(tree, key, value, path)
    try:
        recipe = Recipe.model_validate(_plain(tree))
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()]
    else:
        problems = [problem for check in checks for problem in check(recipe)]
    if problems:
        lines = sorted({_line(tree, path, problem, overrides) for problem in problems})
        raise ConfigError("\n".join(text for _, text in lines))
    return LoadedRecipe(path.stem, path, recipe, overrides)


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
        if not equals or not key:
            raise ConfigError(
                f"--set must be KEY=VALUE, such as training.seed=1. Received: {assignment!r}."
            )
        try:
            values[key.strip()] = _plain(YAML(typ="rt").load(text)) if text.strip() else ""
        except YAMLError as error:
            raise ConfigError(f"--set {assignment}: the value is not YAML: {error}") from error
    return values


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML text with every default written out; `load_recipe` reads it back."""
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(recipe.model_dump(mode="json", by_alias=True), stream)
    return stream.getvalue()


def _read(path: Path) -> CommentedMap:
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        found = f" In {path.parent}: {', '.join(near)}." if near else ""
        raise ConfigError(f"{path}: there is no such recipe.{found}")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path}: a recipe has at most {MAX_BYTES} bytes.")
    try:
        tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{path}:{line}: {error.problem}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(tree, CommentedMap):
        raise ConfigError(f"{path}:1: a recipe is a mapping with the keys mode, data, model, ...")
    return tree


def _override(tree: CommentedMap, key: str, value: Any, path: Path) -> None:
    """Sets a dotted key; digits step into lists, as in ``training.phases.0.epochs``."""
    *parents, last = key.split(".")
    node: Any = tree
    for depth, part in enumerate(parents):
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict):
            if node.get(part) is None:
                node[part] = CommentedMap()
            node = node[part]
            if part == "set" and parents[depth - 1] == "initialise":
                last = ".".join([*parents[depth + 1 :], last])
                break
        else:
            node = None
            break
    if isinstance(node, list) and last.isdigit() and int(last) < len(node):
        node[int(last)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise ConfigError(f"--set {key}={value}: {path} has no place for this key.")


def _plain(node: Any) -> Any:
    """The tree as plain Python values, without ruamel's line numbers and number styles."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _problem(detail: Any) -> Problem:
    key: Key = tuple(detail["loc"])
    received = detail.get("input")
    if detail["type"] == "extra_forbidden":
        section: Any = Recipe
        for part in key[:-1]:
            section = _field_type(section, part)
        allowed = [f.alias or name for name, f in section.model_fields.items()]
        return Problem(key, unknown_name("key", str(key[-1]), allowed))
    message = detail["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if detail["type"] == "missing":
        return Problem(key, "this key is required and missing.")
    if isinstance(received, str | int | float | bool) or received is None:
        message += f". Received: {received!r}"
    return Problem(key, message.rstrip(".") + ".")


def _field_type(section: Any, part: str | int) -> Any:
    """The section class that a key of another section holds, through Optional and tuples."""
    if isinstance(part, int):
        return section
    for name, field in section.model_fields.items():
        if part in (name, field.alias):
            return next(_sections(field.annotation))
    return section


def _sections(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _sections(inner)


def _line(tree: Any, path: Path, problem: Problem, overrides: Mapping[str, Any]) -> tuple[int, str]:
    """The line of the deepest part of the key in the file, and ``file:line: key: message``."""
    dotted = ".".join(str(part) for part in problem.key)
    if dotted in overrides:
        return 0, f"{path}: --set {dotted}={overrides[dotted]}: {problem.message}"
    line, node = 1, tree
    for part in problem.key:
        if isinstance(node, CommentedMap) and part in node and part in node.lc.data:
            line = node.lc.key(part)[0] + 1
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0] + 1
        else:
            break
        node = node[part]
    return line, f"{path}:{line}: {dotted or 'recipe'}: {problem.message}"
