"""How long `compare` takes, beside scikit-learn's scores of the same resamples."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from markdown_tables import table
from sklearn import metrics as sklearn_metrics

from ecg_keras.evaluation import Predictions, compare

# records and labels: PTB-XL's test fold, all of PTB-XL, and a hospital
SIZES = ((2132, 150), (20_000, 71), (100_000, 71))
DEFAULT = 2000  # resamples of the command
AGAIN = 100  # more of them, for what resamples cost


def comparing(data: Path, scratch: Path) -> str:
    """CPU seconds of `compare` with the command's resamples, of two networks' simulated scores."""
    rows = []
    for records, labels in SIZES:
        first, second = draw(records, labels, 1), draw(records, labels, 2)
        few = cpu_seconds(lambda: compare(first, second, bootstrap=AGAIN))  # noqa: B023
        begun = time.perf_counter()
        whole = cpu_seconds(lambda: compare(first, second, bootstrap=DEFAULT))  # noqa: B023
        wall = time.perf_counter() - begun
        each = (whole - few) / (DEFAULT - AGAIN) * 100
        plain = 100 * cpu_seconds(lambda: score_plainly(first, second))  # noqa: B023
        rows.append(
            (
                f"{records:,} x {labels}",
                *(f"{seconds:.1f}" for seconds in (wall, whole, each, plain)),
                f"**{plain / each:.0f}**",
            )
        )
    header = (
        "records x labels",
        "whole, s",
        "whole, CPU s",
        "100 resamples, CPU s",
        "scikit-learn, CPU s",
        "ratio",
    )
    return table(header, rows)


def draw(records: int, labels: int, seed: int) -> Predictions:
    """The same records whatever the seed; labels from one in 500 to a third, 5 records of 4."""
    rng, own = np.random.default_rng(7), np.random.default_rng(seed)
    people = np.arange(records) * 4 // 5
    share = rng.permutation(np.geomspace(0.002, 0.33, labels))
    targets = rng.random((records, labels)) < share
    score = 1.5 * targets + rng.normal(size=targets.shape) + 0.5 * own.normal(size=targets.shape)
    return Predictions(
        [f"L{label}" for label in range(labels)],
        np.arange(records).astype(str),
        people.astype(str),
        targets,
        1 / (1 + np.exp(1 - score)),
    )


def score_plainly(first: Predictions, second: Predictions) -> None:
    """AUROC, average precision and F1 of each label of both networks in one resample."""
    people, of = np.unique(first.patient_ids, return_inverse=True)
    counts = np.bincount(np.random.default_rng(0).integers(len(people), size=len(people)))
    weights = np.resize(counts, len(people))[of].astype(float)
    for predictions in (first, second):
        for target, probability in zip(
            predictions.targets.T, predictions.probabilities.T, strict=True
        ):
            if 0 < target[weights > 0].sum() < np.count_nonzero(weights):
                sklearn_metrics.roc_auc_score(target, probability, sample_weight=weights)
                sklearn_metrics.average_precision_score(target, probability, sample_weight=weights)
                sklearn_metrics.f1_score(target, probability >= 0.5, sample_weight=weights)


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Of all threads of this process."""
    begun = time.process_time()
    work()
    return time.process_time() - begun
