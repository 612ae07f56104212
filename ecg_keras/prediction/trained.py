"""A trained network, and all that it is to be asked by: a run, a .keras file or a SavedModel."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras import data
from ecg_keras.config import Data, data_of, data_settings, fingerprint
from ecg_keras.errors import ConfigError, DataError, look_up
from ecg_keras.evaluation import Calibration, LabelSets, Scores, SignalReference
from ecg_keras.export import Card, digest_files, find_saved_model, read_card
from ecg_keras.files import sha256_of
from ecg_keras.metrics import recalibrate
from ecg_keras.prediction.remote import connect
from ecg_keras.training import Run
from ecg_keras.weights import describe_head

Floats = npt.NDArray[np.float32]
Forward = Callable[[Floats], Floats]
SHORT, VERIFY = ("drop", "pad"), ("refuse", "off")


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network that is ready to be asked.

    Attributes:
        place: of its run, file or folder, or its URL.
        labels: names of the columns of its answers.
        leads: names of the columns of its input.
        sampling_rate: of its input, in Hz.
        num_samples: of its input.
        data: how a recording is brought to that, as for the shards it was trained on.
        thresholds: from which probability each label is decided present; ``None`` where none were
            validated.
        thresholds_from: what they were chosen on, as in `evaluation.Scores`; empty where nobody
            says.
        sets: which answers each label may have, with a coverage that was validated; ``None`` where
            it was not.
        reference: by which recordings that are unlike the training ECGs are known; ``None`` where
            there is none.
        calibration: in words, what is done to the network's own probabilities.
        mark: 64 hex digits that are others for another network, calibration or threshold.
        forward: float32 ``(batch, num_samples, num_leads)`` in millivolts to ``(batch, size)``;
            with a reference, distances from it are a last column.
        remark: what speaks against its answers, such as a head that was never trained.
        model: the Keras model, without calibration; ``None`` of a SavedModel.

    Example:
        >>> open_trained("runs/ptbxl_scratch").labels  # doctest: +SKIP
        ('NORM', 'MI', 'STTC', 'CD', 'HYP')
    """

    place: Path | str
    labels: tuple[str, ...]
    leads: tuple[str, ...]
    sampling_rate: float
    num_samples: int
    data: Data
    mark: str
    forward: Forward = field(repr=False)
    thresholds: Mapping[str, float] | None = None
    thresholds_from: str = ""
    calibration: str = "none"
    sets: LabelSets | None = None
    remark: str = ""
    model: Any = field(default=None, repr=False)
    reference: SignalReference | None = None


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
            run, ``dataset.json`` or card has its own; or a card is missing, or not of a URL.
        DataError: there is no such network, it is damaged, or does not fit what is said of it; or
            its server does not answer.

    Example:
        >>> open_trained("runs/ptbxl_scratch").num_samples  # doctest: +SKIP
        1000
    """
    given = (labels, leads, sampling_rate)
    url = place if isinstance(place, str) and "://" in place else None
    place = Path(place)
    folder = None if url or Run(place).model.is_file() else find_saved_model(place)
    if card is not None and url is None:
        raise ConfigError(f"{place}: --model-card (card) is of a server's URL alone.")
    if url or folder:
        if any(one is not None for one in given):
            raise _known_already(url or place, "card")
        if embedding:
            what = f"{url or place}: a SavedModel has no layers. Name the run or .keras file."
            raise ConfigError(what)
    if url is not None:
        return _open_url(url, None if card is None else Path(card), short, verify)
    if folder is not None:
        return _open_saved_model(place, folder, short, verify)
    run = Run(place if place.is_dir() else place.parent)
    if run.dataset.is_file() and any(one is not None for one in given):
        raise _known_already(place, "dataset.json")
    return _open_keras(run, place, given, embedding, short, verify)


def _known_already(place: Path | str, card: str) -> ConfigError:
    return ConfigError(
        f"{place}: its {card} says its labels, leads and sampling rate. Leave --model-labels, "
        "--model-leads and --model-rate (labels, leads, sampling_rate) out."
    )


def _open_keras(
    run: Run,
    place: Path,
    given: tuple[Sequence[str] | None, Sequence[str] | None, float | None],
    embedding: bool,
    short: str | None,
    verify: str | None,
) -> TrainedNetwork:
    from ecg_keras import models

    model = models.load_model(place)
    file = run.model if place.is_dir() else place
    takes, gives = tuple(model.input_shape), tuple(model.output_shape)
    labels, leads, rate, samples, settings = _describe(run, place, given, takes, embedding)
    if len(takes) != 3 or takes[2] != len(leads) or takes[1] not in (None, samples):
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
    scores = reference = None
    if file == run.model and not embedding:
        scores = Scores.load_json(run.scores) if run.scores.is_file() else None
        if run.reference.is_file():
            reference = SignalReference.load(run.reference)
            if (reference.sampling_rate, reference.num_leads) != (rate, len(leads)):
                raise DataError(f"{run.reference}: is of other leads or another rate. Remove it.")
    calibration = scores.calibration if scores else None
    forward: Forward
    if embedding:
        forward = functools.partial(_first_part, models.cut_head(model))
    else:
        graph = models.as_graph(model, samples, len(leads))
        forward = functools.partial(_calibrated, graph, calibration)
    if reference is not None:
        forward = functools.partial(_with_distance, forward, reference)
    adapted = _settings(settings, leads, rate, samples, short, verify)
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
    )


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
        raise ConfigError(
            f"{place}: no dataset.json beside it says how it was trained. Say so with "
            "--model-labels, --model-leads and --model-rate (labels, leads, sampling_rate), or "
            "put the dataset.json of its shards there."
        )
    if len(takes) != 3 or takes[1] is None:
        raise DataError(
            f"{place}: takes signals of any length. Put the dataset.json of its shards beside it."
        )
    return tuple(labels or ()), tuple(leads), float(rate), takes[1], None


def _settings(
    settings: Data | None,
    leads: tuple[str, ...],
    sampling_rate: float,
    num_samples: int,
    short: str | None,
    verify: str | None,
) -> Data:
    """How recordings that no recipe names are brought to what a network takes."""
    kept = settings.model_dump(include={"window", "short", "resample"}) if settings else {}
    for name, choice, allowed in (("short", short, SHORT), ("verify", verify, VERIFY)):
        if choice is not None:
            look_up(name, choice, dict.fromkeys(allowed))
            kept[name] = choice
    # a repair is of the database that was trained on, not of these files
    if settings is not None and settings.verify == "off":
        kept.setdefault("verify", "off")
    return Data(
        source="folder",
        raw=Path(),
        leads=leads,
        sampling_rate=sampling_rate,
        seconds=num_samples / sampling_rate,
        **kept,
    )


def _open_url(url: str, card: Path | None, short: str | None, verify: str | None) -> TrainedNetwork:
    remote = connect(url, card)
    known: dict[str, Any] = {"url": url, "version": remote.version}
    if remote.mark:  # wherever it is served
        known = {"mark": remote.mark}
    facts = {**known, "card": remote.card.to_json()}
    return _carded(url, remote.card, remote.forward, facts, short, verify)


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

    def forward(signal: Floats) -> Floats:
        # the function keeps what was loaded: with it, its variables would go
        answers = loaded.signatures["serving_default"](**{card.input: tf.constant(signal)})
        return np.asarray(answers[card.output], np.float32)

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
    settings = _settings(None, *known, None, None).model_copy(update=card.reading)
    adapted = _settings(settings, *known, short, verify)
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
    )


def _known(scores: Scores | None) -> Any:
    """What of scores changes an answer."""
    if scores is None:
        return None
    known = {"by": asdict(scores.calibration), "thresholds": dict(scores.thresholds)}
    return known if scores.sets is None else {**known, "sets": scores.sets.limits}


def _calibrated(graph: Any, calibration: Calibration | None, signal: Floats) -> Floats:
    """Probabilities, calibrated as those that the run's scores speak of."""
    probabilities = np.asarray(graph(signal), np.float32)
    if calibration is None or calibration.method == "none":
        return probabilities
    slopes, intercepts = list(calibration.slopes.values()), list(calibration.intercepts.values())
    return recalibrate(probabilities, slopes, intercepts).astype(np.float32)


def _with_distance(forward: Forward, reference: SignalReference, signal: Floats) -> Floats:
    return np.column_stack([forward(signal), reference.distance(signal)])


def _first_part(graph: Any, signal: Floats) -> Floats:
    return np.asarray(graph(signal)[0], np.float32)
