"""`list_trials`: the recipes of an arm's candidates, ordinary ones without a ``tune`` section."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ecg_keras.config.identity import run_mark
from ecg_keras.config.loading import compose
from ecg_keras.config.recipe_sections import Phase, Recipe, Training
from ecg_keras.config.tune import Candidate, Tune, rounded
from ecg_keras.errors import ConfigError

# keys of training that no candidate sets
OF_THE_ARM = ("validate_on", "seed")


def list_trials(recipe: Recipe, where: str) -> Mapping[str, Recipe]:
    """What an arm is tried with: for each candidate's name the recipe of its run.

    Args:
        recipe: with or without a ``tune`` section.
        where: what to call it in errors.

    Returns:
        Nothing where the recipe is not tuned.

    Raises:
        ConfigError: a candidate makes no recipe, or two of them have the same name.

    Example:
        >>> recipe = Recipe.model_validate(
        ...     {"mode": "scratch", "data": {"source": "ptb", "raw": "ptb"}, "tune": {}}
        ... )
        >>> trials = list_trials(recipe, "here")
        >>> trials["rate 3"].training.phases[0].learning_rate
        0.003
    """
    tune = tune_of(recipe)
    if tune is None:
        return {}
    trials = {one.name: trial(recipe, one, where, tune.epochs) for one in tune.candidates}
    if len(trials) < len(tune.candidates):
        raise _too_few(trials, len(tune.candidates), where)
    return trials


def check_different(trials: Mapping[str, Recipe], where: str) -> None:
    """Refuses candidates of different names that are the same training.

    For what is still to be trained: what is chosen already stays what it is.

    Args:
        trials: of `list_trials`.
        where: what to call their recipe in errors.

    Raises:
        ConfigError: two of them make the same run.

    Example:
        >>> check_different({}, "here")
    """
    different = {run_mark(_deciding(one)): name for name, one in trials.items()}
    if len(different) < len(trials):
        raise _too_few(different.values(), len(trials), where)


def check_candidates(recipe: Recipe, where: str) -> None:
    """Refuses candidates that set what an arm itself decides: `OF_THE_ARM`.

    For what is still to be trained, as `check_different`.

    Args:
        recipe: with or without a ``tune`` section.
        where: what to call it in errors.

    Raises:
        ConfigError: a candidate sets one of them.

    Example:
        >>> data = {"source": "ptb", "raw": "ptb"}
        >>> check_candidates(Recipe.model_validate({"mode": "scratch", "data": data}), "here")
    """
    for one in recipe.tune.candidates if recipe.tune else ():
        training = one.recipe.get("training", {})
        if found := [f"training.{key}" for key in OF_THE_ARM if key in training]:
            raise ConfigError(
                f"{where}: tune: {one.name}: a candidate sets no {' and no '.join(found)}: epochs "
                "and candidates are chosen on the validation split, and seeds are those of the "
                "arm, so that no test record and no lucky seed chooses. Remove it."
            )


def _too_few(different: Iterable[str], number: int, where: str) -> ConfigError:
    names = list(different)
    return ConfigError(
        f"{where}: tune: only {len(names)} of {number} candidates differ here "
        f"({'; '.join(names)}): the others are the same training, as decay and head_epochs change "
        "nothing where first weights are random, nor do rates where a ridge head is all that is "
        "fitted (tune: null), nor does a key that is set to what it is. Give this arm as many as "
        "the others."
    )


def _deciding(recipe: Recipe) -> Recipe:
    """The recipe without what decides nothing where a ridge head is all that is fitted."""
    if not recipe.training.in_closed_form:
        return recipe
    settings = recipe.training
    training = Training(
        seed=settings.seed,
        precision=settings.precision,
        validate_on=settings.validate_on,
        phases=(Phase(epochs=1, train_from="head", fit="ridge"),),
    )
    model = recipe.model.model_copy(update={"dropout": 0.0})
    return recipe.model_copy(update={"training": training, "model": model})


def tune_of(recipe: Recipe) -> Tune | None:
    """The ``tune`` section of an arm, whose candidates name what applies to it alone."""
    return None if recipe.tune is None else applicable(recipe.tune, recipe.mode)


def trial_rates(recipe: Recipe) -> Mapping[str, float]:
    """The learning rate of each candidate's last phase, by its name; nothing where none is tuned.

    Example:
        >>> data = {"source": "ptb", "raw": "ptb"}
        >>> tune = {"candidates": [{}, {"recipe": {"training": {"phases": [{"epochs": 9}]}}}]}
        >>> phases = [{"epochs": 9, "learning_rate": 0.003}]
        >>> recipe = {"mode": "scratch", "data": data, "tune": tune, "training": {"phases": phases}}
        >>> list(trial_rates(Recipe.model_validate(recipe)).values())
        [0.003, 0.001]
    """
    tune = tune_of(recipe)
    rates = {}
    for one in tune.candidates if tune else ():
        own = one.recipe.get("training", {}).get("phases")
        last = Phase.model_validate(own[-1]) if own else recipe.training.phases[-1]
        rates[one.name] = last.learning_rate * one.rate
    return rates


def applicable(tune: Tune, mode: str) -> Tune:
    """The section as far as it applies to a mode: random weights have no head before the rest."""
    if mode == "finetune":
        return tune
    plain = tuple(
        one.model_copy(update={"decay": None, "head_epochs": None}) for one in tune.candidates
    )
    return tune.model_copy(update={"candidates": plain})


def trial(recipe: Recipe, one: Candidate, where: str, share: float = 1.0) -> Recipe:
    """The recipe of one candidate.

    Args:
        recipe: of the arm.
        one: the candidate, of `tune_of` the recipe.
        where: what to call the recipe in errors.
        share: of the epochs of each phase.

    Raises:
        ConfigError: it makes no recipe.
    """
    plain = recipe.model_dump(mode="json", by_alias=True, exclude_unset=True)
    evaluation: dict[str, Any] = {"baseline": None, "baseline_set": {}}
    alone = {"tune": None, "export": False, "evaluation": evaluation}
    parts, where = [plain, alone, one.recipe], f"{where}: tune: {one.name}"
    # rate, decay and share are of the phases that the candidate itself may set
    phases = [phase.model_dump() for phase in _phases(compose(parts, where), one, share)]
    return compose([*parts, {"training": {"phases": phases}}], where)


def _phases(recipe: Recipe, one: Candidate, share: float) -> tuple[Phase, ...]:
    phases = recipe.training.phases
    if one.decay is not None:
        decayed = {"stage_decay": one.decay}
        phases = tuple(
            phase if phase.train_from == "head" else phase.model_copy(update=decayed)
            for phase in phases
        )
    if one.head_epochs is not None:
        phases = _after_head(phases, one.head_epochs)
    return tuple(
        phase.model_copy(
            update={
                "learning_rate": rounded(phase.learning_rate * one.rate),
                "epochs": math.ceil(phase.epochs * share),
            }
        )
        for phase in phases
    )


def _after_head(phases: tuple[Phase, ...], epochs: int) -> tuple[Phase, ...]:
    """The same number of epochs, of which the first ones train the head alone."""
    spent, left = 0, list[Phase]()
    for phase in phases:
        taken = min(phase.epochs, epochs - spent)
        spent += taken
        if taken < phase.epochs:
            left.append(phase.model_copy(update={"epochs": phase.epochs - taken}))
    head = phases[0].model_copy(update={"epochs": spent, "train_from": "head", "stage_decay": 1.0})
    return (head, *left)
