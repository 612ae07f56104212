"""Beside the validation of `fit`, Keras' own callbacks and ways to compile."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import keras
import numpy as np

import ecg_keras as ecg
from combinations.by_hand import by_hand
from combinations.trying import (
    SIGNALS,
    TARGETS,
    Wrong,
    combination,
    compare,
    compiled,
    dataset,
    fit,
    network,
    plain,
    probabilities,
    refused,
    right,
    scores,
)
from ecg_keras.metrics import METRICS
from ecg_keras.training import read_log
from ecg_keras.training.device import use_precision


@combination("fit's own validation_data beside it")
def _(folder: Path) -> str:
    model = plain()
    found = fit(model, [scores()], validation_data=(SIGNALS[:9], TARGETS[:9]))
    expected = by_hand(TARGETS, probabilities(model))
    own = by_hand(TARGETS[:9], probabilities(model)[:9])["val_loss"]
    compare(found, {**expected, "val_loss": own}, 1e-4)
    return "right: val_loss is fit's"


@combination("validation_split of NumPy data, class_weight")
def _(folder: Path) -> str:
    model = plain()
    found = fit(
        model,
        [scores()],
        x=SIGNALS,
        y=TARGETS,
        validation_split=0.2,
        class_weight={0: 1.0, 1: 2.0, 2: 1.0},
    )
    expected = by_hand(TARGETS, probabilities(model))
    own = by_hand(TARGETS[52:], probabilities(model)[52:])["val_loss"]
    compare(found, {**expected, "val_loss": own}, 1e-4)
    return "right: val_loss is fit's"


@combination("validation_data in every second epoch only")
def _(folder: Path) -> str:
    settings = {"validation_data": (SIGNALS, TARGETS), "validation_freq": 2}
    return refused("validation_freq=1", lambda: fit(plain(), [scores()], **settings))


@combination("validation_data in every second epoch, and a prefix")
def _(folder: Path) -> str:
    model = plain()
    settings = {"validation_data": (SIGNALS, TARGETS), "validation_freq": 2}
    found = fit(model, [scores(prefix="ecg_")], **settings)
    expected = by_hand(TARGETS, probabilities(model))
    compare(found, {name.replace("val_", "ecg_"): value for name, value in expected.items()})
    return "right"


@combination("EarlyStopping(restore_best_weights=True)")
def _(folder: Path) -> str:
    model = network(optimizer=keras.optimizers.Adam(0.5))
    stop = keras.callbacks.EarlyStopping(
        "val_macro_auroc", mode="max", patience=2, restore_best_weights=True
    )
    history = model.fit(
        dataset(SIGNALS, TARGETS), epochs=12, verbose=0, shuffle=False, callbacks=[scores(), stop]
    ).history
    best = max(history["val_macro_auroc"])
    compare({"best": best}, {"best": by_hand(TARGETS, probabilities(model))["val_macro_auroc"]})
    return "right"


@combination("ModelCheckpoint(save_best_only=True)")
def _(folder: Path) -> str:
    model = network(optimizer=keras.optimizers.Adam(0.5))
    path = str(folder / "best.keras")
    save = keras.callbacks.ModelCheckpoint(path, "val_macro_auprc", mode="max", save_best_only=True)
    history = model.fit(
        dataset(SIGNALS, TARGETS), epochs=6, verbose=0, shuffle=False, callbacks=[scores(), save]
    ).history
    saved = by_hand(TARGETS, probabilities(keras.models.load_model(path)))
    compare({"best": max(history["val_macro_auprc"])}, {"best": saved["val_macro_auprc"]})
    return "right"


@combination("ReduceLROnPlateau, LearningRateScheduler, CSVLogger, TerminateOnNaN, RunLog")
def _(folder: Path) -> str:
    model = network(optimizer=keras.optimizers.SGD(1.0))
    reduce = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=0, min_delta=9)
    callbacks = [
        scores(),
        reduce,
        keras.callbacks.CSVLogger(str(folder / "theirs.csv")),
        keras.callbacks.TerminateOnNaN(),
        ecg.callbacks.RunLog(folder / "log.csv", phase=1),
    ]
    found = fit(model, callbacks, epochs=3)
    compare(found, by_hand(TARGETS, probabilities(model)))
    rates = [float(row["learning_rate"]) for row in read_log(folder / "log.csv")]
    if rates != [1.0, 1.0, 0.5] or float(model.optimizer.learning_rate) != 0.25:
        raise Wrong(f"learning rates {rates}")
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1))
    log = ecg.callbacks.RunLog(folder / "again.csv")
    fit(model, [schedule, scores(), log])
    rates = [float(row["learning_rate"]) for row in read_log(folder / "again.csv")]
    if not np.allclose(rates, [0.1, 0.2]):
        raise Wrong(f"learning rates {rates}")
    return "right"


@combination("TensorBoard, and the progress bar")
def _(folder: Path) -> str:
    model = plain()
    board = keras.callbacks.TensorBoard(str(folder), write_graph=False)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        found = fit(model, [scores(), board], verbose=2)
    compare(found, by_hand(TARGETS, probabilities(model)))
    if "val_macro_auroc" not in printed.getvalue():
        raise Wrong("the progress bar does not show the scores")
    return "right"


@combination("one callback in two fits, the network compiled again between")
def _(folder: Path) -> str:
    model, callback = network(), scores()
    right(model, callback)
    compiled(model, "binary_crossentropy", optimizer="sgd")
    return right(model, callback)


@combination("a loop of one's own with train_on_batch and a CallbackList")
def _(folder: Path) -> str:
    model, epochs = plain(), []
    log = ecg.callbacks.RunLog(folder / "log.csv")
    callbacks = keras.callbacks.CallbackList([scores(), log], add_history=True, model=model)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for signal, target in dataset(SIGNALS, TARGETS):
            loss = model.train_on_batch(signal, target)
        callbacks.on_epoch_end(epoch, {"loss": loss})
        epochs.append(by_hand(TARGETS, probabilities(model)))
    callbacks.on_train_end()
    for row, expected in zip(read_log(folder / "log.csv"), epochs, strict=True):
        compare({name: float(row[name]) for name in expected}, expected, 1e-4)
    return "right"


@combination("steps_per_execution=4")
def _(folder: Path) -> str:
    return right(network(steps_per_execution=4))


@combination("jit_compile=True")
def _(folder: Path) -> str:
    return right(network(jit_compile=True), epochs=1)


@combination("run_eagerly=True")
def _(folder: Path) -> str:
    return right(network(run_eagerly=True), epochs=1)


@combination("steps_per_epoch of a dataset that repeats")
def _(folder: Path) -> str:
    return right(plain(), x=dataset(SIGNALS, TARGETS).repeat(), steps_per_epoch=3)


@combination("mixed precision, bfloat16 and float16; outputs in float16")
def _(folder: Path) -> str:
    for policy in ("mixed_bfloat16", "mixed_float16"):
        with use_precision(policy):
            model = network()
            if policy == "mixed_float16":
                model = compiled(
                    keras.Sequential([model.layers[1], keras.layers.Dense(3, "sigmoid")])
                )
        found = fit(model, [scores()])
        compare(found, by_hand(TARGETS, probabilities(model)), 2e-2)
    return "right"


@combination("a network that diverged (NaN)")
def _(folder: Path) -> str:
    model = plain()
    model.set_weights([np.full_like(one, np.nan) for one in model.get_weights()])
    log = ecg.callbacks.RunLog(folder / "log.csv")
    found = fit(model, [scores(per_label=True), log])
    names = ("loss", "auroc_MI", *METRICS)
    compare(found, {f"val_{name}": float("nan") for name in names})
    if {row["val_macro_auroc"] for row in read_log(folder / "log.csv")} != {"nan"}:
        raise Wrong("the log does not say nan")
    return "right: every score is NaN"
