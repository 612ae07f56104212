"""Keras, for all modules of this package, once it is known to make the networks that it should.

Keras has no types: what is subclassed gets some here, all else of it is ``Any``.
"""

from __future__ import annotations

import copy
import itertools
import sys
from typing import TYPE_CHECKING, Any

from ecg_keras.keras_settings import NUMBERS, check_backend, check_keras_settings, check_numbers

# it may fail at its import otherwise; where it was imported before, what it is set to now counts
if "keras" not in sys.modules:
    check_keras_settings()

import keras
from keras import KerasTensor, layers, ops

__all__ = [
    "Callback",
    "CopiedCallback",
    "KerasModel",
    "KerasTensor",
    "Loss",
    "check_keras",
    "keras",
    "layers",
    "ops",
]

if TYPE_CHECKING:

    class Callback:
        """`keras.callbacks.Callback`."""

        model: Any

        def __init__(self) -> None: ...
        def set_model(self, model: Any) -> None: ...

    class Loss:
        """`keras.losses.Loss`."""

        def __init__(self, *, name: str, **settings: Any) -> None: ...
        def __call__(self, y_true: Any, y_pred: Any) -> Any: ...
        def get_config(self) -> dict[str, Any]: ...

    class KerasModel:
        """`keras.Model`."""

        optimizer: Any
        loss: Any
        trainable_weights: list[Any]
        compute_loss: Any
        _loss_tracker: Any

        def __init__(self, inputs: Any, outputs: Any, *, name: str | None = None) -> None: ...
        def __call__(self, signal: Any, *, training: bool = False) -> Any: ...
        def compile(self, *args: Any, **settings: Any) -> None: ...
        def fit(self, *args: Any, **settings: Any) -> Any: ...
        def get_metrics_result(self) -> dict[str, Any]: ...
        def _symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None: ...

else:
    Callback, Loss, KerasModel = keras.callbacks.Callback, keras.losses.Loss, keras.Model


class CopiedCallback(Callback):
    """A callback whose deep copy shares what is no callback itself: datasets can't be copied, and a
    model must not be. KerasTuner copies a list of callbacks for each of its trials, whose files are
    not to be one.
    """

    # the attribute that says where it writes, and by which file there it shows that it did
    writes: tuple[str, str] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> CopiedCallback:
        copied = copy.copy(self)
        memo[id(self)] = copied
        for name, value in vars(self).items():
            if isinstance(value, Callback):
                setattr(copied, name, copy.deepcopy(value, memo))
        if self.writes is not None:
            name, kept = self.writes
            numbers = vars(self).setdefault("_numbers", itertools.count(1))
            path = getattr(self, name)
            places = (path.with_name(f"{path.stem}-{one}{path.suffix}") for one in numbers)
            setattr(copied, name, next(one for one in places if not (one / kept).exists()))
            vars(copied).pop("_numbers", None)  # a copy counts its own
        return copied


def check_keras() -> None:
    """Raises a `ConfigError` where a script has set Keras to another backend, or other numbers."""
    check_backend(keras.config.backend(), "keras.config.backend()")
    check_numbers({name: getattr(keras.config, name)() for name in NUMBERS}, "keras.config: ")


check_keras()
