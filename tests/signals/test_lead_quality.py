"""Noise, wander, hum, saturation and lost contact of each lead, against plain definitions."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.signal import butter, sosfiltfilt

from ecg_keras.signals import resample
from ecg_keras.signals.lead_quality import MEASURES, measure_lead_quality
from ecg_keras.simulate import record_ecg

RATE = 500.0


@pytest.fixture(scope="module")
def clean():
    """A heart and nothing else."""
    return record_ecg("lakeside", 6, noise=False).values


def measure(values, rate=RATE, stored_rate=100.0):
    return measure_lead_quality(values, rate, resample(values, rate, stored_rate), stored_rate)


def wave(hertz, millivolts, samples=5000, rate=RATE):
    time = np.arange(samples) / rate
    return (millivolts * np.sin(2 * np.pi * hertz * time + 1))[:, None]


def test_every_measure_has_a_figure_for_each_lead(clean):
    quality = measure(clean[:, :3])
    for name in MEASURES:
        figures = getattr(quality, name)
        assert figures.shape == (3,)
        assert figures.dtype == np.float32


@pytest.mark.parametrize("hertz", [50, 60, 49.95, 60.05])
@pytest.mark.parametrize("rate", [257.0, 400.0, 500.0, 1000.0])
def test_hum_is_measured_among_beats(clean, hertz, rate):
    samples = round(10 * rate)
    ecg = resample(clean, 500, rate)[:samples]
    before = measure(ecg, rate).mains_mv
    after = measure(ecg + wave(hertz, 0.1, samples, rate), rate).mains_mv
    assert np.all(before < 0.01)
    np.testing.assert_allclose(after, 0.1, atol=0.012)


def test_hum_is_unknown_where_the_rate_cannot_show_it(clean):
    assert np.all(np.isnan(measure(resample(clean, 500, 100), 100.0).mains_mv))
    assert np.all(np.isnan(measure(clean[:400], 500.0).mains_mv)), "less than a second"


@pytest.mark.parametrize("size", [0.01, 0.03, 0.1])
def test_white_noise_is_measured_between_the_beats(clean, size):
    noise = np.random.default_rng(0).normal(0, size, (1000, 12))
    stored = resample(clean, 500, 100)
    assert np.all(measure(clean).noise_mv < 0.01)
    quality = measure_lead_quality(clean, 500.0, stored + noise, 100.0)
    # the waves of a clean ECG add some 3 µV
    np.testing.assert_allclose(quality.noise_mv, size, rtol=0.2, atol=0.003)
    # the plain definition counts the beats, too, unless it is given the noise alone
    plain = np.sqrt(np.mean(np.square(np.diff(noise, n=2, axis=0)), axis=0) / 6)
    np.testing.assert_allclose(quality.noise_mv, plain, rtol=0.2, atol=0.003)


@pytest.mark.parametrize("hertz", [0.1, 0.25, 0.5])
def test_wander_is_what_a_low_pass_filter_leaves(clean, hertz):
    values = clean + wave(hertz, 0.5)
    found = measure(values).baseline_mv
    np.testing.assert_allclose(found, 0.5 / np.sqrt(2), rtol=0.15)
    # Butterworth, forwards and backwards, at 0.7 Hz
    low = sosfiltfilt(butter(4, 0.7, fs=RATE, output="sos"), values, axis=0)
    np.testing.assert_allclose(found, low.std(axis=0), rtol=0.15, atol=0.02)


def test_drift_is_wander_and_an_offset_is_none(clean):
    drift = np.linspace(-1, 1, 5000)[:, None]
    np.testing.assert_allclose(measure(clean + drift).baseline_mv, drift.std(), rtol=0.15)
    offset = measure(clean + 5).baseline_mv
    np.testing.assert_allclose(offset, measure(clean).baseline_mv, atol=1e-4)
    assert np.all(offset < 0.05)


def test_saturation_counts_samples_that_stay_at_the_extreme(clean):
    assert np.all(measure(clean).clipped < 0.001)
    low, high = np.quantile(clean, [0.02, 0.97], axis=0)
    values = np.clip(clean, low, high).astype(np.float32)
    extreme = (values == values.max(axis=0)) | (values == values.min(axis=0))
    third = extreme[2:] & extreme[1:-1] & extreme[:-2]
    found = measure(values).clipped
    np.testing.assert_allclose(found, third.sum(axis=0) / 5000, rtol=1e-6)
    assert np.all((found > 0.03) & (found < 0.05))


def test_two_equal_samples_are_a_peak_and_three_are_saturation():
    values = np.array([[0, 1, 2, 2, 1, 0.5, 1, 0.5]], dtype=np.float32).T
    assert measure_lead_quality(values, 100, values, 100).clipped == 0
    values[4] = 2
    assert measure_lead_quality(values, 100, values, 100).clipped == 1 / 8


def test_lost_contact_is_the_share_of_time_without_change(clean):
    noise = np.random.default_rng(0).normal(0, 0.005, (1000, 12))
    stored = np.rint((resample(clean, 500, 100) + noise) * 1000) / 1000
    stored[300:600, 4] = 0.25
    quality = measure_lead_quality(clean, 500.0, stored, 100.0)
    assert quality.flat[4] == pytest.approx(0.3, abs=0.03)
    assert np.all(np.delete(quality.flat, 4) == 0)


@given(st.integers(1, 700), st.integers(1, 12), st.sampled_from([50.0, 100.0, 257.0]))
def test_any_length_gives_finite_figures(samples, leads, rate):
    values = np.random.default_rng(samples).normal(size=(samples, leads))
    quality = measure_lead_quality(values, rate, values, rate)
    for name in set(MEASURES) - {"mains_mv"}:
        figures = getattr(quality, name)
        assert np.all(np.isfinite(figures) & (figures >= 0))
    assert np.all(quality.flat <= 1)
    assert np.all(quality.clipped <= 1)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_in_memory_does_not_matter(clean, order):
    stored = resample(clean, 500, 100)
    one = measure_lead_quality(clean, 500.0, stored, 100.0)
    other = measure_lead_quality(
        np.asarray(clean, order=order), 500.0, np.asarray(stored, order=order), 100.0
    )
    for name in MEASURES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
