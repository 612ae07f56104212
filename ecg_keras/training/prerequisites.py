"""What is checked before a training: that first weights and memory fit, one process alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_keras import data, models, weights
from ecg_keras.config import Recipe
from ecg_keras.data import stored_length
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training.run import run_of
from ecg_keras.training.tuned import read_network

# of the environment: how many processes of a study train on this machine at a time, of which each
# finds the memory free that the others are about to take
SHARED_BY = "ECG_KERAS_MEMORY_SHARED_BY"


def check_weights(
    upstream: Path, recipe: Recipe, *, leads: Sequence[str], labels: Sequence[str] | None = None
) -> None:
    """Refuses first weights that can't be used, as far as that is known without a dataset.

    Args:
        upstream: a run folder or its ``model.keras``; or a lone ``.keras`` file, which names
            neither leads nor rate.
        recipe: of the run that is to begin with them.
        leads: of its data.
        labels: of its data, where they are known before the data are prepared.

    Raises:
        ConfigError: the head of a single file is to be kept, whose labels nobody knows.
        DataError: there are no weights, or they are of another network, other leads, another
            sampling rate, or a head or length that they depend on; behind another scaling or
            preprocessing that is to come with them; or of other labels and the head is kept.
    """
    network = recipe.model
    keep_head = recipe.initialise is not None and recipe.initialise.head == "keep"
    taken = tuple(network.preprocessing.leads or leads)
    _check_card(upstream, taken, recipe.data.sampling_rate, keep_head)
    if keep_head and weights.describe_head(upstream, run_of(upstream).card):
        refuse_head(upstream)
    if keep_head and labels is not None:
        check_labels(upstream, _labels_of(upstream), tuple(labels))
    _check_scaling(upstream, recipe)
    theirs = models.read_architecture(upstream)
    if keep_head and theirs.further_head:
        raise DataError(
            f"{upstream}: its head has further layers ({theirs.further_head[0]}), which this "
            "recipe's network lacks, and can't be kept: use `initialise: {head: new}`."
        )
    inside = None if "preprocess_leads" in theirs.layers else theirs.num_leads
    named = network.backbone in models.BACKBONES  # one of your own has what name it likes
    head = models.published_head(network.backbone, network.head) or network.head
    by_head = keep_head or not models.weights_fit(network.backbone, theirs.head, head)
    by_length = theirs.flattened and (
        keep_head or not named or network.backbone in models.DENSE_EMBEDDINGS
    )
    length = theirs.num_samples if by_length else None
    for what, old, new, setting in (
        ("network", theirs.backbone if named else None, network.backbone, "model.backbone"),
        ("number of leads", inside, len(taken), "data.leads"),
        ("head", theirs.head if named and by_head else None, head, "model.head"),
        ("length in samples", length, stored_length(recipe.data), "data.seconds"),
    ):
        if old not in (None, new):
            published = what == "network" and old not in models.BACKBONES
            advice = f"; what others published is imported: ecg-keras import {upstream} --card CARD"
            raise DataError(
                f"{upstream}: its {what} is {old}, and this recipe's {new}. Set {setting} to the "
                f"upstream's, or choose another upstream{advice * published}."
            )


def _check_scaling(upstream: Path, recipe: Recipe) -> None:
    """Refuses other settings of the layers that come with the weights than those of their run."""
    theirs = read_network(run_of(upstream))
    if theirs is None or recipe.initialise is None or recipe.initialise.scaling == "own":
        return
    ours = recipe.model
    leads = {"leads", "missing"}  # which have rules of their own
    for key, old, new in (
        ("model.scaling", theirs.scaling, ours.scaling),
        *(
            (f"model.preprocessing.{name}", old, getattr(ours.preprocessing, name))
            for name, old in theirs.preprocessing
            if name not in leads
        ),
    ):
        if old != new:
            raise DataError(
                f"{upstream}: its {key} is {_plain(old)}, and this recipe's {_plain(new)}. Remove "
                "this key, choose another upstream, or train the network behind its own: "
                "initialise.scaling: own."
            )


def _plain(value: Any) -> str:
    """A setting as a recipe may have it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return str(value.model_dump(exclude_defaults=True) if hasattr(value, "model_dump") else value)


def check_upstream(
    upstream: Path,
    dataset: data.Dataset,
    *,
    keep_head: bool,
    leads: Sequence[str] | None = None,
) -> None:
    """Refuses an upstream that was trained on other signals than the dataset's.

    Whether its weights are there is seen when they are opened: it may be the folder of a lone file.

    Args:
        upstream: a run folder, or a ``.keras`` file.
        dataset: that it is to be used on.
        keep_head: whether its head is kept.
        leads: that its backbone is to get; ``None`` gives the whole network the dataset's.

    Raises:
        ConfigError: the head of a single file is to be kept, whose labels nobody knows.
        DataError: leads or sampling rate differ; or the head is kept and the labels differ.
    """
    whole = leads is None
    taken = dataset.leads if leads is None else tuple(leads)
    _check_card(upstream, taken, dataset.sampling_rate, keep_head, whole=whole)
    if keep_head:
        check_labels(upstream, _labels_of(upstream), dataset.labels)


def _labels_of(upstream: Path) -> tuple[str, ...]:
    return data.read_dataset(run_of(upstream).dataset).labels


def refuse_head(upstream: Path) -> None:
    """Raises a `DataError`: published weights have no head that could be kept."""
    raise DataError(
        f"{upstream}: none of its weights is of a head, so there is none to keep: use "
        "`initialise: {head: new}`."
    )


def check_labels(upstream: Path, theirs: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Refuses to keep a head whose labels are not those of a recipe.

    Args:
        upstream: the weights, for errors.
        theirs: its labels.
        labels: the recipe's.

    Raises:
        DataError: they are others, or in another order.
    """
    if theirs != labels:
        raise DataError(
            f"{upstream}: its head is for {_say(theirs)} and this recipe's labels are "
            f"{_say(labels)}. A head can be kept only for the same labels in the same "
            "order: use `initialise: {head: new}`."
        )


def _check_card(
    upstream: Path,
    leads: tuple[str, ...],
    sampling_rate: float,
    keep_head: bool,
    *,
    whole: bool = False,
) -> None:
    """Compares leads and rate with those in the upstream's dataset.json, where it has one."""
    run = run_of(upstream)
    if run.dataset.is_file():
        theirs = data.read_dataset(run.dataset)
        network = read_network(run)
        inside = None if network is None or whole else network.preprocessing.leads
        for what, old, new, setting in (
            ("leads", tuple(inside or theirs.leads), leads, "data.leads"),
            ("sampling rate", theirs.sampling_rate, sampling_rate, "data.sampling_rate"),
        ):
            if old != new:
                fewer = what == "leads" and not whole and set(leads) < set(inside or theirs.leads)
                raise DataError(
                    f"{upstream}: was trained with {what} {_say(old)}, and this recipe has "
                    f"{_say(new)}. Set {setting} to the upstream's, or choose another upstream"
                    f"{', or take missing leads as zero with initialise.leads: fewer' * fewer}."
                )
    elif keep_head:
        raise ConfigError(
            f"initialise.head keep needs a run folder, whose dataset.json names the labels. "
            f"Received: {upstream}."
        )


def _say(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g} Hz"


def check_one_worker() -> None:
    """Raises a `ConfigError` where a launcher has begun one of several workers.

    Each would train alone, on all records and into the same run folder. Keras' ``fit`` does not
    work under `tf.distribute.MultiWorkerMirroredStrategy` (keras issue 20585).
    """
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        cluster = json.loads(text).get("cluster", {})
        workers = sum(len(cluster.get(kind, ())) for kind in ("chief", "worker"))
    except (ValueError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"TF_CONFIG is no JSON object with a cluster: {error}. Unset it, or correct it."
        ) from error
    if workers > 1:
        raise ConfigError(
            f"TF_CONFIG names {workers} workers, and a run is trained by one process: on all GPUs "
            "of one machine with `training.devices: mirrored`. Unset TF_CONFIG and begin one; for "
            "several machines, divide the runs of a study with `ecg-keras study STUDY --shard 1/2`."
        )


def decide_memory(
    begun: Mapping[str, Any], shards: Path, dataset: data.Dataset, records: int
) -> bool:
    """Whether a training reads its split from memory: as the status of a run that has ``begun``
    says, which is empty before, for the order of its records depends on it; a split that no longer
    fits is refused.
    """
    if not begun:
        processes = int(os.environ.get(SHARED_BY, 1))
        return data.fits_in_memory(dataset, records * processes)
    if "in_memory" not in begun:  # earlier versions took up to half of what is free
        return data.fits_in_memory(dataset, records, share=0.5)
    if begun["in_memory"]:
        resume = ", and run the same command again: this run began with it in memory"
        data.check_memory(f"{shards}: the train split", dataset, records, resume)
    return bool(begun["in_memory"])
