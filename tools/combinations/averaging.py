"""Optimizers that average the weights (EMA)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from combinations.by_hand import by_hand
from combinations.trying import (
    SIGNALS,
    TARGETS,
    Wrong,
    combination,
    compare,
    dataset,
    fit,
    network,
    probabilities,
    same_weights,
    scores,
)
from ecg_keras.training.device import use_precision


class Averaged(keras.callbacks.Callback):
    """By hand: the average of the weights, from the weights after each step."""

    def __init__(self, momentum: float) -> None:
        super().__init__()
        self.momentum, self.average = momentum, None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = self.model.get_weights()
        if self.average is None:
            self.average = now
        m = self.momentum
        self.average = [m * a + (1 - m) * w for a, w in zip(self.average, now, strict=True)]

    def of(self, model: keras.Model) -> keras.Model:
        """A network with the averages."""
        other = keras.models.clone_model(model)
        other.set_weights(self.average)
        return other


def averaging(policy: str = "float32", **settings: Any) -> keras.Model:
    with use_precision(policy):
        return network(
            optimizer=keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.8), **settings
        )


def score_averages(
    model: keras.Model, *others: Any, tolerance: float = 1e-4, epochs: int = 2, **settings: Any
) -> str:
    """Compares each epoch's scores with those of averages by hand, and the last network too."""
    by_epoch: list[dict[str, float]] = []
    watch = Averaged(0.8)

    class Compare(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            by_epoch.append(by_hand(TARGETS, probabilities(watch.of(model))))

    arguments = {
        "x": dataset(SIGNALS, TARGETS),
        "verbose": 0,
        "shuffle": False,
        "epochs": epochs,
        **settings,
    }
    history = model.fit(callbacks=[watch, *others, Compare()], **arguments).history
    for epoch, expected in enumerate(by_epoch):
        compare({name: values[epoch] for name, values in history.items()}, expected, tolerance)
    same_weights(model, watch.of(model), 1e-4 if tolerance < 1e-3 else 1e-2)
    return "right"


@combination("EMA: use_ema without SwapEMAWeights")
def _(folder: Path) -> str:
    return score_averages(averaging(), scores())


@combination("EMA: SwapEMAWeights(swap_on_epoch=True) before ValidationScores")
def _(folder: Path) -> str:
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    return score_averages(averaging(), swap, scores(), epochs=3)


@combination("EMA: SwapEMAWeights(swap_on_epoch=True) after ValidationScores")
def _(folder: Path) -> str:
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    return score_averages(averaging(), scores(), swap, epochs=3)


@combination("EMA: SwapEMAWeights() beside validation_data")
def _(folder: Path) -> str:
    data = (SIGNALS, TARGETS)
    for order in (0, 1):
        callbacks = [keras.callbacks.SwapEMAWeights(), scores()][:: 1 - 2 * order]
        score_averages(averaging(), *callbacks, validation_data=data)
    return "right, val_loss too"


@combination("EMA: with steps_per_execution, mixed float16, several optimizers")
def _(folder: Path) -> str:
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    score_averages(averaging("mixed_float16"), swap, scores(), tolerance=2e-2)
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    found = fit(averaging(steps_per_execution=5), [swap, scores()])
    model = averaging()
    compare(found, fit(model, [keras.callbacks.SwapEMAWeights(True), scores()]), 1e-4)
    return "right"


@combination("EMA: SwapEMAWeights, then ValidationScores, then ModelCheckpoint")
def _(folder: Path) -> str:
    path = str(folder / "best.keras")
    save = keras.callbacks.ModelCheckpoint(path, "val_loss", save_best_only=True)
    model, swap = averaging(), keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    history = model.fit(
        dataset(SIGNALS, TARGETS),
        epochs=4,
        verbose=0,
        shuffle=False,
        callbacks=[swap, scores(), save],
    ).history
    saved = by_hand(TARGETS, probabilities(keras.models.load_model(path)))
    compare({"best": min(history["val_loss"])}, {"best": saved["val_loss"]}, 1e-4)
    return "right: the averages are saved"


@combination("EMA: SwapEMAWeights, ValidationScores, EarlyStopping(restore_best_weights=True)")
def _(folder: Path) -> str:
    model, swap = averaging(), keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    # no epoch is so much better than the first
    stop = keras.callbacks.EarlyStopping(
        "val_loss", min_delta=9, patience=0, restore_best_weights=True
    )
    watch, first = Averaged(0.8), []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: first.append(watch.of(model))
    )
    fit(model, [watch, keep, swap, scores(), stop], epochs=4)
    if len(first) != 2:
        raise Wrong(f"stopped after {len(first)} epochs")
    same_weights(model, first[0], 1e-4)
    return "right: the averages of the best epoch"
