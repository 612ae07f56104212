"""YAML to a typed `Recipe` or `Study`; all problems of a file are reported at once, with lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ecg_keras.config.overrides import as_plain, override
from ecg_keras.config.problems import Problem, problem_of
from ecg_keras.config.recipe_sections import Recipe
from ecg_keras.config.study import FileStudy, Study
from ecg_keras.config.values import Settings
from ecg_keras.config.weights_card import WeightsCard
from ecg_keras.config.yaml_text import read_yaml
from ecg_keras.errors import ConfigError, list_problems, nearest, shortened

AnySettings = TypeVar("AnySettings", bound=Settings)
# keys of training whose value is one name, with its settings
NAMED = ("loss", "optimizer")


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
        ConfigError: the file is missing, is not YAML, is of a study, repeats a key, or has an
            unknown key, a wrong type or a value out of range. One line per problem, each with file
            and line.

    Example:
        >>> load_recipe("recipes/quickstart.yaml").recipe.mode
        'finetune'
    """
    path, overrides = Path(path), dict(overrides or {})
    tree = _read(path, Recipe)
    if "downstreams" in tree:  # which every study has, and no recipe of one run
        raise ConfigError(
            f"{path}: is the recipe of a study, and not of one run. Check it with `ecg-keras study "
            f"{path} --dry-run`, and run it with `ecg-keras study {path}`."
        )
    recipe = _check(tree, path, overrides, Recipe, checks, defaults)
    return LoadedRecipe(path.stem, path, recipe, overrides)


def load_study(path: str | Path, overrides: Mapping[str, Any] | None = None) -> LoadedStudy:
    """Reads and checks a study recipe; arguments and errors as for `load_recipe`.

    The parts of recipes in it are checked when they are put together: see `compose`.

    Example:
        >>> load_study("recipes/studies/quick.yaml").study.question.metric
        'macro_auroc'
    """
    path, overrides = Path(path), dict(overrides or {})
    study = _check(_read(path, Study), path, overrides, Study)
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
    return _check(CommentedMap(), Path(folder), dict(overrides or {}), FileStudy)


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
    path = Path(path)
    return _check(_read(path, WeightsCard), path, {}, WeightsCard, checks)


def compose(parts: Sequence[Mapping[str, Any]], where: str) -> Recipe:
    """A recipe put together from parts: of two that set a key, the later one wins.

    Sections are merged key by key; lists, such as ``training.phases``, are replaced as a whole, and
    so are the settings of one loss or optimizer by another.

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
        # one loss or optimizer takes the place of another, and its settings with it
        another = key in NAMED and both and [*below] != [*value]  # type: ignore[misc]
        merged[key] = _merge(below, value) if both and not another else value  # type: ignore[arg-type]
    return merged


def _check(
    tree: CommentedMap,
    path: Path,
    overrides: Mapping[str, Any],
    schema: type[AnySettings],
    checks: Sequence[Callable[[AnySettings], Iterator[Problem]]] = (),
    defaults: Callable[[AnySettings], Mapping[str, Any]] | None = None,
) -> AnySettings:
    for key, value in overrides.items():
        override(tree, key, value, path)
    plain = as_plain(tree)
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
