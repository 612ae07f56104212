import ast
import importlib
import re
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import models
from ecg_keras.config import Augment
from ecg_keras.data.batch_features import check_weighted
from ecg_keras.data.dataset import describe
from ecg_keras.data.outcomes import LeftOut
from ecg_keras.data.pipeline import load
from ecg_keras.data.reading import read_shards
from ecg_keras.errors import ConfigError
from ecg_keras.signals import measure_lead_quality

# where Keras asks
CONFIG = "tensorflow.python.framework.config"
WANTED = ("age", "sex", "record_id", "patient_id", "weight")


@pytest.mark.parametrize("cache", [True, False])
def test_features_are_those_of_their_records(hospital_shards, cache):
    stored = {one.record_id: one for one in read_shards(hospital_shards, "train")}
    heavy = dict.fromkeys(list(stored)[:5], 2.5)
    dataset = load(
        hospital_shards,
        "train",
        batch_size=8,
        shuffle=True,
        cache=cache,
        features=WANTED,
        weights=heavy,
    )
    rows = 0
    for inputs, target, weight in dataset.as_numpy_iterator():
        assert inputs["age"].dtype == inputs["sex"].dtype == weight.dtype == np.float32
        for row, name in enumerate(inputs["record_id"].astype(str)):
            one, rows = stored[name], rows + 1
            np.testing.assert_array_equal(inputs["signal"][row], one.signal)
            np.testing.assert_array_equal(target[row], one.target)
            age = np.nan if one.age is None else one.age
            sex = {"female": 1, "male": 0, None: np.nan}[one.sex]
            np.testing.assert_array_equal([inputs["age"][row], inputs["sex"][row]], [age, sex])
            assert inputs["patient_id"][row].decode() == one.patient_id
            assert weight[row] == heavy.get(name, 1)
    assert rows == len(stored) == 26
    assert any(one.age is None for one in stored.values())


@pytest.mark.parametrize("cache", [True, False])
def test_figures_are_those_that_were_measured(hospital_shards, cache):
    dataset, stored = describe(hospital_shards), read_shards(hospital_shards, "test")
    wanted = ("noise_mv", "clipped", "flat", "mains_mv", "peak_mv", "original_hz")
    ((inputs, _),) = load(hospital_shards, "test", batch_size=99, features=wanted, cache=cache)
    of_leads = [inputs[name] for name in wanted[:4]]
    rows = dataset.splits["test"].records
    assert {tuple(one.shape) for one in of_leads} == {(rows, len(dataset.leads))}
    for row, one in enumerate(stored):
        np.testing.assert_allclose(inputs["peak_mv"][row], np.abs(one.signal).max(), rtol=1e-5)
        expected = measure_lead_quality(one.signal, 100.0, one.signal, 100.0)
        np.testing.assert_allclose(inputs["noise_mv"][row], expected.noise_mv, rtol=1e-4)
        np.testing.assert_allclose(inputs["flat"][row], expected.flat, rtol=1e-4)
    np.testing.assert_array_equal(inputs["original_hz"], np.full(rows, 500, np.float32))


@pytest.mark.parametrize("cache", [True, False])
def test_an_unknown_age_or_sex_has_a_stated_value(hospital_shards, cache):
    wanted = {"features": ("age", "sex"), "cache": cache, "batch_size": 26}
    ((plain, _),) = load(hospital_shards, "train", **wanted)
    stated = {"age": 60, "sex": 0.5}
    ((filled, _),) = load(hospital_shards, "train", missing=stated, **wanted)
    for name, value in stated.items():
        known = np.nan_to_num(plain[name], nan=value)
        assert np.isnan(plain[name]).any()
        np.testing.assert_array_equal(filled[name], known)


def test_a_weight_alone_is_beside_signal_and_target(hospital_shards):
    for signal, target, weight in load(
        hospital_shards, "train", batch_size=8, features=("weight",)
    ):
        assert len(signal) == len(target) == len(weight)
        np.testing.assert_array_equal(weight, 1)


def test_one_table_has_the_weights_of_all_splits_and_of_what_is_in_none(hospital_shards):
    dataset = describe(hospital_shards)
    everybody = [
        one.record_id for split in dataset.splits for one in read_shards(hospital_shards, split)
    ]
    with_others = replace(
        dataset, dropped=(LeftOut("short", "is"),), quarantined=(LeftOut("damaged", "is"),)
    )
    check_weighted(hospital_shards, with_others, {"short": 1.0, "damaged": 1.0, everybody[0]: 1.0})
    halves = dict.fromkeys(everybody, 0.5)
    for split in dataset.splits:
        wanted = {"features": ("weight",), "weights": halves}
        for _, _, weight in load(hospital_shards, split, batch_size=8, **wanted):
            np.testing.assert_array_equal(weight, 0.5)


@pytest.mark.parametrize("cache", [True, False])
def test_without_a_remainder_every_shape_is_static(hospital_shards, cache):
    settings = {"batch_size": 8, "drop_remainder": True, "cache": cache, "shuffle": True}
    dataset = load(hospital_shards, "train", features=WANTED, augment=Augment(gain=0.1), **settings)
    inputs, target, weight = dataset.element_spec
    assert inputs["signal"] == tf.TensorSpec((8, 200, 12), tf.float32)
    assert target == tf.TensorSpec((8, 3), tf.float32)
    assert {inputs[name].shape[0] for name in WANTED[:-1]} == {weight.shape[0]} == {8}
    assert len(dataset) == len(list(dataset)) == 3
    epochs = load(hospital_shards, "train", epochs=range(1, 3), **settings)
    assert len(epochs) == len(list(epochs)) == 6
    with pytest.raises(ConfigError, match=r"no batch of 27 records: the train split .* has 26"):
        load(hospital_shards, "train", batch_size=27, drop_remainder=True)


def test_a_model_of_two_inputs_is_fitted_with_weights(hospital_shards):
    backbone = models.find_backbone("lstm")(num_samples=200, num_leads=12, head="pooled")
    age = keras.Input((), name="age")
    joined = keras.layers.Concatenate()([backbone.output, age[:, None] / 100])
    model = keras.Model([backbone.input, age], keras.layers.Dense(3, "sigmoid")(joined))
    model.compile("sgd", "binary_crossentropy")
    train = load(
        hospital_shards,
        "train",
        batch_size=16,
        features=("age", "sex", "weight"),
        missing={"age": 50},
        weights={"r0000": 0.0},
    )
    history = model.fit(train, epochs=1, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_features_of_the_docs_are_fitted_as_on_a_gpu(hospital_shards, monkeypatch):
    # a training in this process leaves determinism on, and with it Keras takes no XLA
    monkeypatch.setattr(importlib.import_module(CONFIG), "is_op_determinism_enabled", bool)
    page = Path(__file__).parents[2] / "docs" / "data.md"
    (wanted,) = re.findall(r"^wanted = (.*)$", page.read_text(), re.MULTILINE)
    signal, age = keras.Input((200, 12), name="signal"), keras.Input((1,), name="age")
    pooled = keras.layers.GlobalAveragePooling1D()(signal)
    joined = keras.layers.Concatenate()([pooled, age])
    model = keras.Model([signal, age], keras.layers.Dense(3, "sigmoid")(joined))
    model.compile("sgd", "binary_crossentropy", jit_compile=True)
    settings = {"features": ast.literal_eval(wanted), "missing": {"age": 60}}
    train = load(hospital_shards, "train", batch_size=13, **settings)
    history = model.fit(train, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"features": ("agee",)}, "no feature named 'agee'.*Did you mean 'age'"),
        ({"features": ("age", "age")}, "different names. Received: age, age"),
        ({"features": ("age",), "augment": Augment(mixup=0.2)}, "no age in common"),
        ({"features": ("sex",), "missing": {"age": 1}}, "Received: age"),
        ({"features": ("record_id",), "missing": {"record_id": 1}}, "Received: record_id"),
        ({"features": ("age",), "missing": {"age": "old"}}, "numbers. Received: 'old' for age"),
        ({"weights": {"r0000": 2.0}}, "weights need the feature weight. Received: none"),
        ({"features": ("weight",), "weights": {"r0000": -1}}, "Received: -1 for record r0000"),
        (
            {"features": ("weight",), "weights": {"r0000": 1, 7: 2.0, "r0001.hea": 0}},
            r"by record id, as text: .* has no record 7, 'r0001.hea'\. Leave out",
        ),
    ],
)
def test_features_that_make_no_sense(hospital_shards, wanted, message):
    with pytest.raises(ConfigError, match=message):
        load(hospital_shards, "train", batch_size=8, **wanted)
