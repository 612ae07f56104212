"""Recipes as they are run: what their first weights say is filled in; and those that one names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ecg_keras import config, sources
from ecg_keras.config import Initialise, LoadedRecipe, Recipe
from ecg_keras.errors import ConfigError, EcgKerasError, shortened
from ecg_keras.workflow.first_weights import check_first_weights, defaults_of, network_of_recipe
from ecg_keras.workflow.recipe_names import check_names


def load(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    network: Mapping[str, Any] | None = None,
) -> LoadedRecipe:
    """Reads a recipe and checks the names of its source, label set, leads, backbone and stages.

    Of one that starts from published weights or a run, network, leads and rate are theirs where it
    does not set them, and of one that starts from another recipe the backbone.

    Args:
        path: of the recipe.
        overrides: dotted keys to plain values.
        network: of one that starts from random weights, plain keys that it has where it does not
            set them.

    Raises:
        ConfigError: one line per problem, each with file and line.

    Example:
        >>> load("recipes/quickstart.yaml").recipe.model.backbone
        'resnet1d18'
    """
    return config.load_recipe(
        path,
        overrides,
        checks=[check_first_weights, check_names],
        defaults=lambda recipe: {**(network or {}), **first_network(path, recipe)},
    )


def first_network(
    path: str | Path, recipe: Recipe, passed: frozenset[Path] = frozenset()
) -> Mapping[str, Mapping[str, Any]]:
    """What a recipe has where it does not set it: the network, leads and rate of its first weights;
    of another recipe's the network. Nothing where a recipe on the way is missing, wrong or there
    twice: `upstream_recipe` says so.
    """
    upstream, here = _recipe_upstream(recipe), Path(path).resolve()
    if upstream is None:
        return defaults_of(recipe)
    if here in passed:
        return {}
    try:
        there = recipe_beside(Path(path), "initialise.from", upstream.from_)
        theirs = config.load_recipe(
            there,
            upstream.set,
            defaults=lambda one: first_network(there, one, passed | {here}),
        )
        network = network_of_recipe(theirs.recipe, upstream)
    except EcgKerasError:
        return {}
    return {"model": network} if network else {}


def own_code(recipe: Recipe) -> tuple[str, ...]:
    """What a recipe names that is no plain value: Python code of the user's own, which is run.

    Example:
        >>> own_code(load("recipes/quickstart.yaml").recipe)
        ()
    """
    source, settings = recipe.data.source, recipe.training
    functions = [("model.backbone", recipe.model.backbone)]
    functions += [
        (f"training.{key}", config.name_and_settings(one)[0])
        for key, one in (
            ("loss", settings.loss),
            ("optimizer", settings.optimizer),
            *(("callbacks", callback) for callback in settings.callbacks),
        )
    ]
    return (
        *[f"data.source {source}"] * (source not in sources.SOURCES),
        *(f"{key} {name}" for key, name in functions if ":" in name),
    )


def upstream_recipe(loaded: LoadedRecipe) -> LoadedRecipe | None:
    """The recipe that ``initialise.from`` names; ``None`` where it names weights or nothing.

    Raises:
        ConfigError: it is missing or wrong, or recipes start from one another in a circle.
    """
    upstream = _named_upstream(loaded)
    following, chain = upstream, {loaded.path.resolve()}
    while following is not None:
        if following.path.resolve() in chain:
            raise ConfigError(f"{loaded.path}: initialise.from: recipes start from one another.")
        chain.add(following.path.resolve())
        following = _named_upstream(following)
    return upstream


def _named_upstream(loaded: LoadedRecipe) -> LoadedRecipe | None:
    upstream = _recipe_upstream(loaded.recipe)
    if upstream is None:
        return None
    return load(recipe_beside(loaded.path, "initialise.from", upstream.from_), upstream.set)


def _recipe_upstream(recipe: Recipe) -> Initialise | None:
    """What a recipe says of the recipe that it starts from; ``None`` where that is none."""
    first = recipe.initialise
    return first if first is not None and first.is_recipe else None


def recipe_beside(recipe: Path, key: str, name: str) -> Path:
    """A recipe named in another is beside it, or where the path says from here."""
    for path in (recipe.parent / name, Path(name)):
        with suppress(OSError):  # a name that no file can have
            if path.is_file():
                return path
    raise ConfigError(
        f"{recipe}: {key}: {shortened(str(recipe.parent / name))}: there is no such recipe. Name "
        f"one beside {recipe.name}."
    )
