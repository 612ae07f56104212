"""Callbacks that send scores, settings and ECGs to TensorBoard, MLflow and Weights & Biases."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import ConfigError, shortened
from ecg_keras.json_files import as_text, read_json, write_json
from ecg_keras.keras_library import CopiedCallback, keras
from ecg_keras.training.validation_pass import choose_output

# pixels of a lead's height, of one millivolt, and of one second
HEIGHT, PER_MV, PER_SECOND = 64, 24, 64
PAPER, LINE, TRACE = (255, 255, 255), (240, 190, 190), (20, 20, 20)
_ADVICE = "Remove it: another run is begun."


def draw(signal: AnyArray, sampling_rate: float) -> npt.NDArray[np.uint8]:
    """An ECG ``(num_samples, num_leads)`` in mV as a picture ``(height, width, 3)``: leads below
    one another in their order, a line for each second.
    """
    samples, leads = signal.shape
    width = max(2, round(samples / sampling_rate * PER_SECOND))
    picture = np.full((leads * HEIGHT, width, 3), PAPER, np.uint8)
    picture[:, ::PER_SECOND] = LINE
    signal = np.nan_to_num(signal)
    if samples < width:  # a line without gaps
        times = np.arange(width) * (samples / width)
        signal = np.stack([np.interp(times, np.arange(samples), one) for one in signal.T], axis=1)
        samples = width
    place = np.arange(leads) * HEIGHT + HEIGHT // 2 - signal * PER_MV
    top = np.arange(leads) * HEIGHT
    place = np.clip(place, top, top + HEIGHT - 1).round().astype(int)
    column = np.minimum(np.arange(samples) * width // samples, width - 1)
    for before, after, x in zip(place[:-1], place[1:], column[1:], strict=True):
        for one, other in zip(before, after, strict=True):
            picture[min(one, other) : max(one, other) + 1, x] = TRACE
    return picture


class TensorBoardEcgs(CopiedCallback):
    """Shows some validation ECGs in TensorBoard, and what the network says of them in each epoch.

    Args:
        valid: batches of (signal ``(batch, num_samples, num_leads)`` in mV, target), in order; of
            several inputs a dictionary, in which the ECG is ``signal``.
        labels: names of the target's columns.
        tensorboard: folder of its files, such as that of ``keras.callbacks.TensorBoard``.
        sampling_rate: in Hz.
        records: how many, the first ones.
        model: what to ask instead of the model that is fitted, such as one for whole ECGs.
        output: name of the output to show, of a model with several.

    Raises:
        ConfigError: ``records`` is below 1; or, when training begins or after an epoch, the targets
            or the model have several outputs and none is named.

    Example:
        >>> ecgs = TensorBoardEcgs(valid, labels, "logs", sampling_rate=100)
        >>> model.fit(train, epochs=5, callbacks=[ecgs])
    """

    writes = ("folder", "ecgs")

    def __init__(
        self,
        valid: tf.data.Dataset[Any],
        labels: Sequence[str],
        tensorboard: str | Path,
        *,
        sampling_rate: float,
        records: int = 4,
        model: keras.Model | None = None,
        output: str | None = None,
    ) -> None:
        super().__init__()
        if records < 1:
            raise ConfigError(f"records must be at least 1. Received: {records}.")
        self.valid, self.labels, self.folder = valid, tuple(labels), Path(tensorboard)
        self.sampling_rate, self.records, self._asked = sampling_rate, records, model
        self.output = output
        self._signals: Any = None
        self._names: list[str] = []
        self._writer: Any = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._signals, targets, *_ = next(iter(self.valid.unbatch().batch(self.records)))
        several = isinstance(self._signals, Mapping)
        targets = self._choose(targets, "the target")
        self._names = [
            ", ".join(label for label, there in zip(self.labels, one, strict=True) if there == 1)
            for one in np.asarray(targets)
        ]
        self._writer = tf.summary.create_file_writer(str(self.folder / "ecgs"))
        with self._writer.as_default():
            signals = self._signals["signal"] if several else self._signals
            for number, signal in enumerate(np.asarray(signals)):
                picture, name = draw(signal, self.sampling_rate), self._names[number]
                tf.summary.image(f"ecg/{number}", picture[None], step=0, description=name)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        values = (self._asked or self.model)(self._signals, training=False)
        answers = np.asarray(self._choose(values, "the model"))
        header = ("ECG", "has", *self.labels)
        rows = [header, ("---",) * len(header)]
        for number, (name, one) in enumerate(zip(self._names, answers, strict=True)):
            rows.append((str(number), name or "none", *(f"{value:.2f}" for value in one)))
        text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        with self._writer.as_default():
            tf.summary.text("ecg/probabilities", text, step=epoch)
        self._writer.flush()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._writer.close()

    def _choose(self, values: Any, what: str) -> Any:
        names = getattr(self._asked or self.model, "output_names", ())
        return choose_output(values, self.output, names, what, "TensorBoardEcgs")


class TensorBoardSettings(CopiedCallback):
    """Lists a training's settings and scores in TensorBoard's table of hyperparameters.

    Args:
        settings: plain values, nested or not.
        tensorboard: folder of its files, one for each training, beside those of others.

    Example:
        >>> shown = TensorBoardSettings({"rate": 1e-3, "dropout": 0.1}, "logs/first")
        >>> model.fit(train, epochs=5, callbacks=[ValidationScores(valid, labels), shown])
    """

    writes = ("folder", "settings")

    def __init__(self, settings: Mapping[str, Any], tensorboard: str | Path) -> None:
        super().__init__()
        self.settings, self.folder = dict(flatten(settings)), Path(tensorboard)
        self._writer: Any = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        from tensorboard.plugins.hparams import api  # type: ignore[import-untyped]

        self._writer = tf.summary.create_file_writer(str(self.folder / "settings"))
        with self._writer.as_default():
            api.hparams(self.settings, trial_id=str(self.folder))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        with self._writer.as_default():
            for name, value in finite(logs or {}):
                tf.summary.scalar(name, value, step=epoch)
        self._writer.flush()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._writer.close()


class MlflowRun(CopiedCallback):
    """Logs settings and each epoch's scores to MLflow, a run for each run folder.

    Nothing leaves the machine unless ``tracking_uri``, or MLflow's own environment variable, names
    a server. A training that was stopped resumes its MLflow run.

    Args:
        settings: plain values, nested or not.
        folder: of the run; it keeps the id of the MLflow run in ``mlflow.json``.
        experiment: its name in MLflow.
        tracking_uri: where to log; none is MLflow's default, ``mlruns`` in the current folder.

    Raises:
        ConfigError: MLflow is not installed.

    Example:
        >>> model.fit(train, callbacks=[MlflowRun({"rate": 1e-3}, "runs/first")])
    """

    writes = ("folder", "mlflow.json")

    def __init__(
        self,
        settings: Mapping[str, Any],
        folder: str | Path,
        *,
        experiment: str = "ecg_keras",
        tracking_uri: str | None = None,
    ) -> None:
        super().__init__()
        self.settings, self.folder, self.experiment = settings, Path(folder), experiment
        self._client = import_tracker("mlflow").MlflowClient(tracking_uri=tracking_uri)
        self._id = ""

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        kept = self.folder / "mlflow.json"
        if kept.is_file():
            self._id = read_json(kept, "ids of MLflow", _id_of, _ADVICE)
            # as the end of a phase, or of an earlier training, left it
            self._client.update_run(self._id, status="RUNNING")
            return
        found = self._client.get_experiment_by_name(self.experiment)
        place = found.experiment_id if found else self._client.create_experiment(self.experiment)
        tags = {"mlflow.runName": self.folder.name}
        self._id = self._client.create_run(place, tags=tags).info.run_id
        for name, value in flatten(self.settings):
            self._client.log_param(self._id, name, shortened(str(value), 250))
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(kept, {"id": self._id})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        for name, value in finite(logs or {}):
            self._client.log_metric(self._id, name, value, step=epoch + 1)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._client.set_terminated(self._id)


class WandbRun(CopiedCallback):
    """Logs settings and each epoch's scores to Weights & Biases, a run for each run folder.

    Args:
        settings: plain values, nested or not.
        folder: of the run; it keeps the id of the W&B run in ``wandb.json``, and its files.
        project: its name in W&B.
        mode: ``"offline"`` keeps all on this machine, for ``wandb sync``; ``"online"`` sends it.

    Raises:
        ConfigError: W&B is not installed.

    Example:
        >>> model.fit(train, callbacks=[WandbRun({"rate": 1e-3}, "runs/first", mode="online")])
    """

    writes = ("folder", "wandb.json")

    def __init__(
        self,
        settings: Mapping[str, Any],
        folder: str | Path,
        *,
        project: str = "ecg_keras",
        mode: str = "offline",
    ) -> None:
        super().__init__()
        self.settings, self.folder, self.project, self.mode = settings, Path(folder), project, mode
        self._wandb = import_tracker("wandb")
        self._run: Any = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        kept = self.folder / "wandb.json"
        known = read_json(kept, "ids of W&B", _id_of, _ADVICE) if kept.is_file() else None
        self.folder.mkdir(parents=True, exist_ok=True)
        self._run = self._wandb.init(
            project=self.project,
            name=self.folder.name,
            id=known,
            resume="allow",
            mode=self.mode,
            dir=str(self.folder),
            config=dict(flatten(self.settings)),
        )
        write_json(kept, {"id": str(self._run.id)})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._run.log(dict(finite(logs or {})), step=epoch + 1)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._run.finish()


def import_tracker(name: str) -> Any:
    """A package that is no dependency of ours."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"the callback {name} needs the package {name}, which is not installed or does not "
            f"load ({shortened(str(error), 100)}): pip install {name}."
        ) from error


def flatten(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings with dotted names; what is no number, truth value or text as text."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{before}{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            listed = {str(number): one for number, one in enumerate(value)}
            yield from flatten(listed, f"{before}{name}.")
        else:
            plain = isinstance(value, bool | int | float | str)
            yield f"{before}{name}", value if plain else str(value)


def finite(logs: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers among what an epoch logs."""
    for name, value in logs.items():
        if np.ndim(value) == 0 and math.isfinite(number := float(value)):
            yield name, number


def _id_of(tree: Mapping[str, Any]) -> str:
    return as_text(tree["id"])
