"""Keras, for all modules of this package, once it is known to make the networks that it should."""

from __future__ import annotations

import sys

from ecg_keras.keras_settings import NUMBERS, check_backend, check_keras_settings, check_numbers

# it may fail at its import otherwise; where it was imported before, what it is set to now counts
if "keras" not in sys.modules:
    check_keras_settings()

import keras
from keras import layers, ops

__all__ = ["check_keras", "keras", "layers", "ops"]


def check_keras() -> None:
    """Looks at what Keras is set to now, which a script may have changed after its import.

    Raises:
        ConfigError: the backend is not TensorFlow, or ``floatx`` or ``epsilon`` is not Keras' own.

    Example:
        >>> check_keras()
    """
    check_backend(keras.config.backend(), "keras.config.backend()")
    check_numbers({name: getattr(keras.config, name)() for name in NUMBERS}, "keras.config: ")


check_keras()
