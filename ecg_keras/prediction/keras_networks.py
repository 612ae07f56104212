"""A network of a run or .keras file, with what the run's scores and reference add to it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras import data
from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data, data_of, data_settings, fingerprint
from ecg_keras.errors import ConfigError, DataError, listed
from ecg_keras.evaluation import Calibration, Scores, SignalReference
from ecg_keras.export import identify_network
from ecg_keras.files import sha256_of
from ecg_keras.metrics import recalibrate
from ecg_keras.prediction.trained import Forward, TrainedNetwork, adapt_settings, as_probabilities
from ecg_keras.text import plural
from ecg_keras.training import Run
from ecg_keras.weights import describe_head


def open_keras(
    run: Run,
    place: Path,
    given: tuple[Sequence[str] | None, Sequence[str] | None, float | None],
    embedding: bool,
    short: str | None,
    verify: str | None,
) -> TrainedNetwork:
    """Opens the run's network, or the .keras file at ``place``; see `open_trained`."""
    from ecg_keras import models

    model = models.load_model(place)
    file = run.model if place.is_dir() else place
    takes, gives = _check_form(place, model, embedding)
    labels, leads, rate, samples, settings = _describe(run, place, given, takes, embedding)
    if takes[2] != len(leads) or takes[1] not in (None, samples):
        raise DataError(
            f"{place}: takes signals of the shape {takes[1:]}, and is to be asked about "
            f"{samples} samples of {len(leads)} leads, {', '.join(leads)}. Check what is said of "
            "it."
        )
    if not embedding and gives[1:] != (len(labels),):
        raise DataError(
            f"{place}: gives {gives[1:]} probabilities, and is to be asked about {len(labels)} "
            f"labels: {', '.join(labels)}. Check what is said of it."
        )
    scores = reference = calibration = None
    if file == run.model and run.scores.is_file():
        scores = Scores.load_json(run.scores)
        calibration = scores.calibration
    network_id = identify_network(model, calibration)
    if embedding:
        scores = calibration = None
    elif file == run.model and run.reference.is_file():
        reference = SignalReference.load(run.reference)
        if (reference.sampling_rate, reference.num_leads) != (rate, len(leads)):
            raise DataError(f"{run.reference}: is of other leads or another rate. Remove it.")
    forward: Forward
    if embedding:
        forward = functools.partial(_first_part, models.cut_head(model))
    else:
        graph = models.as_graph(model, samples, len(leads))
        forward = functools.partial(_calibrated, place, graph, calibration)
    if reference is not None:
        forward = functools.partial(_with_distance, forward, reference)
    adapted = adapt_settings(settings, leads, rate, samples, short, verify)
    known = {"scores": _known(scores), "data": data_settings(adapted), "embedding": embedding}
    if reference is not None:
        known["reference"] = sha256_of(run.reference)
    return TrainedNetwork(
        place,
        tuple(labels),
        leads,
        rate,
        samples,
        adapted,
        fingerprint({"model": sha256_of(file), "labels": list(labels), **known}),
        forward,
        scores.thresholds if scores else None,
        scores.thresholds_from if scores else "",
        scores.calibration.method if scores else "none",
        scores.sets if scores else None,
        "" if embedding or file != run.model else describe_head(place, run.card),
        model,
        reference,
        network_id,
    )


def _check_form(
    place: Path, model: Any, embedding: bool
) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """The shapes of what a network takes and gives, which must be one thing each."""
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise DataError(
            f"{place}: is a model with a call of its own, which does not say what it takes. Save "
            "it as layers: inputs = keras.Input((num_samples, num_leads)); keras.Model(inputs, "
            "model(inputs))."
        )
    names = [layer.name for layer in model.layers]
    if embedding and "head" not in names:
        raise ConfigError(
            f"{place}: has no layer 'head', and an embedding is what goes into it. Its layers are "
            f"{listed(names, 8)}."
        )
    several = len(inputs) > 1 or (len(outputs) > 1 and not embedding)
    if several or len(inputs[0].shape) != 3:
        shapes = ", ".join(f"{tuple(one.shape)}" for one in inputs)
        raise DataError(
            f"{place}: takes {shapes} and gives {plural(len(outputs), 'output')}, and is to take "
            "signals (batch, num_samples, num_leads) alone and give probabilities alone. Save the "
            "part of it that does: keras.Model(inputs, outputs)."
        )
    return tuple(inputs[0].shape), tuple(outputs[0].shape)


def _describe(
    run: Run,
    place: Path,
    given: tuple[Sequence[str] | None, Sequence[str] | None, float | None],
    takes: tuple[int | None, ...],
    embedding: bool,
) -> tuple[tuple[str, ...], tuple[str, ...], float, int, Data | None]:
    """Labels, leads, rate, samples and settings by dataset.json, else by what is given."""
    if run.dataset.is_file():
        known = data.read_dataset(run.dataset)
        settings = data_of(known.settings, Path())
        return known.labels, known.leads, known.sampling_rate, known.num_samples, settings
    labels, leads, rate = given
    if leads is None or rate is None or (labels is None and not embedding):
        options = "--model-leads and --model-rate (leads, sampling_rate)"
        if not embedding:
            options = (
                "--model-labels, --model-leads and --model-rate (labels, leads, sampling_rate)"
            )
        raise ConfigError(
            f"{place}: no dataset.json beside it says how it was trained. Say so with {options}, "
            "or put the dataset.json of its shards there."
        )
    if takes[1] is None:
        raise DataError(
            f"{place}: takes signals of any length. Put the dataset.json of its shards beside it."
        )
    return tuple(labels or ()), tuple(leads), float(rate), takes[1], None


def _known(scores: Scores | None) -> Any:
    """What of scores changes an answer."""
    if scores is None:
        return None
    known = {"by": asdict(scores.calibration), "thresholds": dict(scores.thresholds)}
    return known if scores.sets is None else {**known, "sets": scores.sets.limits}


def _calibrated(
    place: Path, graph: Any, calibration: Calibration | None, signal: Float32Array
) -> Float32Array:
    """Probabilities, calibrated as those that the run's scores speak of."""
    values = graph(signal)
    if isinstance(values, Mapping | list | tuple):  # of one
        (values,) = values.values() if isinstance(values, Mapping) else values
    probabilities = as_probabilities(place, np.asarray(values, np.float32))
    if calibration is None or calibration.method == "none":
        return probabilities
    slopes, intercepts = list(calibration.slopes.values()), list(calibration.intercepts.values())
    return recalibrate(probabilities, slopes, intercepts).astype(np.float32)


def _with_distance(
    forward: Forward, reference: SignalReference, signal: Float32Array
) -> Float32Array:
    return np.column_stack([forward(signal), reference.distance(signal)])


def _first_part(graph: Any, signal: Float32Array) -> Float32Array:
    return np.asarray(graph(signal)[0], np.float32)
