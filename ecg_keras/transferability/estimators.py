"""The table of estimators, and all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy.typing as npt

from ecg_keras.errors import DataError, look_up
from ecg_keras.transferability.features import Features
from ecg_keras.transferability.h_score import h_score
from ecg_keras.transferability.knn import knn
from ecg_keras.transferability.leep import leep
from ecg_keras.transferability.linear_probe import linear_probe
from ecg_keras.transferability.logme import logme
from ecg_keras.transferability.melep import melep
from ecg_keras.transferability.nce import nce
from ecg_keras.transferability.transrate import transrate

# from what a checkpoint makes of the target's training records to one number
ESTIMATORS: dict[str, Callable[[Features], float]] = {
    "melep": lambda features: melep(_source(features), features.targets),
    "leep": lambda features: leep(_source(features), features.targets),
    "nce": lambda features: nce(_source(features), features.targets),
    "logme": lambda features: logme(features.embeddings, features.targets),
    "h_score": lambda features: h_score(features.embeddings, features.targets),
    "transrate": lambda features: transrate(features.embeddings, features.targets),
    "knn": lambda features: knn(features.embeddings, features.targets, features.patient_ids),
    "linear_probe": lambda features: linear_probe(
        features.embeddings, features.targets, features.patient_ids
    ),
}

# which direction promises more
ORIENTATION: dict[str, Literal["higher", "lower"]] = {
    "melep": "lower",
    "leep": "higher",
    "nce": "higher",
    "logme": "higher",
    "h_score": "higher",
    "transrate": "higher",
    "knn": "higher",
    "linear_probe": "higher",
}

# these need the probabilities of a sigmoid head
NEED_SOURCE = ("melep", "leep", "nce")

# scores of the embedding itself: what every other metric has to beat
BASELINES = ("knn", "linear_probe")

TITLES = {
    "melep": "MELEP",
    "leep": "LEEP",
    "nce": "NCE",
    "logme": "LogME",
    "h_score": "H-score",
    "transrate": "TransRate",
    "knn": "kNN",
    "linear_probe": "linear probe",
}


def score_all(features: Features) -> dict[str, float]:
    """Every estimator's value for one checkpoint, in the order of `ESTIMATORS`.

    Those in `NEED_SOURCE` are left out where the checkpoint has no probabilities of source labels.

    Args:
        features: of one checkpoint on one target, from `extract`.

    Raises:
        DataError: no label has two patients with and without it, or values are not finite.

    Example:
        >>> features = extract("runs/ptbxl_pretrain", "shards/ludb")  # doctest: +SKIP
        >>> score_all(features)["knn"]  # doctest: +SKIP
        0.71
    """
    return {
        name: estimate(features)
        for name, estimate in ESTIMATORS.items()
        if features.source_probabilities is not None or name not in NEED_SOURCE
    }


def oriented(name: str, value: float) -> float:
    """A metric's value with its sign changed where lower is better: higher always promises more.

    Raises:
        ConfigError: there is no such metric.

    Example:
        >>> oriented("melep", 0.3), oriented("knn", 0.7)
        (-0.3, 0.7)
    """
    return value if look_up("metric", name, ORIENTATION) == "higher" else -value


def _source(features: Features) -> npt.ArrayLike:
    if features.source_probabilities is None:
        raise DataError(
            f"{', '.join(NEED_SOURCE)} need the probabilities of a sigmoid head, and this "
            "checkpoint has none. Use the other metrics."
        )
    return features.source_probabilities
