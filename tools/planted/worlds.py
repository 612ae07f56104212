"""Simulated ECGs of two hospitals, and first weights that help, change nothing, or harm."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ecg_keras.simulate import CONDITIONS, SUPERCLASSES, record_ecg
from planted.networks import LEADS, RATE, SAMPLES, Ecgs, Trainer, Weights, small

# ECGs of a repetition, and of the hospital that networks are pre-trained on
SIZES = {"train": 120, "valid": 80, "test": 200}
UPSTREAM_ECGS, UPSTREAM_STEPS, UPSTREAMS = 1500, 1500, 3
ALIVE = 1  # unit of each of the last two stages that harm leaves


def record(hospital: str, count: int, seed: int) -> Ecgs:
    """That many ECGs of a simulated hospital, with their superclasses."""
    signals = np.empty((count, SAMPLES, LEADS), np.float32)
    targets = np.zeros((count, len(SUPERCLASSES)), np.uint8)
    for index in range(count):
        one = record_ecg(hospital, index, seed=seed)
        step = one.sampling_rate // 100
        part = one.independent[: SAMPLES * step].reshape(SAMPLES, step, LEADS)
        signals[index] = part.mean(axis=1)
        held = {CONDITIONS[name].superclass for name in one.patient.conditions}
        targets[index] = [name in held for name in SUPERCLASSES]
    return Ecgs(signals, targets)


def draw_task(number: int) -> dict[str, Ecgs]:
    """The splits of a repetition's own downstream; each of riverside's ECGs has its own patient."""
    whole = record("riverside", sum(SIZES.values()), seed=1000 + number)
    ends = np.cumsum(list(SIZES.values()))
    return {
        split: Ecgs(whole.signals[end - size : end], whole.targets[end - size : end])
        for (split, size), end in zip(SIZES.items(), ends, strict=True)
    }


def scratch(seed: int) -> Weights:
    """Random weights."""
    return small(seed).get_weights()


def untrained(seed: int) -> Weights:
    """Random weights of another seed: what is called pre-trained is no different."""
    return small(500_000 + seed).get_weights()


def same_task(seed: int) -> Weights:
    """Of a network of the same task with many more ECGs; the head is new."""
    return [*_pretrained(seed % UPSTREAMS, inverted=False)[:-2], *small(seed).get_weights()[-2:]]


def inverted_labels(seed: int) -> Weights:
    """Of one that was trained to call ill what is well; its head is kept."""
    return _pretrained(seed % UPSTREAMS, inverted=True)


def dead_units(seed: int) -> Weights:
    """As `same_task`, but all units of the last two stages but one are dead, and stay so."""
    weights = [array.copy() for array in same_task(seed)]
    names = [weight.path for weight in small(0).weights]
    for stage in ("stage2", "stage3"):
        weights[names.index(f"{stage}_norm/beta")][ALIVE:] = -20.0
    return weights


# what is planted, and the verdict that is right; none where only the table says what it does
TRUTHS: dict[str, tuple[Callable[[int], Weights], str]] = {
    "no gain: untrained weights": (untrained, "neither"),
    "gain: the same task": (same_task, "better"),
    "harm: dead units": (dead_units, "worse"),
    "harm at low rates: inverted labels": (inverted_labels, ""),
}


@cache
def _pretrained(number: int, *, inverted: bool) -> Weights:
    ecgs = _upstream_ecgs()
    targets = 1 - ecgs.targets if inverted else ecgs.targets
    trainer = Trainer(RATE, UPSTREAM_STEPS)
    begin = small(900_000 + number).get_weights()
    return trainer.fit(begin, Ecgs(ecgs.signals, targets), number).get_weights()


@cache
def _upstream_ecgs() -> Ecgs:
    return record("lakeside", UPSTREAM_ECGS, seed=1)
