import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st

from ecg_keras.data.augment import (
    WANDER_HZ,
    baseline_wander,
    coloured_noise,
    mains_hum,
    noise,
)

ECG = tf.constant(np.random.default_rng(0).normal(0, 1, (16, 30, 2)).astype(np.float32))


def silence(batch=64, samples=1000, leads=12):
    return tf.zeros((batch, samples, leads))


def correlation(one, two):
    return abs(np.corrcoef(np.ravel(one), np.ravel(two))[0, 1])


@pytest.mark.parametrize(
    "disturb",
    [
        lambda signal, spread: noise(signal, spread, (0, 1)),
        lambda signal, spread: coloured_noise(signal, spread, 1.0, (0, 1)),
        lambda signal, spread: baseline_wander(signal, spread, 100.0, (0, 1)),
        lambda signal, spread: mains_hum(signal, spread, 50, 250.0, (0, 1)),
    ],
    ids=["noise", "coloured_noise", "baseline_wander", "mains_hum"],
)
def test_what_is_added_grows_with_its_strength_and_does_not_depend_on_the_ecg(disturb):
    added = disturb(silence(16, 30, 2), 0.1)
    np.testing.assert_allclose(disturb(ECG, 0.1), ECG + added, atol=1e-6)
    np.testing.assert_allclose(disturb(silence(16, 30, 2), 0.3), 3 * added, atol=1e-6)
    np.testing.assert_array_equal(disturb(ECG, 0.0), ECG)


def test_noise_has_the_spread_asked_for_in_millivolts_and_no_memory():
    drawn = noise(silence(), 0.05, (0, 1)).numpy()
    assert abs(drawn.mean()) < 0.0005
    assert abs(drawn.std() - 0.05) < 0.0005
    assert correlation(drawn[:, 1:], drawn[:, :-1]) < 0.01
    assert correlation(drawn[0], drawn[1]) < 0.05


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("samples", [1000, 501])
def test_coloured_noise_has_the_spectrum_of_its_exponent(exponent, samples):
    drawn = coloured_noise(silence(samples=samples), 0.05, exponent, (0, 1)).numpy()
    power = (np.abs(np.fft.rfft(drawn, axis=1)) ** 2).mean(axis=(0, 2))
    assert power[0] < 1e-6 * power[1:].max()  # nothing constant
    frequency = np.arange(1, (samples - 1) // 2 + 1)  # without Nyquist's
    own = power[1 : len(frequency) + 1]
    slope = np.polyfit(np.log(frequency), np.log(own), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.02)
    # each of them is a mean of 768 squares: within five standard errors
    ideal = frequency**-exponent * (own * frequency**exponent).mean()
    np.testing.assert_allclose(own, ideal, rtol=5 / np.sqrt(768))


@settings(max_examples=15, deadline=None)
@given(exponent=st.floats(0, 3), samples=st.integers(2, 40), spread=st.floats(0.001, 10))
def test_coloured_noise_has_the_spread_asked_for_at_any_length(exponent, samples, spread):
    drawn = coloured_noise(silence(500, samples, 12), spread, exponent, (0, 1)).numpy()
    assert drawn.shape == (500, samples, 12)
    assert np.sqrt((drawn**2).mean()) == pytest.approx(spread, rel=0.06)


def test_coloured_noise_is_another_in_each_lead_and_ecg_and_as_large_at_all_times():
    drawn = coloured_noise(silence(), 0.05, 1.0, (0, 1)).numpy()
    assert correlation(drawn[:, :, 0], drawn[:, :, 1]) < 0.05
    assert correlation(drawn[0], drawn[1]) < 0.1
    np.testing.assert_allclose(drawn.std(axis=(0, 2)), 0.05, rtol=0.15)
    # one sample has no frequency but the constant one
    np.testing.assert_array_equal(coloured_noise(silence(2, 1, 3), 0.05, 1.0, (0, 1)), 0)


def test_baseline_wander_is_slow_and_as_large_at_all_times():
    rate = 10.0
    drawn = baseline_wander(silence(200, 6000, 12), 0.2, rate, (0, 1)).numpy()
    assert drawn.std() == pytest.approx(0.2, rel=0.03)
    np.testing.assert_allclose(drawn.std(axis=(0, 2)), 0.2, rtol=0.12)
    power = (np.abs(np.fft.rfft(drawn * np.hanning(6000)[:, np.newaxis], axis=1)) ** 2).sum((0, 2))
    frequency = np.fft.rfftfreq(6000, 1 / rate)
    low, high = WANDER_HZ
    slow = (frequency > low - 0.01) & (frequency < high + 0.01)
    assert power[slow].sum() / power.sum() > 0.999
    # the frequencies are spread over all of the range
    assert power[slow & (frequency < 0.2)].sum() / power.sum() == pytest.approx(1 / 3, abs=0.05)


def test_leads_wander_at_the_same_frequencies_each_in_its_own_way():
    drawn = baseline_wander(silence(8, 1000, 12), 0.2, 100.0, (0, 1)).numpy()
    # four frequencies, each with cosine and sine: whatever the number of leads
    for one in drawn.astype(float):
        sizes = np.linalg.svd(one, compute_uv=False)
        assert sizes[8] < 1e-4 * sizes[0]
    assert np.abs(np.corrcoef(drawn[0].T)[np.triu_indices(12, 1)]).max() < 0.999


@pytest.mark.parametrize(("frequency", "rate"), [(50, 500.0), (60, 500.0), (50, 125.0)])
def test_mains_hum_is_one_frequency_with_a_random_phase_and_size(frequency, rate):
    samples = int(2 * rate)  # whole periods
    drawn = mains_hum(silence(400, samples, 12), 0.1, frequency, rate, (0, 1)).numpy()
    spectrum = np.fft.rfft(drawn.astype(float), axis=1) * 2 / samples
    at = np.fft.rfftfreq(samples, 1 / rate) == frequency
    assert np.abs(spectrum[:, ~at]).max() < 1e-4
    size = np.abs(spectrum[:, at])[:, 0]
    assert size.max() <= 0.1 + 1e-6
    assert size.mean() == pytest.approx(0.05, abs=0.003)
    assert size.std() == pytest.approx(0.1 / np.sqrt(12), abs=0.003)
    # leads of an ECG have the same phase, or the opposite one
    squared = (spectrum[:, at][:, 0] / size) ** 2
    np.testing.assert_allclose(squared, squared[:, :1] * np.ones((1, 12)), atol=0.05)
    # and ECGs have any
    assert abs(squared[:, 0].mean()) < 0.2
