import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.signals import measure_traits
from ecg_keras.signals.traits import measure_heart_rate
from ecg_keras.sources import read_records


def beats(rate, seconds=10, hz=100, leads=3, seed=0, noise=0.02):
    """QRS-like spikes of 80 ms, so many a minute."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * hz)) / hz
    phase = (time * rate / 60 + random.uniform()) % 1.0
    near = np.minimum(phase, 1 - phase) * 60 / rate
    spike = np.exp(-((near / 0.02) ** 2))
    gains = random.uniform(0.5, 1.5, leads)
    return spike[:, None] * gains + random.normal(0, noise, (len(time), leads))


@given(
    rate=st.floats(35, 200),
    hz=st.sampled_from([100.0, 250.0, 257.0, 400.0, 500.0, 1000.0]),
    seed=st.integers(0, 100),
)
def test_the_rate_of_regular_beats(rate, hz, seed):
    assert measure_heart_rate(beats(rate, hz=hz, seed=seed), hz) == pytest.approx(rate, rel=0.04)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_wrong_sampling_rate_multiplies_the_heart_rate(factor):
    ecg = beats(72)
    found = measure_heart_rate(ecg, 100.0 * factor)
    assert found == pytest.approx(72 * factor, rel=0.03)


@given(gain=st.floats(1e-3, 1e3))
def test_gain_and_offset_do_not_matter(gain):
    ecg = beats(80)
    expected = measure_heart_rate(ecg, 100.0)
    assert measure_heart_rate(ecg * gain + 5, 100.0) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((1000, 2)),
        beats(70, seconds=2.5),
        np.random.default_rng(0).normal(size=(1000, 12)),
        np.zeros((0, 12)),
        np.eye(1000, 1, -500) * 20,
    ],
    ids=["flat", "short", "noise", "empty", "one spike"],
)
def test_without_a_rhythm_there_is_no_rate(values):
    assert math.isnan(measure_heart_rate(values, 100.0))


def test_a_spike_does_not_hide_the_beats():
    ecg = beats(66)
    ecg[333] += 30
    assert measure_heart_rate(ecg, 100.0) == pytest.approx(66, rel=0.03)


def test_deflections_have_the_sign_of_the_larger_side():
    up = beats(60, noise=0.0, leads=1)
    ecg = np.hstack([up, -up, up + 7, np.zeros_like(up)])
    upward, downward, moved, flat = measure_traits(ecg, 100.0).deflections_mv
    assert upward > 0.4 * up.max()
    assert downward == pytest.approx(-upward)
    assert moved == pytest.approx(upward)
    assert flat == 0


@pytest.mark.real
def test_real_ecgs(real_data):
    traits = [
        measure_traits(record.signal.values, record.signal.sampling_rate)
        for record in read_records("ptbxl", real_data / "ptbxl", sampling_rate=100)
    ]
    rates = np.array([one.heart_rate for one in traits])
    assert np.isfinite(rates).mean() > 0.98
    assert 65 < np.nanmedian(rates) < 75
    assert np.nanquantile(rates, [0.02, 0.98]) == pytest.approx([40, 120], abs=20)
    # I, II, aVR, V1, V6
    middle = np.median([one.deflections_mv for one in traits], axis=0)
    assert np.sign(middle[[0, 1, 3, 6, 11]]).tolist() == [1, 1, -1, -1, 1]
