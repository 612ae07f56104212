"""Quality figures of recordings, and of each lead against plain definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.signal import butter, sosfiltfilt

from ecg_keras.errors import DataError
from ecg_keras.signals import (
    LEAD_MEASURES,
    LEADS,
    measure_lead_quality,
    measure_quality,
    resample,
    worst_limb_lead,
)
from ecg_keras.simulate import record_ecg


def twelve_leads(seed=0, samples=500):
    one, two, *chest = np.random.default_rng(seed).normal(size=(8, samples))
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack(limb + chest, axis=1)


@given(st.integers(0, 1000))
def test_leads_in_order_obey_the_identities(seed):
    assert measure_quality(twelve_leads(seed), LEADS).einthoven_mv < 1e-12


@pytest.mark.parametrize("pair", [(0, 1), (3, 4), (4, 5), (2, 3), (0, 5)])
def test_two_swapped_limb_leads_are_seen(pair):
    values = twelve_leads()
    values[:, list(pair)] = values[:, list(reversed(pair))]
    assert measure_quality(values, LEADS).einthoven_mv > 0.3


def test_a_lead_that_was_scaled_alone_is_seen():
    values = twelve_leads()
    values[:, 4] *= 0.5
    assert measure_quality(values, LEADS).einthoven_mv > 0.1


def test_the_identities_need_their_leads():
    assert math.isnan(measure_quality(np.ones((5, 2)), ("II", "III")).einthoven_mv)
    assert math.isnan(measure_quality(np.ones((5, 3)), ("I", "II", "V1")).einthoven_mv)
    assert measure_quality(twelve_leads()[:, :3], ("I", "II", "III")).einthoven_mv < 1e-12


def test_the_figures_of_a_small_example():
    values = np.array([[3.0, 0.0], [-4.0, 0.0]], dtype=np.float32)
    quality = measure_quality(values, ("V1", "V2"))
    assert quality.peak_mv == 4.0
    assert quality.rms_mv == pytest.approx(2.5)
    assert quality.flat_leads == 1


@given(st.integers(1, 300), st.integers(1, 12))
def test_the_peak_and_the_flat_leads_of_any_length(samples, leads):
    values = np.random.default_rng(samples).normal(size=(samples, leads))
    values[:, 0] = 0.5
    quality = measure_quality(values, LEADS[:leads])
    assert quality.peak_mv == np.max(np.abs(values))
    assert quality.flat_leads == np.sum(np.ptp(values, axis=0) == 0)


@pytest.mark.parametrize("shape", [(0, 12), (100, 11), (100,)])
def test_shapes_that_are_no_ecg_are_refused(shape):
    with pytest.raises(DataError, match="at least one sample"):
        measure_quality(np.zeros(shape), LEADS)


@pytest.mark.real
def test_real_recordings_are_in_order(real_data):
    raw = np.fromfile(real_data / "ptbxl/records500/00000/00001_hr.dat", dtype="<i2")
    quality = measure_quality(raw.reshape(-1, 12) / 1000, LEADS)
    assert quality.einthoven_mv < 0.005
    assert 0.3 < quality.peak_mv < 3 and quality.flat_leads == 0


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
    for name in LEAD_MEASURES:
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
    for name in set(LEAD_MEASURES) - {"mains_mv"}:
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
    for name in LEAD_MEASURES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_the_lead_that_misses_its_identity_by_most_is_named():
    one, two = np.sin(np.arange(100.0)), np.cos(np.arange(100.0))
    values = np.stack([one, two, two - one, two - one / 2 + 0.03], axis=1)
    assert worst_limb_lead(values, ["I", "II", "III", "aVF"]) == "aVF"
    assert worst_limb_lead(values, ["I", "V1", "III", "aVF"]) is None
