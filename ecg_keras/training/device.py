"""Where and how exactly a model computes: devices, precision and determinism."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import keras
from ecg_keras.training.prerequisites import check_one_worker


def make_strategy(devices: str) -> tf.distribute.Strategy:
    """The ``tf.distribute`` strategy for a recipe's ``training.devices``."""
    check_one_worker()
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    several = gpus if gpus else cpus
    if devices == "mirrored" and len(several) < 2:
        raise ConfigError(
            f"training.devices: mirrored needs two devices or more. Found: {', '.join(several)}. "
            "Use `devices: auto`."
        )
    if devices == "mirrored" or (devices == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy(several)
    return tf.distribute.get_strategy()


# auto: bfloat16 on GPUs that compute in it (compute capability 8.0), float16 on those with tensor
# cores (7.0), float32 elsewhere: CPUs without matrix units gain little, and float32 keeps results
# on CPUs comparable
def choose_precision(precision: str) -> str:
    """The Keras dtype policy for a recipe's ``training.precision``."""
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "float32"
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in gpus
    ]
    lowest = min(capabilities)
    if lowest >= (8, 0):
        return "mixed_bfloat16"
    return "mixed_float16" if lowest >= (7, 0) else "float32"


@contextmanager
def use_precision(policy: str) -> Iterator[None]:
    """Layers built inside compute in ``policy``; afterwards the earlier policy is back."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def exact_float32(policy: str = "float32") -> Iterator[None]:
    """Products of float32 numbers are exact to float32 inside, where that is the ``policy``.

    GPUs since Ampere round the factors to TensorFloat-32, of 10 bits, unless TensorFlow forbids it;
    afterwards its earlier setting is back.

    Args:
        policy: the Keras dtype policy of what is computed; any other than float32 changes nothing.

    Example:
        >>> with exact_float32():
        ...     tf.config.experimental.tensor_float_32_execution_enabled()
        False
    """
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(before and policy != "float32")
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def make_repeatable(seed: int, *, deterministic: bool) -> None:
    """Seeds Keras, NumPy and TensorFlow; ``deterministic`` also refuses ops that vary by run."""
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


@contextmanager
def own_draws() -> Iterator[None]:
    """Python's and NumPy's global generators are afterwards as if nothing was drawn inside."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
