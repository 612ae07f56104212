"""Recipes checked against the tables of the layers below: sources, networks, losses and others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from ecg_keras import config, sources, training
from ecg_keras.config import Data, Model, Problem, Recipe, Training
from ecg_keras.data import check_augment, stored_leads, stored_length
from ecg_keras.errors import ConfigError, DataError, EcgKerasError, look_up, unknown_name
from ecg_keras.models import (
    BACKBONES,
    STAGES,
    find_backbone,
    highest_rate_of,
    published_head,
)
from ecg_keras.signals import canonical_lead
from ecg_keras.simulate import HOSPITALS

# what can't be checked where one of these is wrong
NEEDS: Mapping[tuple[str | int, ...], tuple[tuple[str, str], ...]] = {
    ("data", "label_set"): (("data", "source"),),
    ("model", "preprocessing"): (("data", "leads"), ("data", "seconds")),
    ("training", "augment"): (("data", "leads"), ("data", "seconds")),
    ("training", "augment", "crop"): (("data", "seconds"),),
}


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
        ("data", "simulate", "hospital"): lambda: (
            recipe.data.simulate and look_up("hospital", recipe.data.simulate.hospital, HOSPITALS)
        ),
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


def rate_warning(recipe: Recipe) -> str | None:
    """A sentence where a recipe trains its network at a higher rate than it is known to take.

    A tuned one is tried with several, of which the lowest counts.

    Example:
        >>> training = {"phases": [{"epochs": 9, "learning_rate": 0.003}]}
        >>> recipe = {"mode": "scratch", "data": {"source": "ptb", "raw": "ptb"},
        ...           "model": {"backbone": "vit1d"}, "training": training}
        >>> rate_warning(Recipe.model_validate(recipe)).partition(":")[0]
        'vit1d is not known to learn at 0.003'
    """
    limit = highest_rate_of(recipe.model.backbone)
    optimizer, _ = config.name_and_settings(recipe.training.optimizer)
    # what a network takes of one of these it takes of the others, or less
    if limit is None or not training.OPTIMIZERS.find(optimizer).steps_like_adam:
        return None
    phases = recipe.training.phases
    lowest = min(config.trial_rates(recipe).values(), default=phases[-1].learning_rate)
    share = lowest / phases[-1].learning_rate
    for number, phase in enumerate(phases):
        rate = float(f"{phase.learning_rate * share:g}")  # without the noise of the product
        if phase.train_from != "head" and rate > limit:
            return (
                f"{recipe.model.backbone} is not known to learn at {rate:g}: it takes a learning "
                f"rate of at most {limit:g}. Lower it, with --set "
                f"training.phases.{number}.learning_rate={limit / share:g} for a "
                "recipe, or in the base or a protocol of a study."
            )
    return None


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
    head = published_head(model.backbone, model.head)
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
