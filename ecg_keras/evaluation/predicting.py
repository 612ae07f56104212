"""`predict`: a model's probabilities for one split of the shards.

The only part of evaluation that runs TensorFlow, which is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation.predictions import Predictions

if TYPE_CHECKING:
    from ecg_keras.data import Dataset
    from ecg_keras.keras_library import keras


def predict(
    model: keras.Model,
    shards: str | Path,
    split: str,
    *,
    batch_size: int = 256,
    left_out: Collection[str] = (),
    on_progress: Callable[[int, int], Any] | None = None,
) -> Predictions:
    """Predicts every record of a split, in the order of the shards.

    Args:
        model: one input ``(batch, num_samples, num_leads)`` in millivolts, one output of
            probabilities ``(batch, num_labels)``.
        shards: folder of the prepared dataset.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        batch_size: records at once; changes speed and memory, not the result.
        left_out: ids of records that are not in the result.
        on_progress: called with the records done and the records in all after each batch.

    Raises:
        ConfigError: the model's input or output does not have the dataset's shape or is not known,
            as of a model with a call of its own, or ``batch_size`` is below 1.
        DataError: the dataset is unfinished or damaged, has no such split or no record in it, or
            the model gives NaN or a value outside [0, 1]; the message names the record.

    Example:
        >>> model = keras.models.load_model("runs/ptb/model.keras")  # doctest: +SKIP
        >>> predict(model, "shards/ptb", "test").save("predictions.npz")  # doctest: +SKIP
    """
    (predicted,) = predict_splits(
        model, shards, {split: left_out}, batch_size=batch_size, on_progress=on_progress
    ).values()
    return predicted


def predict_splits(
    model: keras.Model,
    shards: str | Path,
    left_out: Mapping[str, Collection[str]],
    *,
    batch_size: int = 256,
    on_progress: Callable[[int, int], Any] | None = None,
) -> dict[str, Predictions]:
    """`predict` of several splits, with one graph of the network.

    Args:
        model, shards, batch_size: as of `predict`.
        left_out: of each split that is predicted, ids of records that are not in its result.
        on_progress: as of `predict`; each split begins again.

    Raises:
        ConfigError, DataError: as of `predict`.

    Example:
        >>> valid, test = predict_splits(  # doctest: +SKIP
        ...     model, "shards/ptb", {"valid": (), "test": ()}
        ... ).values()
    """
    from ecg_keras import data, models

    folder = Path(shards)
    dataset = data.describe(folder)
    models.check_has_graph(model)
    _check_shapes(model, dataset, folder)
    loaded = {split: data.load_with_ids(folder, split, batch_size) for split in left_out}
    for split in left_out:
        if not dataset.splits[split].records:
            raise DataError(f"{folder}: the split {split} has no record to predict.")
    run = models.as_graph(model, dataset.num_samples, len(dataset.leads))
    return {
        split: _predict(run, batches, folder, dataset, split, left_out[split], on_progress)
        for split, batches in loaded.items()
    }


def _predict(
    run: Callable[[Any], Any],
    batches: Any,
    folder: Path,
    dataset: Dataset,
    split: str,
    left_out: Collection[str],
    on_progress: Callable[[int, int], Any] | None,
) -> Predictions:
    from ecg_keras import data

    probabilities, targets, record_ids, patient_ids = [], [], [], []
    done = 0
    with data.whole_shards(folder, split):
        for signal, target, record_id, patient_id in batches:
            probabilities.append(np.asarray(run(signal), np.float32))
            targets.append(target.numpy())
            record_ids += [name.decode() for name in record_id.numpy()]
            patient_ids += [name.decode() for name in patient_id.numpy()]
            done += len(targets[-1])
            if on_progress is not None:
                on_progress(done, dataset.splits[split].records)
    kept = ~np.isin(record_ids, list(left_out))
    try:
        return Predictions(
            labels=dataset.labels,
            record_ids=np.array(record_ids, dtype=np.str_)[kept],
            patient_ids=np.array(patient_ids, dtype=np.str_)[kept],
            targets=np.concatenate(targets)[kept],
            probabilities=np.concatenate(probabilities)[kept],
        )
    except DataError as error:
        raise DataError(f"the model's predictions of {folder}, {split}: {error}") from error


def _check_shapes(model: keras.Model, dataset: Dataset, folder: Path) -> None:
    signal = (dataset.num_samples, len(dataset.leads))
    expected = tuple(model.input_shape[1:])
    if len(expected) != 2 or any(
        size not in (None, found) for size, found in zip(expected, signal, strict=True)
    ):
        raise ConfigError(
            f"{folder}: its signals have the shape (num_samples, num_leads) = {signal}, and the "
            f"model takes {expected}. Prepare the dataset with the model's sampling rate, length "
            "and leads."
        )
    output = tuple(model.output_shape[1:])
    if output != (len(dataset.labels),):
        raise ConfigError(
            f"{folder}: it has {len(dataset.labels)} labels ({', '.join(dataset.labels)}), and the "
            f"model's output has the shape {output}. Use a model that was trained for this label "
            "set."
        )
