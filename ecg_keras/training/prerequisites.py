"""What is checked before a training: first weights that fit the dataset, one process alone."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ecg_keras import data
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training.run import Run


def check_weights(
    upstream: Path, *, leads: Sequence[str], sampling_rate: float, keep_head: bool
) -> None:
    """Refuses first weights that can't be used, as far as that is known without a dataset.

    Args:
        upstream: a run folder, or a ``.keras`` file, which names neither leads nor rate.
        leads: that the network is to be trained with.
        sampling_rate: of these, in Hz.
        keep_head: whether the upstream's head is kept.

    Raises:
        ConfigError: the head of a single file is to be kept, whose labels nobody knows.
        DataError: there are no weights, or they are of other leads or another sampling rate.
    """
    _check_card(upstream, tuple(leads), sampling_rate, keep_head)
    model = Run(upstream).model if upstream.is_dir() else upstream
    if not model.is_file():
        raise DataError(
            f"{model}: no such model. Name a .keras file, or the folder of a run that finished "
            "training."
        )
    if not zipfile.is_zipfile(model):
        raise DataError(
            f"{model}: not a Keras model that opens safely (the file is damaged or not whole). "
            "Copy it again or train it again."
        )


def check_upstream(upstream: Path, dataset: data.Dataset, *, keep_head: bool) -> None:
    """Refuses an upstream that was trained on other signals than the dataset's.

    Whether its weights are there is seen when they are opened: it may be the folder of a lone file.

    Raises:
        ConfigError: the head of a single file is to be kept, whose labels nobody knows.
        DataError: leads or sampling rate differ; or the head is kept and the labels differ.
    """
    _check_card(upstream, dataset.leads, dataset.sampling_rate, keep_head)
    if not keep_head:
        return
    theirs = data.read_dataset(Run(upstream).dataset)
    if theirs.labels != dataset.labels:
        raise DataError(
            f"{upstream}: its head is for {_say(theirs.labels)} and this recipe's labels are "
            f"{_say(dataset.labels)}. A head can be kept only for the same labels in the same "
            "order: use `initialise: {head: new}`."
        )


def _check_card(
    upstream: Path, leads: tuple[str, ...], sampling_rate: float, keep_head: bool
) -> None:
    """Compares leads and rate with those in the upstream's dataset.json, where it has one."""
    card = Run(upstream).dataset
    if card.is_file():
        theirs = data.read_dataset(card)
        for what, old, new, setting in (
            ("leads", theirs.leads, leads, "data.leads"),
            ("sampling rate", theirs.sampling_rate, sampling_rate, "data.sampling_rate"),
        ):
            if old != new:
                raise DataError(
                    f"{upstream}: was trained with {what} {_say(old)}, and this recipe has "
                    f"{_say(new)}. Set {setting} to the upstream's, or choose another upstream."
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
