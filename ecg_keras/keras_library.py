"""Keras, for all modules of this package, once it is known to make the networks that it should.

Keras has no types for mypy: all of it is ``Any``, also the classes that are subclassed.
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

    class Callback(keras.callbacks.Callback):  # type: ignore[misc]
        """`keras.callbacks.Callback`."""

    class Loss(keras.losses.Loss):  # type: ignore[misc]
        """`keras.losses.Loss`."""

    class KerasModel(keras.Model):  # type: ignore[misc]
        """`keras.Model`."""

else:
    Callback, Loss, KerasModel = keras.callbacks.Callback, keras.losses.Loss, keras.Model


class CopiedCallback(Callback):
    """A callback whose deep copy shares what is no callback itself: datasets can't be copied, and a
    model must not be. KerasTuner copies a list of callbacks for each of its trials, whose files are
    not to be one.
    """

    # the attribute that says where it writes, if anywhere, and by which file there it shows that it
    # did
    writes: tuple[str, str] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> CopiedCallback:
        copied = copy.copy(self)
        memo[id(self)] = copied
        for name, value in vars(self).items():
            if isinstance(value, Callback):
                setattr(copied, name, copy.deepcopy(value, memo))
        name, kept = self.writes or ("", "")
        if name and getattr(self, name) is not None:
            numbers = self.__dict__.setdefault("_numbers", itertools.count(1))
            path = getattr(self, name)
            places = (path.with_name(f"{path.stem}-{one}{path.suffix}") for one in numbers)
            setattr(copied, name, next(one for one in places if not (one / kept).exists()))
            copied.__dict__.pop("_numbers", None)  # a copy counts its own
        return copied


def check_keras() -> None:
    """Raises a `ConfigError` where a script has set Keras to another backend, or other numbers."""
    check_backend(keras.config.backend(), "keras.config.backend()")
    check_numbers({name: getattr(keras.config, name)() for name in NUMBERS}, "keras.config: ")


check_keras()
