"""The moving average of the weights that an optimizer keeps (``use_ema``), put into its model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ecg_keras.keras_library import keras


class Averages:
    """The averages of a compiled model's optimizer; none where it keeps none.

    ``keras.callbacks.SwapEMAWeights`` exchanges weights and averages in place, and nothing says
    whether it has done so. One weight's value after the latest step does: it is where the model's
    own weights are. The exchange rounds, so the nearer of the two is taken.

    Args:
        optimizer: of the model, built or not.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer | None) -> None:
        self._optimizer = optimizer
        self._latest: Any = None

    def note_step(self) -> None:
        """To be called after each step, when the model's own weights are in it."""
        pairs = self._pairs()
        if pairs:
            self._latest = keras.ops.copy(_witness(pairs)[0])

    @contextmanager
    def in_model(self) -> Iterator[None]:
        """The averages are in the model inside, and afterwards what was there before."""
        pairs = self._pairs()
        if not pairs or self._latest is None or self._exchanged(*_witness(pairs)):
            yield
            return
        before = [keras.ops.convert_to_numpy(own) for own, _ in pairs]
        try:
            for own, average in pairs:
                own.assign(keras.ops.convert_to_numpy(average))
            yield
        finally:
            for (own, _), value in zip(pairs, before, strict=True):
                own.assign(value)

    def _exchanged(self, own: Any, average: Any) -> bool:
        latest = keras.ops.convert_to_numpy(self._latest)
        distances = [
            np.abs(keras.ops.convert_to_numpy(one) - latest).sum() for one in (own, average)
        ]
        return bool(distances[1] < distances[0])

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Each trained variable and its average."""
        return [
            (own, average)
            for one in _single(self._optimizer)
            if getattr(one, "use_ema", False) and one.built
            for own, average in zip(
                one._trainable_variables, one._model_variables_moving_average, strict=True
            )
            if average is not None
        ]


def _witness(pairs: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The last kernel that is trained, which every step changes, and its average."""
    return next((pair for pair in reversed(pairs) if len(pair[0].shape) > 1), pairs[-1])


def _single(optimizer: Any) -> list[Any]:
    """The optimizers inside of one that scales losses or that joins several."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return list(getattr(inner, "optimizers", [inner]))
