"""TensorBoard, MLflow and Weights & Biases."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import ecg_keras as ecg
from combinations.averaging import averaging
from combinations.trying import (
    LABELS,
    SIGNALS,
    TARGETS,
    Wrong,
    combination,
    compare,
    compiled,
    dataset,
    fit,
    plain,
    probabilities,
    scores,
)

SETTINGS = {"rate": 0.5, "model": {"layers": 1}}


def tensors(folder: Path, name: str) -> list[Any]:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload().Tensors(name)


def shown(folder: Path, step: int) -> np.ndarray:
    """The probabilities in the last table of an epoch."""
    of_step = [one for one in tensors(folder / "ecgs", "ecg/probabilities") if one.step == step]
    rows = of_step[-1].tensor_proto.string_val[0].decode().splitlines()[2:]
    return np.array([[float(cell) for cell in row.strip("| ").split(" | ")[2:]] for row in rows])


@combination("TensorBoardEcgs and TensorBoardSettings beside TensorBoard, in two fits")
def _(folder: Path) -> str:
    model = plain()
    for last in (2, 3):
        board = keras.callbacks.TensorBoard(str(folder), write_graph=False)
        ecgs = ecg.callbacks.TensorBoardEcgs(
            dataset(SIGNALS, TARGETS), LABELS, folder, sampling_rate=20
        )
        settings = ecg.callbacks.TensorBoardSettings(SETTINGS, folder)
        found = fit(
            model, [scores(), board, ecgs, settings], epochs=last, initial_epoch=max(0, last - 2)
        )
        given = probabilities(model)[:4]
        if not np.allclose(shown(folder, last - 1), given, atol=0.0051):
            raise Wrong(f"shown {shown(folder, last - 1)}, given {given}")
        kept = tensors(folder / "settings", "val_macro_auroc")
        value = float(tf.make_ndarray(kept[-1].tensor_proto))
        compare({"val_macro_auroc": value}, {"val_macro_auroc": found["val_macro_auroc"]})
    return "right"


@combination("TensorBoardEcgs: EMA with SwapEMAWeights before it")
def _(folder: Path) -> str:
    model = averaging()
    ecgs = ecg.callbacks.TensorBoardEcgs(
        dataset(SIGNALS, TARGETS), LABELS, folder, sampling_rate=20, records=9
    )
    fit(model, [keras.callbacks.SwapEMAWeights(swap_on_epoch=True), scores(), ecgs])
    if not np.allclose(shown(folder, 1), probabilities(model)[:9], atol=0.0051):
        raise Wrong("not the answers of the averages")
    return "right: the answers of the averages"


@combination("TensorBoardEcgs: a dictionary of inputs")
def _(folder: Path) -> str:
    keras.utils.set_random_seed(1)
    signal, age = keras.Input((20, 3), name="signal"), keras.Input((1,), name="age")
    x = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling1D()(signal), age])
    model = compiled(keras.Model([signal, age], keras.layers.Dense(3, "sigmoid")(x)))
    both = dataset({"signal": SIGNALS, "age": SIGNALS[:, 0, :1]}, TARGETS)
    ecgs = ecg.callbacks.TensorBoardEcgs(both, LABELS, folder, sampling_rate=20)
    fit(model, [ecgs], x=both)
    given = np.asarray(model({"signal": SIGNALS, "age": SIGNALS[:, 0, :1]}))[:4]
    if not np.allclose(shown(folder, 1), given, atol=0.0051):
        raise Wrong("other answers")
    return "right"


@combination("MlflowRun: two phases, and a restart")
def _(folder: Path) -> str:
    if importlib.util.find_spec("mlflow") is None:
        return "not tried: mlflow is not installed"
    import mlflow

    store = (folder / "store").as_uri()
    client = mlflow.MlflowClient(tracking_uri=store)
    statuses = []

    class Status(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            statuses.append(client.get_run(_id(folder / "mlflow.json")).info.status)

    model = plain()
    for first, last in ((0, 2), (2, 3), (1, 3)):
        run = ecg.callbacks.MlflowRun(SETTINGS, folder, tracking_uri=store)
        found = fit(model, [scores(), run, Status()], initial_epoch=first, epochs=last)
    kept = client.get_run(_id(folder / "mlflow.json"))
    compare(kept.data.metrics, found)
    rows = client.get_metric_history(kept.info.run_id, "val_macro_auroc")
    if [one.step for one in rows] != [1, 2, 3, 2, 3] or set(statuses) != {"RUNNING"}:
        raise Wrong(f"steps {[one.step for one in rows]}, {statuses}")
    if kept.info.status != "FINISHED" or kept.data.params != {"rate": "0.5", "model.layers": "1"}:
        raise Wrong(f"{kept.info.status}, {kept.data.params}")
    return "right"


@combination("WandbRun: offline, two phases")
def _(folder: Path) -> str:
    if importlib.util.find_spec("wandb") is None:
        return "not tried: wandb is not installed"
    os.environ["WANDB_SILENT"] = "true"
    model, names = plain(), []
    for first, last in ((0, 2), (2, 3)):
        run = ecg.callbacks.WandbRun(SETTINGS, folder)
        fit(model, [scores(), run], initial_epoch=first, epochs=last)
        names.append(_id(folder / "wandb.json"))
    if len(set(names)) != 1 or not list((folder / "wandb").glob(f"offline-run-*-{names[0]}")):
        raise Wrong(f"runs {names}")
    return "right: one run"


def _id(path: Path) -> str:
    return str(json.loads(path.read_text())["id"])
