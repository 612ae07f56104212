"""What first weights say of the recipe that starts from them: its network, leads and rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ecg_keras import data
from ecg_keras.config import (
    Initialise,
    LoadedRecipe,
    Model,
    Preprocessing,
    Problem,
    Recipe,
    leaves,
)
from ecg_keras.data import stored_leads, stored_length
from ecg_keras.errors import ConfigError, EcgKerasError, listed, shortened
from ecg_keras.models import DENSE_EMBEDDINGS, published_head, weights_fit
from ecg_keras.signals import LEADS, missing_leads
from ecg_keras.training import Run, read_network, run_of
from ecg_keras.workflow.published import PublishedWeights, is_weights_file, open_published

# of section `model`, what weights are of
NETWORK = {"backbone", "head", "scaling", "preprocessing"}
# what may differ from the weights: another head is new, and leads have a rule of their own
FREE = {("model", "head"), ("model", "preprocessing", "missing"), ("data", "leads")}
Defaults = Mapping[str, Mapping[str, Any]]


def published_of(recipe: Recipe) -> PublishedWeights | None:
    """The file of weights that others published, which a recipe starts from; ``None`` for others.

    Raises:
        ConfigError, DataError: as `open_published`.
    """
    initialise = recipe.initialise
    if initialise is None or not is_weights_file(initialise.from_):
        return None
    return open_published(initialise.from_)


def defaults_of(recipe: Recipe) -> Defaults:
    """What a recipe has where it does not set it: the network and the signals of its first weights.

    Nothing where these are random, a recipe's, a lone ``.keras`` file or not there yet, or what is
    beside them is damaged: `check_first_weights` says so.
    """
    initialise = recipe.initialise
    if initialise is None or not Path(initialise.from_).exists():
        return {}
    try:
        published = published_of(recipe)
        if published is not None:
            return _of_published(published, initialise)
        run = run_of(Path(initialise.from_))
        network = read_network(run)
        return {} if network is None else _of_run(run, network, initialise)
    except EcgKerasError:
        return {}


def network_of_recipe(upstream: Recipe, initialise: Initialise) -> dict[str, Any]:
    """What a recipe has of the network of the recipe that it starts from, where it sets nothing."""
    model = upstream.model
    network = {"backbone": model.backbone} if "backbone" in model.model_fields_set else {}
    if initialise.leads == "fewer" or model.preprocessing != Preprocessing():
        found = _of_network(model, initialise, _leads_of(upstream))
        network |= {key: found[key] for key in ("preprocessing", "scaling") if key in found}
    return network


def check_upstream_recipe(
    loaded: LoadedRecipe, upstream: LoadedRecipe, labels: Sequence[Sequence[str] | None]
) -> None:
    """Refuses a recipe whose network can't take the weights of the recipe that it starts from.

    ``labels`` are those of the two, where they are known before the data are prepared.
    """
    _check_chosen_network(loaded, upstream)
    initialise = loaded.recipe.initialise
    keep_head = initialise is not None and initialise.head == "keep"
    whole = initialise is not None and initialise.scaling == "upstream"
    ours, theirs = (_describe(one.recipe) for one in (loaded, upstream))
    own_code = any(":" in one["model.backbone"] for one in (ours, theirs))
    head, backbone = "model.head", ours["model.backbone"]
    by_length = keep_head or backbone in DENSE_EMBEDDINGS
    compared = {
        "model.backbone": not own_code,  # a network of your own has what name it likes
        "data.leads": True,
        "data.sampling_rate": True,
        "model.scaling": whole,
        "model.preprocessing": whole,
        head: keep_head or not weights_fit(backbone, theirs[head], ours[head]),
        "data.seconds": by_length and "flattened" in (ours[head], theirs[head]),
    }
    for key in (key for key, counts in compared.items() if counts):
        if ours[key] != theirs[key]:
            fewer = key == "data.leads" and set(ours[key]) < set(theirs[key])
            raise ConfigError(
                f"{loaded.path}: {key} is {_say(ours[key])}, and {_say(theirs[key])} in the recipe "
                f"that it starts from, {upstream.path}. Make them equal: --set {key}=... or --set "
                f"initialise.set.{key}=..."
                f"{', or take missing leads as zero with initialise.leads: fewer' * fewer}"
            )
    here, there = labels
    if keep_head and None not in labels and here != there:
        raise ConfigError(
            f"{loaded.path}: data.label_set gives {listed(here or ())}, and "
            f"{listed(there or ())} in the recipe that it starts from, {upstream.path}. A head can "
            "be kept only for the same labels in the same order: use `initialise: {head: new}`."
        )


def _check_chosen_network(loaded: LoadedRecipe, upstream: LoadedRecipe) -> None:
    """Refuses what starts from a recipe whose network is known once it was chosen."""
    tune = upstream.recipe.tune
    chosen = {key for one in tune.candidates for key in one.recipe.get("model", {})} if tune else ()
    if keys := sorted(NETWORK.intersection(chosen)):
        raise ConfigError(
            f"{loaded.path}: the recipe that it starts from, {upstream.path}, chooses its model."
            f"{', model.'.join(keys)} among candidates (tune), so it is not known before. Train "
            "it, and name the folder of its run: --set initialise.from=RUN."
        )


def _describe(recipe: Recipe) -> dict[str, Any]:
    """What has to be alike of two recipes of which one starts from the other, by key."""
    model = recipe.model
    return {
        "model.backbone": model.backbone,
        "model.head": published_head(model.backbone, model.head) or model.head,
        "model.scaling": model.scaling,
        "model.preprocessing": model.preprocessing.model_dump(exclude={"leads", "missing"}),
        "data.leads": _leads_of(recipe),
        "data.sampling_rate": recipe.data.sampling_rate,
        "data.seconds": stored_length(recipe.data) / recipe.data.sampling_rate,
    }


def _leads_of(recipe: Recipe) -> tuple[str, ...]:
    """The leads that its network gets."""
    return recipe.model.preprocessing.leads or stored_leads(recipe.data)


def _say(value: Any) -> str:
    return listed(value) if isinstance(value, tuple) else str(value)


def _of_published(published: PublishedWeights, initialise: Initialise) -> Defaults:
    card = published.card
    return {
        "model": _of_network(published.model, initialise, card.leads),
        "data": _of_signals(card.leads, card.sampling_rate, card.num_samples),
    }


def _of_run(run: Run, network: Model, initialise: Initialise) -> Defaults:
    """A run of ours keeps to its own length: one that pools over time takes any."""
    signals = data.read_dataset(run.dataset)
    length = signals.num_samples if run.card.is_file() else None
    model = _of_network(network, initialise, network.preprocessing.leads or signals.leads)
    if not run.card.is_file():
        del model["head"]
    if ":" in network.backbone:  # code is not run because a folder names it: `check_first_weights`
        del model["backbone"]
    return {"model": model, "data": _of_signals(signals.leads, signals.sampling_rate, length)}


def _of_network(network: Model, initialise: Initialise, leads: tuple[str, ...]) -> dict[str, Any]:
    model = network.model_dump(mode="json", exclude={"dropout"})
    if initialise.scaling == "own":
        del model["scaling"]
    if initialise.leads == "fewer":
        model["preprocessing"] |= {"leads": list(leads), "missing": "zero"}
    return model


def _of_signals(
    leads: tuple[str, ...], sampling_rate: float, num_samples: int | None
) -> dict[str, Any]:
    return {
        "sampling_rate": sampling_rate,
        **({} if num_samples is None else {"seconds": num_samples / sampling_rate}),
        **({} if leads == LEADS else {"leads": list(leads)}),
    }


def check_first_weights(recipe: Recipe) -> Iterator[Problem]:
    """Problems with published weights, or between them and what a recipe sets itself."""
    initialise = recipe.initialise
    if initialise is None or not Path(initialise.from_).exists():
        return
    try:
        published = published_of(recipe)
    except EcgKerasError as error:
        yield Problem(("initialise", "from"), str(error))
        return
    run = run_of(Path(initialise.from_))
    own = "" if published is not None else _own_code_of(run)
    if own and "backbone" not in recipe.model.model_fields_set:
        yield Problem(
            ("model", "backbone"),
            f"the network of {initialise.from_} is code of your own, {shortened(own)}, which is "
            f"not run because a folder names it. Set model.backbone={shortened(own)} yourself, if "
            "you trust that code.",
        )
    if published is None and not run.card.is_file():
        return  # what a run of ours wants is checked with its file
    settings = dict(leaves(recipe.model_dump(mode="json", by_alias=True)))
    for key, wanted in leaves(defaults_of(recipe)):
        given = settings.get(key)
        if key not in FREE and given != wanted:
            yield Problem(
                key,
                f"is {given}, and the weights of {initialise.from_} want {wanted}, as their card "
                "says. Remove this key, or choose other weights.",
            )
    yield from _check_leads(recipe)


def _own_code_of(run: Run) -> str:
    """The backbone of a run where it is no name of ours; empty where it is, or is not known."""
    with suppress(EcgKerasError):  # a damaged run is checked with its file
        network = read_network(run)
        if network is not None and ":" in network.backbone:
            return network.backbone
    return ""


def _check_leads(recipe: Recipe) -> Iterator[Problem]:
    wanted = recipe.model.preprocessing
    leads = stored_leads(recipe.data)
    missing = missing_leads(leads, wanted.leads or leads)
    if missing and (wanted.missing == "refuse" or len(missing) == len(wanted.leads or leads)):
        yield Problem(
            ("data", "leads"),
            f"the weights want {', '.join(wanted.leads or ())}, and {', '.join(missing)} are not "
            "among these leads. Remove this key, or take missing leads as zero with "
            "initialise.leads: fewer.",
        )
