"""A trained network by its place: a run, a .keras file, a SavedModel, or a server's URL."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.config import data_settings, fingerprint
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.export import Card, digest_files, find_saved_model, read_card
from ecg_keras.prediction.keras_networks import open_keras
from ecg_keras.prediction.remote import connect
from ecg_keras.prediction.trained import Forward, TrainedNetwork, adapt_settings, as_probabilities
from ecg_keras.text import without_user
from ecg_keras.training import Run


def open_trained(
    place: str | Path,
    *,
    labels: Sequence[str] | None = None,
    leads: Sequence[str] | None = None,
    sampling_rate: float | None = None,
    embedding: bool = False,
    short: str | None = None,
    verify: str | None = None,
    card: str | Path | None = None,
) -> TrainedNetwork:
    """Opens a network with what is known of how it was trained and validated.

    Args:
        place: a run folder; a ``.keras`` file, alone or beside a ``dataset.json``; the folder of
            a SavedModel that `ecg_keras.export` wrote; or the URL of a model on a server,
            ``http://HOST:PORT/v1/models/NAME`` or ``grpc://HOST:PORT/NAME``.
        labels, leads, sampling_rate: of a lone ``.keras`` file.
        embedding: ask for what goes into the layer ``head`` instead of its probabilities.
        short: ``"drop"`` or ``"pad"``, what is done with recordings that are shorter than the
            network's input; by default as in the run's shards, else ``"drop"``.
        verify: ``"refuse"`` or ``"off"``, whether a recording whose unit or leads are wrong is
            refused; by default as in the run's shards, else ``"refuse"``.
        card: of a URL, the ``card.json`` of its SavedModel, where the server does not give it:
            `ecg-keras serve` does, TensorFlow Serving does not.

    Raises:
        ConfigError: labels, leads and rate of a lone file are not given, or are given where the
            run, ``dataset.json`` or card has its own; a card is missing, or not of a URL; or the
            network is a Keras model in memory.
        DataError: there is no such network, it is damaged, or does not fit what is said of it; or
            its server does not answer.

    Example:
        >>> open_trained("runs/ptbxl_scratch").num_samples  # doctest: +SKIP
        1000
    """
    if not isinstance(place, str | PathLike):
        raise ConfigError(
            "a network is named by its run, file, folder or URL. Received: "
            f"{type(place).__name__}. Save a Keras model first, model.save('model.keras'), and "
            "open it with open_trained('model.keras', labels=..., leads=..., sampling_rate=...)."
        )
    given = (labels, leads, sampling_rate)
    url = place if isinstance(place, str) and "://" in place else None
    place = Path(place)
    folder = None if url or Run(place).model.is_file() else find_saved_model(place)
    if card is not None and url is None:
        raise ConfigError(f"{place}: --model-card (card) is of a server's URL alone.")
    if url or folder:
        shown = without_user(url or f"{place}")
        if any(one is not None for one in given):
            raise _known_already(shown, "card")
        if embedding:
            what = f"{shown}: a SavedModel has no layers. Name the run or .keras file."
            raise ConfigError(what)
    if url is not None:
        return _open_url(url, None if card is None else Path(card), short, verify)
    if folder is not None:
        return _open_saved_model(place, folder, short, verify)
    run = Run(place if place.is_dir() else place.parent)
    if run.dataset.is_file() and any(one is not None for one in given):
        raise _known_already(place, "dataset.json")
    return open_keras(run, place, given, embedding, short, verify)


def _known_already(place: Path | str, card: str) -> ConfigError:
    return ConfigError(
        f"{place}: its {card} says its labels, leads and sampling rate. Leave --model-labels, "
        "--model-leads and --model-rate (labels, leads, sampling_rate) out."
    )


def _open_url(url: str, card: Path | None, short: str | None, verify: str | None) -> TrainedNetwork:
    remote = connect(url, card)
    known: dict[str, Any] = {"url": remote.url, "version": remote.version}
    if remote.mark:  # wherever it is served
        known = {"mark": remote.mark}
    # its id follows from its weights, and earlier versions had none
    of_card = {key: one for key, one in remote.card.to_json().items() if key != "network_id"}
    facts = {**known, "card": of_card}
    return _carded(remote.url, remote.card, remote.forward, facts, short, verify)


def _open_saved_model(
    place: Path, folder: Path, short: str | None, verify: str | None
) -> TrainedNetwork:
    import tensorflow as tf

    card = read_card(folder)
    try:
        loaded = tf.saved_model.load(str(folder))
        loaded.signatures["serving_default"]
    except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{folder}: no SavedModel that opens: {reason}. Export again.") from error

    def forward(signal: Float32Array) -> Float32Array:
        # the function keeps what was loaded: with it, its variables would go
        answers = loaded.signatures["serving_default"](**{card.input: tf.constant(signal)})
        return as_probabilities(place, np.asarray(answers[card.output], np.float32))

    return _carded(place, card, forward, {"files": digest_files(folder)}, short, verify)


def _carded(
    place: Path | str,
    card: Card,
    forward: Forward,
    facts: dict[str, Any],
    short: str | None,
    verify: str | None,
) -> TrainedNetwork:
    """A network of which its card says all; ``facts`` are others for another network."""
    known = card.leads, card.sampling_rate, card.num_samples
    adapted = adapt_settings(card.data, *known, short, verify)
    return TrainedNetwork(
        place,
        card.labels,
        card.leads,
        card.sampling_rate,
        card.num_samples,
        adapted,
        fingerprint({**facts, "data": data_settings(adapted)}),
        forward,
        card.thresholds,
        calibration=card.calibration,
        sets=card.sets,
        network_id=card.network_id,
    )
