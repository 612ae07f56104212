"""Keras callbacks for a user's own training script: validation scores and a log that resumes."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras import metrics
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import replacing
from ecg_keras.keras_library import keras


class ValidationScores(keras.callbacks.Callback):
    """Scores the model on validation data after every epoch.

    Adds ``val_loss`` (binary cross-entropy), ``val_macro_auroc``, ``val_macro_auprc`` and
    ``val_weighted_f1`` (F1 at threshold 0.5, weighted by how common each label is) to the epoch's
    logs, where the callbacks after it in the list, ``History`` and the progress bar find them. A
    label that has no positive or no negative record is left out of the means. Takes the place of
    ``validation_data`` in ``fit``, so that validation is computed once.

    Args:
        valid: a dataset of (signal ``(batch, num_samples, num_leads)`` in mV, target
            ``(batch, num_labels)`` of zeros and ones), in a fixed order.
        labels: names of the target's columns.
        per_label: also add ``val_auroc_<label>`` for each label.
        model: what to score instead of the model that is fitted, such as one that shares its
            weights and takes whole ECGs while crops are trained on.

    Raises:
        ConfigError: a label name occurs twice, or the model's output has another width.

    Example:
        >>> model.fit(train, epochs=5, callbacks=[ValidationScores(valid, labels)])
    """

    def __init__(
        self,
        valid: tf.data.Dataset,
        labels: Sequence[str],
        *,
        per_label: bool = False,
        model: keras.Model | None = None,
    ) -> None:
        super().__init__()
        if len(set(labels)) != len(labels):
            raise ConfigError(f"labels must be different names. Received: {tuple(labels)}.")
        self.valid = valid
        self.labels = tuple(labels)
        self.per_label = per_label
        self._scored = model
        self._signals = valid.map(lambda signal, target: signal)
        self._targets: np.ndarray | None = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        width = (self._scored or self.model).output_shape[-1]
        if width != len(self.labels):
            raise ConfigError(
                f"the model has {width} outputs and ValidationScores {len(self.labels)} labels: "
                f"{self.labels}."
            )
        self._targets = np.concatenate([target.numpy() for _, target in self.valid])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        targets = np.asarray(self._targets)
        probabilities = np.asarray(
            (self._scored or self.model).predict(self._signals, verbose=0), np.float32
        )
        scores = {"val_loss": _cross_entropy(targets, probabilities)}
        binary = targets.astype(np.uint8)
        if np.isfinite(probabilities).all():
            found = metrics.score_labels(binary, probabilities)
            for name in ("macro_auroc", "macro_auprc", "weighted_f1"):
                scores[f"val_{name}"] = float(metrics.METRICS[name](found))
            if self.per_label:
                scores |= {
                    f"val_auroc_{name}": float(value)
                    for name, value in zip(self.labels, found.auroc, strict=True)
                }
        if logs is not None:
            logs.update(scores)


class RunLog(keras.callbacks.Callback):
    """Writes one CSV row an epoch and goes on with the same file after a restart.

    The columns are ``epoch`` (from 1), the constant columns, ``learning_rate``, what the logs
    hold, sorted, and ``seconds``. Rows of epochs that are trained again are replaced, so a run
    that was killed and resumed leaves the same rows as one that was not. Unlike
    ``keras.callbacks.CSVLogger(append=True)``, which would list them twice.

    Args:
        path: the CSV file; its folder must exist.
        constants: further columns with one value, such as ``phase=1``.

    Example:
        >>> scores = ValidationScores(valid, labels)
        >>> model.fit(train, epochs=5, callbacks=[scores, RunLog("log.csv")])
    """

    def __init__(self, path: str | Path, **constants: Any) -> None:
        super().__init__()
        self.path = Path(path)
        self.constants = constants
        self._rows: list[dict[str, str]] | None = None
        self._begun = 0.0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._rows = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._rows is None:
            self._rows = [row for row in read_log(self.path) if int(row["epoch"]) <= epoch]
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row = {
            "epoch": epoch + 1,
            **self.constants,
            "learning_rate": f"{rate:.6g}",
            **{name: f"{value:.6g}" for name, value in sorted((logs or {}).items())},
            "seconds": f"{time.perf_counter() - self._begun:.3f}",
        }
        rows = [*(self._rows or []), {name: str(value) for name, value in row.items()}]
        self._rows = rows
        names = list(dict.fromkeys(name for row in rows for name in row))
        with (
            replacing(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows)


def read_log(path: str | Path) -> list[dict[str, str]]:
    """The rows of a `RunLog` file, oldest first; none where there is no file.

    Raises:
        DataError: it is no CSV file.
    """
    path = Path(path)
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, OSError, csv.Error) as error:
        raise DataError(f"{path}: no log of a training: {error}. Remove it.") from error


def _cross_entropy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    kept = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(targets * np.log(kept) + (1 - targets) * np.log(1 - kept)))
