"""The recipe that another is compared with, and which of the other's overrides reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecg_keras.config import LoadedRecipe, Preprocessing, Recipe, Tune, load_recipe
from ecg_keras.errors import ConfigError
from ecg_keras.workflow.recipes import first_network, load, recipe_beside

# sections whose overrides reach the baseline; data and evaluation are those of the recipe anyway
SHARED = ("training", "model")
# what a phase says of weights that are not random
OF_FINE_TUNING = ("train_from", "stage_decay", "fit")
# signals in millivolts as they are
PLAIN = Preprocessing().model_dump(mode="json")


def baseline_recipe(loaded: LoadedRecipe) -> LoadedRecipe | None:
    """The recipe that ``evaluation.baseline`` names, on this recipe's data and evaluation.

    Both runs then train on the same records, are tested on the same patients, and are tuned over
    as many settings: the baseline's own or the recipe's. Overrides of ``training`` and ``model``
    reach it too, but for those that `overrides_left_out` lists. Where the recipe starts from
    published weights, a run or another recipe and names no backbone itself, the baseline has
    theirs, at random weights, and their preprocessing, unless ``baseline_set`` names another.

    Raises:
        ConfigError: it is missing or wrong, names a baseline itself, would choose its epoch on
            another split, or is tuned over another number of settings.
    """
    path = _baseline_path(loaded)
    if path is None:
        return None
    overrides, _ = _shared_overrides(loaded, path)
    own = loaded.recipe.evaluation.baseline_set
    overrides |= own
    network = first_network(loaded.path, loaded.recipe).get("model", {})
    inherits = "backbone" in network and "model.backbone" not in own
    plain = load_recipe(path, overrides).recipe
    if inherits and plain.initialise is None and not _names_backbone(loaded):
        overrides["model.backbone"] = loaded.recipe.model.backbone
    elif "backbone" in plain.model.model_fields_set:
        network = {}
    if network.get("preprocessing", PLAIN) == PLAIN:  # both recipes say the same of the network
        network = {}
    baseline = load(path, overrides, {"model": network} if network else None)
    if baseline.recipe.evaluation.baseline is not None:
        raise ConfigError(f"{baseline.path}: a baseline must not name a baseline itself.")
    theirs, ours = (one.recipe.training.validate_on for one in (baseline, loaded))
    if theirs != ours:
        raise ConfigError(
            f"{loaded.path}: training.validate_on is {ours}, and {theirs} in the baseline "
            f"{baseline.path}: where one alone chooses its epoch on the test split, the comparison "
            "says nothing. Make them equal."
        )
    evaluation = loaded.recipe.evaluation.model_copy(update={"baseline": None, "baseline_set": {}})
    recipe = baseline.recipe.model_copy(
        update={
            "data": loaded.recipe.data,
            "evaluation": evaluation,
            "run": None,
            "tune": _baseline_tune(loaded, baseline),
        }
    )
    return replace(baseline, recipe=recipe, variant=loaded.variant)


def _baseline_tune(loaded: LoadedRecipe, baseline: LoadedRecipe) -> Tune | None:
    """The baseline's own candidates, or the recipe's, which must be as many; a ridge head, which
    has no rate to tune, has its own alone.
    """
    ours, theirs = loaded.recipe.tune, baseline.recipe.tune
    if ours is not None and theirs is not None and len(ours.candidates) != len(theirs.candidates):
        raise ConfigError(
            f"{loaded.path}: tune has {len(ours.candidates)} candidates, and the baseline "
            f"{baseline.path} {len(theirs.candidates)}: what has more of them gains by that alone. "
            "Make them as many, or remove tune from the baseline, which then takes these."
        )
    return theirs if baseline.recipe.training.in_closed_form else theirs or ours


def _names_backbone(loaded: LoadedRecipe) -> bool:
    """Whether the recipe names its backbone itself, and does not just have its first weights'."""
    return "backbone" in load_recipe(loaded.path, loaded.overrides).recipe.model.model_fields_set


def overrides_left_out(loaded: LoadedRecipe) -> tuple[str, ...]:
    """What of the recipe's overrides does not reach its baseline, in sentences.

    An override is left out where the two recipes differ by design: where their files say something
    else of its key. ``training.phases`` as a whole always reaches the baseline, for otherwise one
    arm of the comparison would be trained for longer than the other.

    Raises:
        ConfigError: as `baseline_recipe`.
    """
    path = _baseline_path(loaded)
    return () if path is None else _shared_overrides(loaded, path)[1]


def _baseline_path(loaded: LoadedRecipe) -> Path | None:
    name = loaded.recipe.evaluation.baseline
    return None if name is None else recipe_beside(loaded.path, "evaluation.baseline", name)


def _shared_overrides(loaded: LoadedRecipe, path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The overrides that reach the baseline, and what of the others is to be said."""
    changed = {key: value for key, value in loaded.overrides.items() if key.split(".")[0] in SHARED}
    if not changed:
        return {}, ()
    # the files are compared as they are, and what starts from another file by what is in that
    others = {
        key: value
        for key, value in loaded.overrides.items()
        if key not in changed and not key.startswith("initialise.set.model.")
    }
    # what is wrong in the file may be right with the override
    ours = load_recipe(
        loaded.path, others, defaults=lambda recipe: first_network(loaded.path, recipe)
    ).recipe
    theirs = load(path).recipe
    shared: dict[str, Any] = {}
    notes = []
    for key, value in changed.items():
        if key == "training.phases":
            shared[key], note = _as_phases_of(theirs, value)
            if note:
                notes.append(f"{path}: --set {key} reaches the baseline {note}.")
        elif _look_up(ours, key) == _look_up(theirs, key):
            shared[key] = value
        elif key not in loaded.recipe.evaluation.baseline_set:
            there, here = (_describe(_look_up(recipe, key)) for recipe in (theirs, ours))
            notes.append(
                f"{path}: --set {key}={value} does not reach the baseline, in which {key} is "
                f"{there} by design, and {here} in {loaded.path.name}. Set it there with --set "
                f"evaluation.baseline_set.{key}=..."
            )
    return shared, tuple(notes)


def _as_phases_of(baseline: Recipe, phases: Any) -> tuple[Any, str]:
    """Phases for the baseline, and in which way they are others."""
    if baseline.initialise is not None or not isinstance(phases, list):
        return phases, ""
    whole = [
        {key: value for key, value in phase.items() if key not in OF_FINE_TUNING}
        if isinstance(phase, Mapping)
        else phase
        for phase in phases
    ]
    if whole == phases:
        return phases, ""
    *some, last = OF_FINE_TUNING
    kept = f"without {', '.join(some)} and {last}"
    return whole, f"{kept}: from random weights every stage trains"


def _look_up(recipe: Recipe, key: str) -> Any:
    """The value of a dotted key, ``None`` where there is no place for it."""
    node: Any = recipe.model_dump(mode="json", by_alias=True)
    for part in key.split("."):
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return None
    return node


def _describe(value: Any) -> str:
    return "nothing" if value is None else str(value)
