from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from ecg_keras.data import examples
from ecg_keras.data.conversion import Converted, quantise
from ecg_keras.data.dataset import describe
from ecg_keras.data.examples import decode, encode, millivolts
from ecg_keras.records import RecordInfo
from ecg_keras.signals import (
    LEAD_MEASURES,
    LEADS,
    measure_lead_quality,
    measure_quality,
    measure_traits,
)

LABELS = ("AF", "PAC", "SR")


def converted(values, leads=LEADS, **known):
    samples, scale = quantise(values)
    info = RecordInfo("r1", "p1", Path("x"), ("SR", "AF"), **known)
    quality = measure_quality(samples * np.float32(scale), leads)
    traits = measure_traits(samples * np.float32(scale), 100.0)
    lead = measure_lead_quality(values, 500.0, values, 100.0)
    original = (500.0, 10.0)
    return Converted(info, samples, scale, quality, bytes(range(64)), traits, lead, original)


def ecg(seed=0, samples=200):
    return np.random.default_rng(seed).normal(0, 1, (samples, 12)).astype(np.float32)


def features(serialized):
    return tf.train.Example.FromString(serialized).features.feature


def test_every_feature_of_the_contract():
    beating = ecg(samples=1000)
    beating[50::80] += 20
    stored = features(encode(converted(beating, age=61.0, sex="male", fold=3), LABELS))
    assert set(stored) == {
        "signal", "scale", "target", "labels", "record_id", "patient_id", "age", "sex", "fold",
        "peak_mv", "rms_mv", "einthoven_mv", "flat_leads", "content",
        "deflection_mv", "heart_rate", "original_hz", "original_seconds",
        *LEAD_MEASURES,
    }  # fmt: skip
    assert list(stored["target"].int64_list.value) == [1, 0, 1]
    assert stored["heart_rate"].float_list.value[0] == pytest.approx(75, abs=2)
    for name in ("deflection_mv", "noise_mv", "baseline_mv", "clipped", "flat"):
        assert len(stored[name].float_list.value) == 12
    assert stored["original_hz"].float_list.value[0] == 500
    assert stored["original_seconds"].float_list.value[0] == 10
    assert list(stored["labels"].bytes_list.value) == [b"AF", b"SR"]
    assert stored["age"].float_list.value[0] == 61
    assert stored["content"].bytes_list.value[0] == bytes(range(64))
    assert stored["fold"].int64_list.value[0] == 3
    assert stored["rms_mv"].float_list.value[0] == pytest.approx(np.sqrt(1 + 20**2 / 80), abs=0.05)
    signal = np.frombuffer(stored["signal"].bytes_list.value[0], "<i2").reshape(1000, 12)
    np.testing.assert_allclose(signal / 1000, beating, atol=0.00051)


def test_what_is_unknown_is_missing():
    one_lead = converted(ecg()[:, :1], leads=LEADS[:1])
    stored = features(encode(one_lead, LABELS))
    assert not {"age", "sex", "fold", "einthoven_mv", "heart_rate"} & set(stored)


def test_the_same_record_gives_the_same_bytes():
    assert encode(converted(ecg(), age=61.0), LABELS) == encode(converted(ecg(), age=61.0), LABELS)


def test_the_bytes_are_those_of_tensorflow_in_the_order_of_the_names():
    for known in ({}, {"age": 61.0}, {"age": 0.5, "sex": "female", "fold": 10}):
        encoded = encode(converted(ecg(), **known), LABELS)
        stored = tf.train.Example.FromString(encoded).features.feature
        one_by_one = b"".join(
            tf.train.Features(feature={name: stored[name]}).SerializeToString()
            for name in sorted(stored)
        )
        assert encoded.endswith(one_by_one)
        assert tf.train.Features.FromString(one_by_one).ByteSize() == len(one_by_one)


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.binary(max_size=200), max_size=4),
    floats=st.lists(st.floats(width=32, allow_nan=False), max_size=40),
    integers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40),
)
def test_lists_of_any_kind_and_length(texts, floats, integers):
    feature = tf.train.Feature
    pairs = [
        (examples._texts(texts), feature(bytes_list=tf.train.BytesList(value=texts))),
        (examples._floats(floats), feature(float_list=tf.train.FloatList(value=floats))),
        (examples._integers(integers), feature(int64_list=tf.train.Int64List(value=integers))),
    ]
    pairs += [
        (examples._text(one), feature(bytes_list=tf.train.BytesList(value=[one]))) for one in texts
    ]
    for ours, theirs in pairs:
        example = tf.train.Example(features=tf.train.Features(feature={"name": theirs}))
        assert examples.serialise({"name": ours}) == example.SerializeToString()


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        (5, 2),
        elements=st.floats(-2000, 2000, width=32, allow_nan=False, allow_subnormal=False),
    )
)
def test_quantisation_errs_by_half_a_step_at_most(values):
    samples, step = quantise(values)
    assert samples.dtype == np.dtype("<i2")
    assert step == pytest.approx(max(0.001, np.abs(values).max() / 32767), rel=1e-6)
    np.testing.assert_allclose(samples * np.float64(step), values, atol=0.5 * step * 1.01)


def test_microvolts_are_exact_up_to_the_range_of_int16():
    values = np.arange(-32767, 32768, dtype=np.float32)[:, None] / np.float32(1000)
    samples, step = quantise(values)
    np.testing.assert_array_equal(samples[:, 0], np.arange(-32767, 32768))
    assert step == np.float32(0.001)


def test_decoding_gives_back_what_was_encoded(hospital_shards):
    dataset = describe(hospital_shards)
    records = [converted(ecg(seed), age=50.0 + seed) for seed in range(3)]
    records.append(converted(ecg(9) * 100))
    batch = decode(tf.constant([encode(one, LABELS) for one in records]), dataset)
    np.testing.assert_array_equal(batch["samples"], np.stack([one.samples for one in records]))
    np.testing.assert_array_equal(batch["target"], [[1, 0, 1]] * 4)
    np.testing.assert_array_equal(batch["age"], [50, 51, 52, np.nan])
    assert batch["sex"].numpy().tolist() == [b""] * 4
    signal = millivolts(batch["samples"], batch["scale"])
    assert signal.dtype == tf.float32
    np.testing.assert_allclose(signal[3], ecg(9) * 100, atol=batch["scale"][3])
