"""Recipes checked against the tables of the layers below, and the recipes that a recipe names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ecg_keras import config, sources, training
from ecg_keras.config import (
    Data,
    Initialise,
    LoadedRecipe,
    Model,
    Problem,
    Recipe,
    Simulate,
    Training,
)
from ecg_keras.data import check_augment, stored_leads, stored_length
from ecg_keras.errors import (
    ConfigError,
    DataError,
    EcgKerasError,
    look_up,
    shortened,
    unknown_name,
)
from ecg_keras.models import AS_PUBLISHED_HEAD, BACKBONES, STAGES, find_backbone
from ecg_keras.signals import canonical_lead
from ecg_keras.simulate import HOSPITALS
from ecg_keras.workflow.first_weights import (
    check_first_weights,
    defaults_of,
    network_of_recipe,
)

# what can't be checked where one of these is wrong
NEEDS: Mapping[tuple[str | int, ...], tuple[tuple[str, str], ...]] = {
    ("data", "label_set"): (("data", "source"),),
    ("model", "preprocessing"): (("data", "leads"), ("data", "seconds")),
    ("training", "augment"): (("data", "leads"), ("data", "seconds")),
    ("training", "augment", "crop"): (("data", "seconds"),),
}


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


def check_names(recipe: Recipe) -> Iterator[Problem]:
    """Problems with names that only the data and models layers can know."""
    checks: dict[tuple[str | int, ...], Callable[[], object]] = {
        ("data", "source"): lambda: sources.source_of(recipe.data),
        ("data", "label_set"): lambda: _check_label_set(recipe.data),
        ("data", "leads"): lambda: stored_leads(recipe.data),
        ("data", "seconds"): lambda: stored_length(recipe.data),
        ("training", "augment"): lambda: check_augment(
            recipe.training.augment,
            leads=stored_leads(recipe.data),
            sampling_rate=recipe.data.sampling_rate,
            num_samples=stored_length(recipe.data),
        ),
        ("data", "folder", "lead_names"): lambda: _check_lead_names(recipe.data),
        ("data", "simulate", "hospital"): lambda: _check_hospital(recipe.data.simulate),
        ("model", "backbone"): lambda: _check_backbone(recipe.model.backbone),
        ("model", "preprocessing"): lambda: _check_preprocessing(recipe),
        ("training", "patience"): lambda: _check_patience(recipe.training),
        ("training", "augment", "crop"): lambda: _check_crop(recipe),
    }
    checks["training", "loss"] = lambda: training.LOSSES.check(recipe.training.loss)
    checks["training", "optimizer"] = lambda: training.check_optimizer(recipe.training)
    for number, callback in enumerate(recipe.training.callbacks):
        checks["training", "callbacks", number] = partial(training.CALLBACKS.check, callback)
    for number, phase in enumerate(recipe.training.phases):
        checks["training", "phases", number, "train_from"] = partial(
            _check_stage, recipe.model, phase.train_from
        )
    failed: set[tuple[str | int, ...]] = set()
    for key, check in checks.items():
        if failed.intersection(NEEDS.get(key, ())):
            continue
        try:
            check()
        except EcgKerasError as error:
            failed.add(key)
            yield Problem(key, str(error))
    if not failed:  # what is wrong with the recipe is wrong with each of its candidates
        yield from _check_candidates(recipe)


def _check_candidates(recipe: Recipe) -> Iterator[Problem]:
    """Problems with what the recipe is tuned over."""
    try:
        trials = config.list_trials(recipe, "recipe")
    except ConfigError as error:
        yield Problem(("tune", "candidates"), str(error).partition(": tune: ")[2])
        return
    for name, trial in trials.items():
        for problem in check_names(trial):
            key = ".".join(map(str, problem.key))
            yield Problem(("tune", "candidates"), f"{name}: {key}: {problem.message}")


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


def known_labels(data: Data) -> tuple[str, ...] | None:
    """The labels of a dataset, where they are known before it is prepared.

    Example:
        >>> known_labels(load("recipes/ludb_scratch.yaml").recipe.data)
        ('NORM', 'MI', 'STTC', 'HYP', 'CD')
    """
    if data.source == sources.FOLDER:
        return None
    return tuple(sources.check_label_set(sources.source_of(data), data.label_set))


def _check_label_set(data: Data) -> None:
    if data.source != sources.FOLDER:
        sources.check_label_set(sources.source_of(data), data.label_set)
    elif data.label_set is not None:  # its labels are in a table, which may not be there yet
        raise ConfigError(
            "source folder has the labels of its table: remove label_set, and choose among them "
            "with data.folder.labels."
        )


def _check_lead_names(data: Data) -> None:
    names = {} if data.folder is None else data.folder.lead_names or {}
    spelled: dict[str, str] = {}
    for spelling, lead in names.items():
        plain = spelling.strip().lower()
        if not plain:
            raise ConfigError("a spelling of a lead is empty. Name it as the files do.")
        try:
            known = canonical_lead(lead)
        except DataError as error:
            raise ConfigError(f"{spelling}: {error}") from error
        if spelled.setdefault(plain, known) != known:
            raise ConfigError(
                f"{spelling!r} is to be lead {known} and lead {spelled[plain]}: case and blanks do "
                "not matter. Name one."
            )


def _check_hospital(settings: Simulate | None) -> None:
    if settings is not None:
        look_up("hospital", settings.hospital, HOSPITALS)


def _check_backbone(name: str) -> None:
    if ":" in name:
        find_backbone(name)
    else:  # without building one, which would import TensorFlow
        look_up("backbone", name, BACKBONES)


def _check_preprocessing(recipe: Recipe) -> None:
    wanted, stored = recipe.model.preprocessing, recipe.data
    try:
        config.check_signals(
            wanted.filters,
            wanted.scaling,
            leads=len(wanted.leads or stored_leads(stored)),
            sampling_rate=stored.sampling_rate,
            num_samples=stored_length(stored),
        )
    except ValueError as error:
        raise ConfigError(f"{error}. Change it, or data.sampling_rate or seconds.") from error


def _check_patience(settings: Training) -> None:
    # here and not where recipes are read, as runs of earlier versions have both
    if settings.patience is not None and settings.select == "last":
        raise ConfigError(
            "select: last keeps the last epoch whatever its score, so no phase ends for want of a "
            "better one. Set it to null, with which runs that have both stay what they are, or "
            "select to best_macro_auroc or another score."
        )


def _check_crop(recipe: Recipe) -> None:
    crop, model = recipe.training.augment.crop, recipe.model
    if crop is None:
        return
    if model.preprocessing.filters:
        raise ConfigError(
            "the network filters whole ECGs first, and a crop has other ends. Set it to null."
        )
    # of a user's own backbone known once it is built
    head = model.head if model.head != "as_published" else AS_PUBLISHED_HEAD.get(model.backbone)
    whole = round(crop * recipe.data.sampling_rate) == stored_length(recipe.data)
    if head == "flattened" and not whole:
        raise ConfigError(
            f"the head of {model.backbone} is flattened: it has a weight for every time step and "
            "takes whole ECGs only. Set it to null, or model.head to pooled, mean_max or attention."
        )


def _check_stage(model: Model, stage: str) -> None:
    stages = STAGES.get(model.backbone, (stage,))  # of a user's own known once it is built
    if model.head == "attention" and "embedding" not in stages:
        stages = (*stages[:-1], "embedding", *stages[-1:])
    if stage not in stages:
        raise ConfigError(unknown_name("stage", stage, stages))


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
