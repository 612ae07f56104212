from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from ecg_keras.data.conversion import Converted, quantise
from ecg_keras.data.dataset import describe
from ecg_keras.data.examples import decode, encode, millivolts
from ecg_keras.records import RecordInfo
from ecg_keras.signals import LEADS, measure_lead_quality, measure_quality, measure_traits

LABELS = ("AF", "PAC", "SR")


def converted(values, leads=LEADS, **known):
    samples, scale = quantise(values)
    info = RecordInfo("r1", "p1", Path("x"), ("SR", "AF"), **known)
    quality = measure_quality(samples * np.float32(scale), leads)
    traits = measure_traits(samples * np.float32(scale), 100.0)
    lead = measure_lead_quality(values, 500.0, values, 100.0)
    return Converted(info, samples, scale, quality, bytes(64), traits, lead, (500.0, 10.0))


def ecg(seed=0, samples=200):
    return np.random.default_rng(seed).normal(0, 1, (samples, 12)).astype(np.float32)


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
