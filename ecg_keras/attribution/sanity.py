"""Checks of attributions: whether they depend on the weights, and look where the cause is.

Adebayo et al., "Sanity checks for saliency maps" (NeurIPS 2018): a map that stays as it is when
weights become random shows edges of the ECG, and nothing of the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import DataError
from ecg_keras.keras_library import keras
from ecg_keras.models import set_layer_weights, single_layers, stage_of, stages


def share_inside(values: npt.ArrayLike, place: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
    """Of what speaks for the label, the share in a place; and the share by chance.

    Args:
        values: ``(records, num_samples)`` or ``(records, num_samples, num_leads)``.
        place: bool, of the same shape: where the cause is.

    Returns:
        Two of ``(records,)``: NaN where nothing speaks for the label, and the size of the place.

    Raises:
        DataError: the shapes differ.

    Example:
        >>> share_inside([[0.0, 3.0, 1.0, -9.0]], [[False, True, False, False]])
        (array([0.75]), array([0.25]))
    """
    found, there = np.asarray(values, np.float64), np.asarray(place, bool)
    if found.shape != there.shape:
        raise DataError(
            f"attributions and a place must have one shape. Received: {found.shape}, {there.shape}."
        )
    axes = tuple(range(1, found.ndim))
    speaks = np.maximum(found, 0)
    total = speaks.sum(axis=axes)
    inside = np.divide(
        (speaks * there).sum(axis=axes), total, out=np.full(len(found), np.nan), where=total > 0
    )
    return inside, there.mean(axis=axes)


def likeness(values: npt.ArrayLike, others: npt.ArrayLike) -> float:
    """Mean over the records of Spearman's rank correlation of the sizes of two attributions.

    Example:
        >>> likeness([[1.0, 2.0, 3.0]], [[10.0, -20.0, 30.0]])
        1.0
    """
    pairs = zip(np.abs(np.asarray(values)), np.abs(np.asarray(others)), strict=True)
    found = [
        float(spearmanr(one.ravel(), other.ravel()).statistic)
        for one, other in pairs
        if np.ptp(one) and np.ptp(other)
    ]
    # a map that is empty has nothing in common with another
    return float(np.sum(found) / max(len(np.asarray(values)), 1))


def randomised(model: keras.Model, *, seed: int = 0) -> Iterator[tuple[str, keras.Model]]:
    """Copies of a network whose stages are random, one more from the head backwards in each.

    Random means that the numbers of each weight are shuffled: they keep their distribution. Each
    copy stays as it is when the next one is made.

    Example:
        >>> model = classifier(find_backbone("gru")(num_samples=100), ["MI"])
        >>> [stage for stage, _ in randomised(model)]
        ['head', 'stem']
    """
    rng = np.random.default_rng(seed)
    copy = model
    for stage in reversed(stages(model)):
        earlier, copy = copy, keras.models.clone_model(model)
        set_layer_weights(copy, earlier.get_weights())
        for layer in single_layers(copy):
            if stage_of(layer) == stage and layer.weights:
                weights = layer.get_weights()
                shuffled = [rng.permutation(one.ravel()).reshape(one.shape) for one in weights]
                set_layer_weights(layer, shuffled)
        yield stage, copy


def deletion(
    model: Any,
    signals: npt.ArrayLike,
    values: npt.ArrayLike,
    column: int,
    *,
    share: float = 0.1,
    seed: int = 0,
) -> tuple[Float64Array, Float64Array]:
    """How far the probability falls without the time that says most, and without random time.

    Time that is deleted is flat, at each lead's median; random time has pieces as long.

    Args:
        model: from ``(batch, num_samples, num_leads)`` to probabilities.
        signals: ``(records, num_samples, num_leads)`` in millivolts.
        values: attributions of these.
        column: of the output.
        share: of time that is deleted.
        seed: of the random time.

    Returns:
        Two of ``(records,)``: the fall of the probability, and by random time.

    Example:
        >>> fall, by_chance = deletion(model, signals, found.values, 0)  # doctest: +SKIP
    """
    given, found = np.asarray(signals, np.float32), np.asarray(values, np.float64)
    together = np.maximum(found if found.ndim == 2 else found.sum(axis=2), 0)
    count = max(1, round(share * given.shape[1]))
    most = np.zeros(given.shape[:2], bool)
    np.put_along_axis(most, np.argsort(-together, axis=1, kind="stable")[:, :count], True, axis=1)
    moves = np.random.default_rng(seed).integers(given.shape[1], size=len(given))
    chance = np.stack([np.roll(one, move) for one, move in zip(most, moves, strict=True)])
    flat = np.median(given, axis=1, keepdims=True)
    before, without, by_chance = (
        np.asarray(model(one, training=False), np.float64)[:, column]
        for one in (given, *(np.where(gone[..., None], flat, given) for gone in (most, chance)))
    )
    return before - without, before - by_chance
