"""`TimeToQuality` and `StopWhenUnresolved`, which read scores."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import ecg_keras as ecg
from combinations.by_hand import by_hand
from combinations.trying import (
    LABELS,
    SIGNALS,
    TARGETS,
    WEIGHTS,
    Kill,
    Killed,
    Wrong,
    combination,
    dataset,
    fit,
    network,
    plain,
    probabilities,
    refused,
    same_weights,
    scores,
)
from ecg_keras.training.resolved_stopping import divide_patients

PATIENTS = [f"p{number // 2}" for number in range(65)]


class Clock(keras.callbacks.Callback):
    """Waits in each epoch, and keeps its seconds, scores and weights."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.logs: list[dict[str, float]] = []
        self.weights: list[Any] = []
        self.given: list[np.ndarray] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begun = time.perf_counter()
        time.sleep(0.02)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.begun)
        self.logs.append(dict(logs or {}))
        self.weights.append(self.model.get_weights())
        self.given.append(probabilities(self.model))


def ordered(*parts: Any) -> ecg.callbacks.ValidationScores:
    return ecg.callbacks.ValidationScores(dataset(*(parts or (SIGNALS, TARGETS))), LABELS)


def timed(target: float, **settings: Any) -> ecg.callbacks.TimeToQuality:
    return ecg.callbacks.TimeToQuality("val_loss", target, mode="min", **settings)


def loss_reached_in(epoch: int) -> float:
    """One that the plain network reaches in that epoch, by half of what it gains in it.

    Threads add up in any order, so the very loss of a fit may be missed by the last bit in another.
    """
    clock = Clock()
    fit(plain(), [ordered(), clock], epochs=epoch)
    return float(np.mean([one["val_loss"] for one in clock.logs[-2:]]))


@combination("TimeToQuality: the epoch and the seconds, by a clock beside it")
def _(folder: Path) -> str:
    clock, quality = Clock(), timed(loss_reached_in(3))
    fit(plain(), [scores(), quality, clock], epochs=5)
    by_clock = sum(clock.seconds[:3])
    if quality.epoch != 3 or not abs(quality.seconds - by_clock) < 0.2 * by_clock:
        raise Wrong(f"epoch {quality.epoch}, {quality.seconds} of {by_clock} seconds")
    return "right"


@combination("TimeToQuality(stop=True), and a score that is never reached")
def _(folder: Path) -> str:
    clock, second = Clock(), loss_reached_in(2)
    fit(plain(), [scores(), timed(second, stop=True), clock], epochs=5)
    never = timed(0.0)
    fit(plain(), [scores(), never])
    if len(clock.logs) != 2 or (never.epoch, never.seconds) != (None, None):
        raise Wrong(f"{len(clock.logs)} epochs; {never.epoch}")
    return "right"


@combination("TimeToQuality: a network that diverged (NaN)")
def _(folder: Path) -> str:
    model, quality = network(), timed(9.0, path=folder / "times.json")
    model.set_weights([np.full_like(one, np.nan) for one in model.get_weights()])
    fit(model, [scores(), quality])
    again = timed(9.0, path=folder / "times.json")
    fit(model, [scores(), again], initial_epoch=2, epochs=3)
    if quality.epoch is not None or again.epoch is not None:
        raise Wrong("NaN was good enough")
    return "right: never"


@combination("TimeToQuality: killed in epoch 3, with BackupAndRestore")
def _(folder: Path) -> str:
    target = loss_reached_in(4)

    def train(*kill: Kill) -> ecg.callbacks.TimeToQuality:
        quality = timed(target, path=folder / "times.json")
        backup = keras.callbacks.BackupAndRestore(str(folder / "backup"))
        # of its own: Keras keeps in the network from which epoch it resumed
        fit(network(), [backup, Clock(), scores(), quality, *kill], epochs=4)
        return quality

    try:
        train(Kill(2, 1))
    except Killed:
        quality = train()
        if quality.epoch != 4 or not quality.seconds >= 4 * 0.02:
            raise Wrong(f"epoch {quality.epoch}, {quality.seconds} seconds") from None
        return "right: the seconds of all four epochs"
    raise Wrong("not killed")


@combination("TimeToQuality before ValidationScores")
def _(folder: Path) -> str:
    return refused("Place TimeToQuality after", lambda: fit(plain(), [timed(0.5), scores()]))


def stop_by_hand(
    clock: Clock, patience: int, patients: Any = None, weights: Any = None
) -> tuple[int, int]:
    """When training ends and which epoch was best, from AUROCs by pairs of records."""
    counts = np.ones(65) if weights is None else np.asarray(weights, float)
    groups = divide_patients(patients, 65, 0)
    number, best, kept = groups.max() + 1, 0, None
    for epoch, given in enumerate(clock.given, 1):
        areas = np.array(
            [
                by_hand(TARGETS, given, counts * (groups != group))["val_macro_auroc"]
                for group in (-1, *range(number))
            ]
        )
        if kept is not None:
            gains = areas - kept
            error = np.sqrt((number - 1) / number * np.square(gains[1:] - gains[1:].mean()).sum())
        if kept is None or gains[0] > error:
            best, kept = epoch, areas
        elif epoch - best == patience:
            return epoch, best
    return len(clock.given), best


def stopped(
    make: Callable[[Any], Any], *others: Any, patients: Any = None, weights: Any = None
) -> keras.Model:
    """Fits until it ends, and compares when, and the best epoch, with `stop_by_hand`."""
    parts = (SIGNALS, TARGETS) if weights is None else (SIGNALS, TARGETS, weights)
    before, clock = ordered(*parts), Clock()
    stop, model = make(before), network(optimizer=keras.optimizers.Adam(0.1))
    fit(model, [before, clock, stop, *others], epochs=40)
    ended, best = stop_by_hand(clock, stop.patience, patients, weights)
    if (len(clock.logs), stop.best_epoch) != (ended, best) or ended == 40:
        raise Wrong(f"{len(clock.logs)} epochs, best {stop.best_epoch}, not {ended} and {best}")
    stop.clock = clock
    return stop


@combination("StopWhenUnresolved: the epochs and the best one, by pairs of records")
def _(folder: Path) -> str:
    stopped(lambda before: ecg.callbacks.StopWhenUnresolved(before, patience=3))
    return "right"


@combination("StopWhenUnresolved: two records a patient, weighted")
def _(folder: Path) -> str:
    stopped(
        lambda before: ecg.callbacks.StopWhenUnresolved(before, patients=PATIENTS, patience=2),
        patients=PATIENTS,
        weights=WEIGHTS,
    )
    return "right"


@combination("StopWhenUnresolved(restore_best_weights=True)")
def _(folder: Path) -> str:
    make = ecg.callbacks.StopWhenUnresolved
    stop = stopped(lambda before: make(before, patience=2, restore_best_weights=True))
    best = network()
    best.set_weights(stop.clock.weights[stop.best_epoch - 1])
    same_weights(stop.model, best)
    return "right: the weights of the best epoch"


@combination("StopWhenUnresolved before ValidationScores")
def _(folder: Path) -> str:
    before = ordered()
    stop = ecg.callbacks.StopWhenUnresolved(before)
    return refused("ValidationScores before it", lambda: fit(plain(), [stop, before]))


@combination("StopWhenUnresolved: validation data that are shuffled at each pass")
def _(folder: Path) -> str:
    before = scores()
    stop = ecg.callbacks.StopWhenUnresolved(before)
    return refused("Leave out their shuffle", lambda: fit(plain(), [before, stop]))
