"""`RunLog`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import keras

import ecg_keras as ecg
from combinations.trying import (
    Wrong,
    combination,
    fit,
    network,
    plain,
    refused,
    scores,
)
from ecg_keras.training import read_log


@combination("RunLog: metrics that are arrays, a schedule, steps_per_execution")
def _(folder: Path) -> str:
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
    model = network(
        optimizer=keras.optimizers.Adam(rate),
        metrics=[keras.metrics.F1Score(average=None, name="f1")],
        steps_per_execution=2,
    )
    fit(model, [scores(), ecg.callbacks.RunLog(folder / "log.csv")])
    rows = read_log(folder / "log.csv")
    if [row["learning_rate"] for row in rows] != ["0.05", "0.025"]:
        raise Wrong(f"learning rates {[row['learning_rate'] for row in rows]}")
    if not {"f1[0]", "f1[1]", "f1[2]"} <= rows[0].keys():
        raise Wrong(f"columns {sorted(rows[0])}")
    return "right: f1[0], f1[1], f1[2]"


@combination("RunLog: another metric after a restart, and a second fit")
def _(folder: Path) -> str:
    path = folder / "log.csv"
    fit(network(metrics=["mae"]), [ecg.callbacks.RunLog(path)])
    log = ecg.callbacks.RunLog(path)
    model = network(metrics=["mse"])
    fit(model, [log], epochs=3, initial_epoch=2)
    rows = read_log(path)
    if [(row["mae"] != "", row["mse"] != "") for row in rows] != [(1, 0), (1, 0), (0, 1)]:
        raise Wrong(f"rows {rows}")
    fit(model, [log], epochs=1)
    if [row["epoch"] for row in read_log(path)] != ["1"]:
        raise Wrong(f"rows {read_log(path)}")
    return "right"


@combination("RunLog: an optimizer without a learning rate of its own")
def _(folder: Path) -> str:
    log = ecg.callbacks.RunLog(folder / "log.csv")
    log.set_model(SimpleNamespace(optimizer=None))
    log.on_train_begin()
    log.on_epoch_begin(0)
    log.on_epoch_end(0, {"loss": 1.0})
    if read_log(folder / "log.csv")[0]["learning_rate"] != "":
        raise Wrong("a learning rate of no optimizer")
    return "right: the column is empty"


@combination("RunLog: a file of another kind")
def _(folder: Path) -> str:
    (folder / "log.csv").write_text("name,score\na,1\n")
    log = ecg.callbacks.RunLog(folder / "log.csv")
    return refused("no log of a training", lambda: fit(plain(), [log]))


@combination("RunLog: a constant with the name of a column")
def _(folder: Path) -> str:
    return refused("a name of its own", lambda: ecg.callbacks.RunLog(folder / "log.csv", epoch=3))
