"""The distributions weights are drawn from: those of the published networks, which are PyTorch's.

Each call makes a new initializer whose seed comes from the weight's name, because one initializer
shared by several layers gives every kernel of a shape the same values.
"""

from __future__ import annotations

import math
import zlib

from ecg_keras.keras_library import keras


def seed_of(seed: int, name: str) -> int:
    """A seed for one weight, which depends on its name and not on the order of creation."""
    return zlib.crc32(f"{seed}/{name}".encode())


def he_fan_out(seed: int, name: str) -> keras.initializers.Initializer:
    """Normal with variance ``2 / (kernel width * filters)`` (He et al. 2015, arXiv 1502.01852)."""
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_out", distribution="untruncated_normal", seed=seed_of(seed, name)
    )


def uniform(fan_in: int, seed: int, name: str) -> keras.initializers.Initializer:
    """Uniform within ``1 / sqrt(fan_in)``: PyTorch's default of dense and recurrent layers."""
    limit = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-limit, limit, seed=seed_of(seed, name))
