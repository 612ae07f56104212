"""The table of estimators, and all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy.typing as npt

from ecg_keras.errors import DataError, look_up
from ecg_keras.transferability.embedding_estimators import h_score, logme, transrate
from ecg_keras.transferability.features import Features
from ecg_keras.transferability.probes import knn, linear_probe
from ecg_keras.transferability.source_estimators import leep, melep, nce


@dataclass(frozen=True)
class Estimator:
    """One row: a number from what a checkpoint makes of the target's training records."""

    name: str
    title: str
    estimate: Callable[[Features], float]
    better: Literal["higher", "lower"] = "higher"
    # whether it needs the probabilities of a sigmoid head
    needs_source: bool = False
    # whether it scores the embedding itself, which every other one has to beat
    baseline: bool = False


def _of_source(function: Callable[..., float]) -> Callable[[Features], float]:
    return lambda features: function(_source(features), features.targets)


def _of_embeddings(function: Callable[..., float]) -> Callable[[Features], float]:
    return lambda features: function(features.embeddings, features.targets)


def _of_patients(function: Callable[..., float]) -> Callable[[Features], float]:
    return lambda features: function(features.embeddings, features.targets, features.patient_ids)


ROWS = (
    Estimator("melep", "MELEP", _of_source(melep), better="lower", needs_source=True),
    Estimator("leep", "LEEP", _of_source(leep), needs_source=True),
    Estimator("nce", "NCE", _of_source(nce), needs_source=True),
    Estimator("logme", "LogME", _of_embeddings(logme)),
    Estimator("h_score", "H-score", _of_embeddings(h_score)),
    Estimator("transrate", "TransRate", _of_embeddings(transrate)),
    Estimator("knn", "kNN", _of_patients(knn), baseline=True),
    Estimator("linear_probe", "linear probe", _of_patients(linear_probe), baseline=True),
)
# the columns of the table by name
ESTIMATORS: Mapping[str, Callable[[Features], float]] = {row.name: row.estimate for row in ROWS}
ORIENTATION: Mapping[str, Literal["higher", "lower"]] = {row.name: row.better for row in ROWS}
TITLES: Mapping[str, str] = {row.name: row.title for row in ROWS}
NEED_SOURCE = tuple(row.name for row in ROWS if row.needs_source)
BASELINES = tuple(row.name for row in ROWS if row.baseline)


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
