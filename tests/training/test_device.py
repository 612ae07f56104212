"""Devices and precision."""

import keras
import pytest

from ecg_keras.errors import ConfigError
from ecg_keras.training.device import choose_precision, make_strategy, use_precision


def test_a_cpu_computes_in_float32_unless_told_otherwise():
    assert choose_precision("auto") == "float32"
    assert choose_precision("mixed_bfloat16") == "mixed_bfloat16"


def test_precision_is_put_back():
    before = keras.config.dtype_policy().name
    with use_precision("mixed_bfloat16"):
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == before


def test_one_device_is_not_mirrored():
    assert make_strategy("auto").num_replicas_in_sync == 1
    with pytest.raises(ConfigError, match="mirrored needs two devices or more"):
        make_strategy("mirrored")
