"""YAML to a typed `Recipe` or `Study`; all problems of a file are reported at once, with lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ecg_keras.config.problems import Problem, problem_of
from ecg_keras.config.recipe_sections import Recipe
from ecg_keras.config.study import FileStudy, Study
from ecg_keras.config.values import Settings
from ecg_keras.config.weights_card import WeightsCard
from ecg_keras.config.yaml_text import YamlError, parse_yaml, read_yaml
from ecg_keras.errors import ConfigError, list_problems, nearest, shortened

# of the parts of a dotted key
MAX_PARTS = 20
# sections whose keys are dotted, as overrides of another recipe
OVERRIDES = {("initialise", "set"), ("evaluation", "baseline_set")}
AnySettings = TypeVar("AnySettings", bound=Settings)


@dataclass(frozen=True)
class LoadedRecipe:
    """A checked recipe, with the file and overrides it came from.

    Attributes:
        name: the file's name without its ending; the default name of the run folder.
        path: the file.
        recipe: the checked values.
        overrides: what ``--set`` or ``initialise.set`` changed.
        variant: what its runs are called besides, such as ``-seed1``.
    """

    name: str
    path: Path
    recipe: Recipe
    overrides: Mapping[str, Any]
    variant: str = ""


@dataclass(frozen=True)
class LoadedStudy:
    """A checked study recipe, with the file and overrides it came from.

    Attributes:
        name: the file's name without its ending; the default name of the study's folder.
        path: the file.
        study: the checked values.
        overrides: what ``--set`` changed.
    """

    name: str
    path: Path
    study: Study
    overrides: Mapping[str, Any]


def load_recipe(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    checks: Sequence[Callable[[Recipe], Iterator[Problem]]] = (),
    defaults: Callable[[Recipe], Mapping[str, Any]] | None = None,
) -> LoadedRecipe:
    """Reads and checks a recipe.

    Args:
        path: a YAML 1.2 file.
        overrides: dotted keys to plain values, such as ``{"training.seed": 1}``.
        checks: further checks that know tables this layer does not, such as the backbones.
        defaults: gives plain, nested keys that the recipe has where it does not set them itself.

    Raises:
        ConfigError: the file is missing, is not YAML, repeats a key, or has an unknown key, a wrong
            type or a value out of range. One line per problem, each with file and line.

    Example:
        >>> load_recipe("recipes/quickstart.yaml").recipe.mode
        'finetune'
    """
    path, overrides = Path(path), dict(overrides or {})
    recipe = _load(path, overrides, Recipe, checks, defaults)
    return LoadedRecipe(path.stem, path, recipe, overrides)


def load_study(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    checks: Sequence[Callable[[Study], Iterator[Problem]]] = (),
) -> LoadedStudy:
    """Reads and checks a study recipe; arguments and errors as for `load_recipe`.

    The parts of recipes in it are checked when they are put together: see `compose`.

    Example:
        >>> load_study("recipes/studies/quick.yaml").study.question.metric
        'macro_auroc'
    """
    path, overrides = Path(path), dict(overrides or {})
    study = _load(path, overrides, Study, checks)
    return LoadedStudy(path.stem, path, study, overrides)


def load_file_study(folder: str | Path, overrides: Mapping[str, Any] | None = None) -> FileStudy:
    """What is asked of a folder of predictions made elsewhere: the defaults, and what is set.

    Args:
        folder: of the files, for errors.
        overrides: as for `load_recipe`.

    Raises:
        ConfigError: a key is unknown, or a value has a wrong type or is out of range.

    Example:
        >>> load_file_study("theirs", {"question.margin": 0.01}).question.margin
        0.01
    """
    return _check(CommentedMap(), Path(folder), dict(overrides or {}), FileStudy, ())


def load_card(
    path: str | Path, checks: Sequence[Callable[[WeightsCard], Iterator[Problem]]] = ()
) -> WeightsCard:
    """Reads and checks the card of published weights; `ecg_keras.weights.read_card` checks more.

    Args:
        path: a YAML 1.2 file, such as ``ecg-keras import --card-template`` prints, filled in.
        checks: further checks that know tables this layer does not, such as the families.

    Raises:
        ConfigError: the file is missing, is not YAML, repeats a key, lacks one, or has an unknown
            key, a wrong type or a value out of range. One line per problem, with file and line.

    Example:
        >>> load_card("xceptiontime.yaml").unit  # doctest: +SKIP
        'uV'
    """
    return _load(Path(path), {}, WeightsCard, checks)


def compose(parts: Sequence[Mapping[str, Any]], where: str) -> Recipe:
    """A recipe put together from parts: of two that set a key, the later one wins.

    Sections are merged key by key; lists, such as ``training.phases``, are replaced as a whole.

    Args:
        parts: plain, nested keys and values.
        where: what to call the result in errors.

    Raises:
        ConfigError: the whole is not a recipe. One line per problem.

    Example:
        >>> parts = [{"training": {"seed": 1}}, {"training": {"batch_size": 8}}]
        >>> data = {"source": "ptb", "raw": "ptb"}
        >>> compose([{"mode": "scratch", "data": data}, *parts], "here").training.batch_size
        8
    """
    tree: dict[str, Any] = {}
    for part in parts:
        tree = _merge(tree, part)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        problems = [problem_of(detail, Recipe) for detail in error.errors()]
    raise ConfigError(
        list_problems(
            f"{where}: {'.'.join(map(str, problem.key)) or 'recipe'}: {problem.message}"
            for problem in problems
        )
    )


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _load(
    path: Path,
    overrides: Mapping[str, Any],
    schema: type[AnySettings],
    checks: Sequence[Callable[[AnySettings], Iterator[Problem]]],
    defaults: Callable[[AnySettings], Mapping[str, Any]] | None = None,
) -> AnySettings:
    return _check(_read(path, schema), path, overrides, schema, checks, defaults)


def _check(
    tree: CommentedMap,
    path: Path,
    overrides: Mapping[str, Any],
    schema: type[AnySettings],
    checks: Sequence[Callable[[AnySettings], Iterator[Problem]]],
    defaults: Callable[[AnySettings], Mapping[str, Any]] | None = None,
) -> AnySettings:
    for key, value in overrides.items():
        _override(tree, key, value, path)
    plain = _plain(tree)
    try:
        section = schema.model_validate(plain)
        if defaults is not None:
            section = schema.model_validate(_merge(defaults(section), plain))
    except ValidationError as error:
        problems = [problem_of(detail, schema) for detail in error.errors()]
    else:
        problems = [problem for check in checks for problem in check(section)]
    if problems:
        lines = sorted({_line(tree, path, problem, overrides, schema.KIND) for problem in problems})
        raise ConfigError(list_problems(text for _, text in lines))
    return section


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
            values[key.strip()] = _plain(parse_yaml(text)) if text.strip() else ""
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
            inner = _section_of(inner, part)
        if isinstance(value, Mapping) and value and inner is not None:
            yield from _flatten(value, inner, f"{before}{key}.")
        else:
            yield f"{before}{key}", value.item() if isinstance(value, np.generic) else value


def _section_of(section: type[BaseModel] | None, part: str) -> type[BaseModel] | None:
    """The section that a key of another holds; of a list of sections, by number, the same."""
    if section is None or part.isdecimal():
        return section
    fields = {field.alias or name: field for name, field in section.model_fields.items()}
    pending = [fields[part].annotation] if part in fields else []
    while pending:
        one = pending.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
        pending.extend(get_args(one))
    return None


def dump_recipe(recipe: Recipe | Study | FileStudy) -> str:
    """A recipe as YAML text with every default written out, for `load_recipe` or `load_study`."""
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(recipe.model_dump(mode="json", by_alias=True), stream)
    return stream.getvalue()


def _read(path: Path, schema: type[Settings]) -> CommentedMap:
    if not path.is_file():
        names = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        found = f" In {path.parent}: {', '.join(names)}." if names else ""
        raise ConfigError(
            f"{path}: there is no such {schema.KIND}.{found}{nearest(path.name, names)}"
        )
    tree = read_yaml(path, schema.KIND)
    if not isinstance(tree, CommentedMap):
        keys = ", ".join(list(schema.model_fields)[:3])
        raise ConfigError(f"{path}:1: a {schema.KIND} is a mapping with the keys {keys}, ...")
    return tree


def _override(tree: CommentedMap, key: str, value: Any, path: Path) -> None:
    """Sets a dotted key; digits step into lists, as in ``training.phases.0.epochs``."""
    *parents, last = key.split(".")
    if len(parents) >= MAX_PARTS:
        raise ConfigError(
            f"--set {shortened(key)}: a key has at most {MAX_PARTS} parts, and this one has "
            f"{len(parents) + 1}."
        )
    node: Any = tree
    for depth, part in enumerate(parents):
        if isinstance(node, list) and _is_index(part, node):
            node = node[int(part)]
        elif isinstance(node, dict):
            if node.get(part) is None:
                node[part] = CommentedMap()
            node = node[part]
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


def _line(
    tree: Any, path: Path, problem: Problem, overrides: Mapping[str, Any], kind: str
) -> tuple[int, str]:
    """The line of the deepest part of the key in the file, and ``file:line: key: message``."""
    dotted = ".".join(str(part) for part in problem.key)
    for key, value in overrides.items():
        if dotted == key or dotted.startswith(f"{key}."):
            within = f"{shortened(dotted)}: " * (dotted != key)
            return 0, f"{path}: --set {shortened(f'{key}={value}')}: {within}{problem.message}"
    line, node, found = 1, tree, 0
    for part in problem.key:
        if isinstance(node, CommentedMap) and part in node and part in (node.lc.data or ()):
            line = node.lc.key(part)[0] + 1
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0] + 1
        else:
            break
        node, found = node[part], found + 1
    for key, value in overrides.items():
        if found < len(problem.key) and key.startswith(f"{dotted}."):
            shown = shortened(f"{key}={value}")
            return 0, f"{path}: --set {shown}: {shortened(dotted)}: {problem.message}"
    return line, f"{path}:{line}: {shortened(dotted) or kind}: {problem.message}"
