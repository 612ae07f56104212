"""`rank_checkpoints`: every metric of every checkpoint on one target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.transferability.estimators import BASELINES, ESTIMATORS, TITLES, oriented, score_all
from ecg_keras.transferability.features import MOST_RECORDS, extract

Values = tuple[float | None, ...]


@dataclass(frozen=True)
class Ranking:
    """Checkpoints by each metric.

    Attributes:
        target: folder of the shards.
        records, patients: of the target that were looked at.
        labels: of the target that the metrics are the mean of.
        left_out: labels that fewer than two patients have, or do not have.
        checkpoints: as they were named.
        values: by metric, a value for each checkpoint; ``None`` where it can't be computed.
    """

    target: str
    records: int
    patients: int
    labels: tuple[str, ...]
    left_out: tuple[str, ...]
    checkpoints: tuple[str, ...]
    values: dict[str, Values]

    def ranks(self, metric: str) -> Values:
        """The rank of each checkpoint by a metric, from 1 for the best; equals share the mean."""
        found = [value is not None for value in self.values[metric]]
        best_first = [
            -oriented(metric, value) for value in self.values[metric] if value is not None
        ]
        ranked = iter(rankdata(best_first).tolist())
        return tuple(next(ranked) if there else None for there in found)

    def order(self) -> tuple[int, ...]:
        """Numbers of the checkpoints, the most promising first.

        By the mean rank of the two baselines, because no other metric has done better where many
        were compared (docs/transferability.md); among equals by the mean rank of all metrics.
        """
        ranks = {metric: self.ranks(metric) for metric in self.values}

        def promise(row: int) -> tuple[float, float]:
            known = [rank for one in ranks.values() if (rank := one[row]) is not None]
            baselines = [rank for name in BASELINES if (rank := ranks[name][row]) is not None]
            return float(np.mean(baselines)), float(np.mean(known))

        return tuple(sorted(range(len(self.checkpoints)), key=promise))

    def first(self, metric: str) -> tuple[str, ...]:
        """The checkpoints that a metric puts first; several where they are equal."""
        ranks = self.ranks(metric)
        least = min((rank for rank in ranks if rank is not None), default=None)
        pairs = zip(self.checkpoints, ranks, strict=True)
        return tuple(name for name, rank in pairs if rank is not None and rank == least)

    def sentence(self) -> str:
        """What the metrics say, and how far they agree.

        Example:
            >>> values = {"leep": (-0.5, -0.4), "knn": (0.8, 0.7), "linear_probe": (0.9, 0.8)}
            >>> names = ("runs/a", "runs/b")
            >>> print(Ranking("shards/x", 9, 9, ("MI",), (), names, values).sentence())
            kNN and linear probe, the baselines, put runs/a first; 0 of 1 other metric agrees.
        """
        if len(self.checkpoints) == 1:
            return "One checkpoint has nothing to be ranked against."
        named = [TITLES[name] for name in BASELINES if name in self.values]
        tops = {name: self.first(name) for name in self.values}
        others = [name for name in self.values if name not in BASELINES]
        choices = {tops[name] for name in BASELINES}
        if len(choices) > 1:
            each = " and ".join(f"{TITLES[n]} puts {' and '.join(tops[n])}" for n in BASELINES)
            return f"The baselines disagree: {each} first."
        choice = choices.pop()
        agree = sum(tops[name] == choice for name in others)
        ending = "metric agrees" if len(others) == 1 else "metrics agree"
        return (
            f"{' and '.join(named)}, the baselines, put {' and '.join(choice)} first; {agree} of "
            f"{len(others)} other {ending}."
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values for a file, the most promising checkpoint first."""
        return {
            "target": self.target,
            "records": self.records,
            "patients": self.patients,
            "labels": list(self.labels),
            "left_out": list(self.left_out),
            "checkpoints": [
                {
                    "checkpoint": name,
                    "values": {metric: self.values[metric][row] for metric in self.values},
                    "ranks": {metric: self.ranks(metric)[row] for metric in self.values},
                }
                for row, name in ((row, self.checkpoints[row]) for row in self.order())
            ],
        }


def rank_checkpoints(
    checkpoints: Sequence[str | Path],
    shards: str | Path,
    *,
    train_records: int | None = MOST_RECORDS,
    seed: int = 0,
    on_progress: Callable[[int, int], Any] = lambda done, total: None,
) -> Ranking:
    """Runs each checkpoint once over the target's training records and computes every metric.

    Args:
        checkpoints: run folders or ``.keras`` files, no two the same.
        shards: folder of the target's prepared dataset.
        train_records: at most this many of its training records, see `extract`; ``None`` takes
            all. Nearest neighbours take four times as long, and more memory, for twice as many.
        seed: of that subset.
        on_progress: called with the records done and in all, over all checkpoints.

    Raises:
        ConfigError: no checkpoint, or one is named twice.
        DataError: as for `extract`, or no label has enough patients.

    Example:
        >>> ranking = rank_checkpoints(["runs/a", "runs/b"], "shards/ludb")  # doctest: +SKIP
        >>> ranking.ranks("knn")  # doctest: +SKIP
        (1.0, 2.0)
    """
    names = tuple(str(one) for one in checkpoints)
    if not names or len({Path(name).resolve() for name in names}) < len(names):
        raise ConfigError(
            "checkpoints must be different run folders or .keras files, at least one. Received: "
            f"{', '.join(names) or 'none'}."
        )
    scores = []
    for number, name in enumerate(names):

        def progressed(done: int, total: int, before: int = number) -> None:
            on_progress(before * total + done, len(names) * total)

        features = extract(
            name, shards, train_records=train_records, seed=seed, on_progress=progressed
        )
        try:
            scores.append(score_all(features))
        except DataError as error:
            raise DataError(f"{name}, on {shards}: {error}") from error
    left_out = features.left_out
    return Ranking(
        target=str(shards),
        records=len(features.targets),
        patients=len(np.unique(features.patient_ids)),
        labels=tuple(label for label in features.labels if label not in left_out),
        left_out=left_out,
        checkpoints=names,
        values={
            metric: tuple(one.get(metric) for one in scores)
            for metric in ESTIMATORS
            if any(metric in one for one in scores)
        },
    )
