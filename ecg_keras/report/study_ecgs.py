"""The ECGs that a study's best arm answers worst, read from the fold in which they were tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ecg_keras.data import Dataset, StoredRecord, describe, read_shards
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions
from ecg_keras.report.choose import choose_worst
from ecg_keras.report.figures import ShownEcg, show_ecg

Found = dict[str, tuple[StoredRecord, Dataset]]


def study_ecgs(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    shards_folders: Sequence[str | Path],
    *,
    prefix: str = "worst",
) -> tuple[ShownEcg, ...]:
    """The worst miss, the worst false alarm and the largest loss, each on its grid.

    Args:
        predictions: out-of-fold, of the arm to show.
        thresholds: of each label.
        shards_folders: the shards of each fold; each record is in the test split of one of them.
            None draws no ECG and only tells truth and decision.
        prefix: of the figures' names, unique in the page.

    Raises:
        DataError: a folder is no finished dataset, or none of them tests a record that is shown.

    Example:
        >>> ids = np.array(["a", "b"])
        >>> shown = Predictions(("MI",), ids, ids, [[1], [0]], [[0.1], [0.2]])
        >>> [ecg.rule for ecg in study_ecgs(shown, {"MI": 0.5}, [])]
        ['Worst miss: the present label with the lowest probability']
    """
    limits = np.array([thresholds[label] for label in predictions.labels])
    choices = choose_worst(predictions, limits)
    wanted = [str(predictions.record_ids[choice.row]) for choice in choices]
    found = _read(wanted, shards_folders) if shards_folders else {}
    return tuple(
        show_ecg(
            predictions,
            thresholds,
            choice,
            *found.get(record_id, (None, None)),
            f"{prefix}-ecg{number}",
        )
        for number, (choice, record_id) in enumerate(zip(choices, wanted, strict=True), start=1)
    )


def _read(record_ids: Sequence[str], folders: Sequence[str | Path]) -> Found:
    """The records that are asked for, each with the dataset of its fold."""
    found: Found = {}
    for folder in folders:
        dataset = describe(folder)
        for record in read_shards(folder, "test"):
            if record.record_id in record_ids:
                found[record.record_id] = (record, dataset)
        if len(found) == len(set(record_ids)):
            return found
    missing = ", ".join(sorted(set(record_ids) - set(found)))
    raise DataError(
        f"{', '.join(map(str, folders))}: no test split there has {missing}. Make the shards again "
        "with `ecg-keras study`."
    )
