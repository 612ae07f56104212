"""Resampling patients: how far a score would move had other patients been tested.

The records of one patient are alike, so patients are drawn with replacement, each with all of its
records (cluster bootstrap; Field & Welsh 2007). A resample is a row of record weights: how often
each record counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import LabelScores, score_labels

FloatArray = npt.NDArray[np.float64]

WEIGHTS_PER_BLOCK = 2**19  # resamples x records that are held at once: about 4 MB


@dataclass(frozen=True)
class Estimate:
    """A score on the test records, and its percentile interval over resamples of patients."""

    value: float
    low: float
    high: float


def check_settings(bootstrap: int, level: float) -> None:
    """Refuse numbers of resamples and levels that give no interval.

    Raises:
        ConfigError: fewer than 100 resamples, or a level outside (0.5, 1).
    """
    if bootstrap < 100:
        raise ConfigError(f"bootstrap must be at least 100 resamples. Received: {bootstrap}.")
    if not 0.5 < level < 1:
        raise ConfigError(f"level must be above 0.5 and below 1. Received: {level}.")


def draw_patients(
    patient_ids: npt.NDArray[np.str_], resamples: int, seed: int
) -> Iterator[FloatArray]:
    """Record weights of resamples of patients, in blocks.

    Args:
        patient_ids: ``(records,)``.
        resamples: how many in all.
        seed: the same seed and the same set of patients give the same resamples.

    Yields:
        ``(block, records)``: how often each record's patient was drawn. Each row is as many draws
        as there are patients.

    Raises:
        DataError: all records are of one patient.

    Example:
        >>> next(draw_patients(np.array(["a", "a", "b"]), 2, seed=0))
        array([[0., 0., 2.],
               [1., 1., 1.]])
    """
    patients, patient_of = np.unique(patient_ids, return_inverse=True)
    if len(patients) < 2:
        raise DataError(
            f"an interval needs at least two patients. All {len(patient_ids)} records are of "
            f"{patients[0]}."
        )
    rng = np.random.default_rng(seed)
    block = max(1, WEIGHTS_PER_BLOCK // len(patient_ids))
    for start in range(0, resamples, block):
        counts = [
            np.bincount(rng.integers(len(patients), size=len(patients)), minlength=len(patients))
            for _ in range(min(block, resamples - start))
        ]
        yield np.array(counts, dtype=np.float64)[:, patient_of]


def resample_scores(
    predictions: Sequence[Predictions],
    thresholds: Sequence[FloatArray],
    *,
    bootstrap: int,
    seed: int,
) -> list[LabelScores]:
    """The scores of each label in every resample of the patients.

    Args:
        predictions: of one or more models, of the same records in the same order: all are scored
            on the same resamples, which makes their differences paired.
        thresholds: ``(labels,)`` for each of them.
        bootstrap: number of resamples.
        seed: of the draws.

    Returns:
        For each model, scores ``(bootstrap, labels)``; NaN in a resample where a label has no
        positive or no negative record.
    """
    blocks: list[list[LabelScores]] = [[] for _ in predictions]
    for weights in draw_patients(predictions[0].patient_ids, bootstrap, seed):
        for scored, said, limits in zip(blocks, predictions, thresholds, strict=True):
            scored.append(score_labels(said.targets, said.probabilities, limits, weights))
    return [
        LabelScores(
            **{
                field.name: np.concatenate([getattr(block, field.name) for block in scored])
                for field in fields(LabelScores)
            }
        )
        for scored in blocks
    ]


def estimate(value: float, samples: FloatArray, level: float) -> Estimate | None:
    """A value with the percentile interval of its resamples; ``None`` where it is undefined.

    Args:
        value: on the test records, or NaN.
        samples: ``(resamples,)``; those that are NaN are left out.
        level: such as 0.95, which takes the 2.5 % and the 97.5 % quantile.

    Example:
        >>> estimate(0.5, np.array([0.0, np.nan, 1.0]), 0.75)
        Estimate(value=0.5, low=0.125, high=0.875)
    """
    return None if np.isnan(value) else Estimate(value, *interval(samples, level))


def interval(samples: FloatArray, level: float) -> tuple[float, float]:
    """The percentile interval of a score's resamples; arguments as for `estimate`."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples[~np.isnan(samples)], [tail, 1 - tail])
    return float(low), float(high)


def two_sided_p(differences: FloatArray) -> float:
    """The bootstrap p-value of a difference: twice the share of resamples on its lesser side of 0.

    It inverts the percentile interval: p falls below alpha about where the interval of level
    1 - alpha excludes 0. So many resamples can't tell smaller values than 1 / (resamples + 1),
    which is the least that is given.

    Args:
        differences: ``(resamples,)``; those that are NaN are left out.

    Example:
        >>> two_sided_p(np.array([0.1, 0.2, -0.1, 0.3]))
        0.5
    """
    defined = differences[~np.isnan(differences)]
    lesser = min(np.count_nonzero(defined <= 0), np.count_nonzero(defined >= 0))
    return float(min(1.0, max(2 * lesser / len(defined), 1 / (len(defined) + 1))))
