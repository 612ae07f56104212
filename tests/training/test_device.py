"""Devices and precision."""

import json

import keras
import pytest
import tensorflow as tf

from ecg_keras.errors import ConfigError
from ecg_keras.training.device import (
    choose_precision,
    exact_float32,
    make_strategy,
    use_precision,
)


def test_a_cpu_computes_in_float32_unless_told_otherwise():
    assert choose_precision("auto") == "float32"
    assert choose_precision("mixed_bfloat16") == "mixed_bfloat16"


def test_precision_is_put_back():
    before = keras.config.dtype_policy().name
    with use_precision("mixed_bfloat16"):
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == before


def test_gpus_round_to_tensor_float_32_again_afterwards():
    rounds = tf.config.experimental.tensor_float_32_execution_enabled
    assert rounds()
    with pytest.raises(KeyError), exact_float32():
        assert not rounds()
        with exact_float32("mixed_bfloat16"):
            assert not rounds()
        raise KeyError
    with exact_float32("mixed_bfloat16"):
        assert rounds()
    assert rounds()


def test_one_device_is_not_mirrored():
    assert make_strategy("auto").num_replicas_in_sync == 1
    with pytest.raises(ConfigError, match="mirrored needs two devices or more"):
        make_strategy("mirrored")


def test_one_worker_of_several_does_not_train_alone(monkeypatch):
    def cluster(**workers):
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": workers, "task": {"index": 0}}))

    cluster(worker=["a:1", "b:1"])
    for devices in ("one", "auto", "mirrored"):
        with pytest.raises(ConfigError, match=r"TF_CONFIG names 2 workers, and a run is trained"):
            make_strategy(devices)
    cluster(chief=["a:1"], worker=["b:1"])
    with pytest.raises(ConfigError, match="names 2 workers"):
        make_strategy("auto")
    cluster(chief=["a:1"])
    assert make_strategy("auto").num_replicas_in_sync == 1
    for text in ("{", "[]", '{"cluster": 3}', '{"cluster": {"worker": 3}}'):
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(ConfigError, match=r"TF_CONFIG is no JSON object with a cluster: .* U"):
            make_strategy("auto")
    monkeypatch.setenv("TF_CONFIG", "")
    assert make_strategy("auto").num_replicas_in_sync == 1
