"""Keras callbacks for a user's own training script: a log and an order of records that resume."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras import data
from ecg_keras.errors import ConfigError
from ecg_keras.files import replacing
from ecg_keras.keras_library import CopiedCallback, keras
from ecg_keras.training.run import read_log


class FollowEpochs(CopiedCallback):
    """Makes the order of the training data that of the epoch which ``fit`` is in.

    The order of `data.load`, and its random changes, depend on the number of the epoch, which is
    counted from 0 in each process. After a kill, ``BackupAndRestore`` resumes with a later epoch
    of ``fit``; with this callback so does the dataset, and the training sees what it would have
    seen without the kill. The same holds for ``fit(initial_epoch=...)``. It does not where
    ``fit(steps_per_epoch=...)`` takes fewer batches than a pass has: an epoch then begins in the
    middle of a pass, and one that resumes begins a pass.

    Args:
        train: the dataset that `data.load` returned with ``shuffle`` or ``augment``. What is made
            of it by ``map``, ``take`` or ``zip`` follows too, but not by ``repeat``, whose passes
            are no epochs of ``fit``.

    Raises:
        ConfigError: the dataset is another, or its epochs were given to `data.load`.

    Example:
        >>> train = data.load("shards/ptbxl", "train", batch_size=64, shuffle=True, seed=0)
        >>> backup = keras.callbacks.BackupAndRestore("backup")
        >>> model.fit(train, epochs=5, shuffle=False, callbacks=[backup, FollowEpochs(train)])
    """

    def __init__(self, train: tf.data.Dataset[Any]) -> None:
        super().__init__()
        data.set_epoch(train, 0)
        self.train = train

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        data.set_epoch(self.train, epoch)


class RunLog(CopiedCallback):
    """Writes one CSV row an epoch, and adds to the same file after a restart.

    The columns are ``epoch`` (from 1), the constant columns, ``learning_rate`` (empty where the
    optimizer has none of its own), what the logs hold, sorted, and ``seconds``. A value that is an
    array has a column for each of its numbers, ``f1[0]``, ``f1[1]`` and so on; a column that some
    rows do not have is empty in them. Rows of epochs that are trained again are replaced, so a run
    that was killed and resumed leaves the same rows as one that was not, unlike
    ``keras.callbacks.CSVLogger(append=True)``, which would list them twice. So a second ``fit``
    that begins at epoch 0 begins the file again; name ``initial_epoch`` to add to it.

    Args:
        path: the CSV file; its folder is made where it is missing.
        constants: further columns with one value, such as ``phase=1``.

    Raises:
        ConfigError: a constant has the name of a column.
        DataError: when training begins: the file that is there is no such log.

    Example:
        >>> scores = ValidationScores(valid, labels)
        >>> model.fit(train, epochs=5, callbacks=[scores, RunLog("log.csv")])
    """

    writes = ("path", "")

    def __init__(self, path: str | Path, **constants: Any) -> None:
        super().__init__()
        taken = sorted({"epoch", "learning_rate", "seconds"} & set(constants))
        if taken:
            raise ConfigError(
                f"a constant of RunLog needs a name of its own. Received: {', '.join(taken)}."
            )
        self.path = Path(path)
        self.constants = constants
        self._rows: list[dict[str, str]] | None = None
        self._begun = 0.0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._rows = None
        read_log(self.path)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._rows is None:
            self._rows = [row for row in read_log(self.path) if int(row["epoch"]) <= epoch]
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        row = {
            "epoch": epoch + 1,
            **self.constants,
            "learning_rate": _learning_rate(self.model.optimizer),
            **dict(_columns(logs or {})),
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


def _learning_rate(optimizer: Any) -> str:
    """As text; empty for optimizers that have none, such as a ``MultiOptimizer``."""
    try:
        return f"{float(keras.ops.convert_to_numpy(optimizer.learning_rate)):.6g}"
    except AttributeError:
        return ""


def _columns(logs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an epoch's logs hold as columns of text, sorted by name."""
    for name, value in sorted(logs.items()):
        numbers = np.asarray(value)
        if numbers.ndim:
            for place, number in enumerate(numbers.ravel()):
                yield f"{name}[{place}]", f"{number:.6g}"
        else:
            yield name, value if isinstance(value, str) else f"{float(value):.6g}"
