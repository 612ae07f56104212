"""Resampling, cutting and padding."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.signal import resample_poly

from ecg_keras.errors import ConfigError
from ecg_keras.signals import fit_length, is_decimated, needed_part, resample, resampled_length


def sine(hertz, rate, seconds=10.0, leads=2):
    time = np.arange(round(seconds * rate)) / rate
    return np.stack([np.sin(2 * np.pi * hertz * time + lead) for lead in range(leads)], axis=1)


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(500, 100), (1000, 100), (400, 100), (257, 100), (100, 500)]
)
def test_a_slow_wave_survives_at_the_right_time(from_rate, to_rate):
    changed = resample(sine(5, from_rate), from_rate, to_rate)
    assert changed.dtype == np.float32
    expected = sine(5, to_rate)
    inside = slice(to_rate // 2, 9 * to_rate)  # the ends lack neighbours to filter with
    assert np.max(np.abs(changed[inside] - expected[inside])) < 0.01


def test_what_the_lower_rate_cannot_hold_is_filtered_out_and_decimation_folds_it_back():
    humming = sine(95, 500)
    assert np.max(np.abs(resample(humming, 500, 100)[50:-50])) < 0.01
    assert np.max(np.abs(resample(humming, 500, 100, method="decimate"))) > 0.9


def test_a_baseline_that_is_not_zero_does_not_ring_at_the_ends():
    drifting = np.linspace(2.0, 3.0, 5000)[:, None] * np.ones((1, 12))
    assert np.max(np.abs(resample(drifting, 500, 100) - drifting[::5])) < 0.01


@given(st.integers(0, 300), st.sampled_from([1, 2, 4, 5, 10]), st.integers(1, 12))
def test_decimation_takes_every_nth_sample(samples, step, leads):
    values = np.random.default_rng(samples).normal(size=(samples, leads)).astype(np.float32)
    assert np.array_equal(resample(values, 100 * step, 100, method="decimate"), values[::step])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(20, 400),
    st.sampled_from([100, 128, 250, 257, 360, 400, 500, 1000]),
    st.sampled_from([100, 250, 500]),
)
def test_the_length_follows_from_the_rates(samples, from_rate, to_rate):
    changed = resample(np.zeros((samples, 3)), from_rate, to_rate)
    assert changed.shape == (-(-samples * to_rate // from_rate), 3)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(100, 400),
    st.sampled_from([100, 128, 250, 257, 360, 400, 500, 1000]),
    st.sampled_from([100, 250, 500]),
)
def test_the_result_is_that_of_scipy(samples, from_rate, to_rate):
    values = np.random.default_rng(samples).normal(size=(samples, 3)) + [5, 0, -2]
    changed = resample(values, from_rate, to_rate)
    expected = resample_poly(values, to_rate, from_rate, axis=0, padtype="line")
    # where samples are added, scipy's filter phases change a constant by up to 0.1 %, ours do not
    np.testing.assert_allclose(changed, expected, rtol=0, atol=1e-2)
    if from_rate % to_rate == 0:
        np.testing.assert_allclose(changed, expected, rtol=0, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 900),
    st.sampled_from([100, 257, 360, 500]),
    st.sampled_from([100, 250]),
    st.sampled_from(["polyphase", "decimate"]),
    st.data(),
)
def test_a_part_is_that_of_the_whole(samples, from_rate, to_rate, method, data):
    if method == "decimate":
        to_rate = from_rate // 2 if from_rate % 2 == 0 else from_rate
    values = np.random.default_rng(samples).normal(size=(samples, 2))
    whole = resample(values, from_rate, to_rate, method=method)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole) + 3))
    part = resample(values, from_rate, to_rate, method=method, start=start, stop=stop)
    # a matrix product rounds differently where it is smaller
    np.testing.assert_allclose(part, whole[start:stop], rtol=0, atol=2e-6)
    assert part.shape == whole[start:stop].shape


@settings(max_examples=60, deadline=None)
@given(st.floats(20, 2000), st.floats(20, 2000), st.floats(0.02, 0.35), st.floats(0, 6))
def test_any_two_rates_keep_a_wave_that_both_can_hold(from_rate, to_rate, part, phase):
    hertz, low = part * min(from_rate, to_rate), min(from_rate, to_rate)
    time = np.arange(int(60 / low * from_rate)) / from_rate
    changed = resample(np.sin(2 * np.pi * hertz * time + phase)[:, None], from_rate, to_rate)
    edge = int(12 / low * to_rate)  # the ends lack neighbours to filter with
    expected = np.sin(2 * np.pi * hertz * np.arange(len(changed)) / to_rate + phase)
    np.testing.assert_allclose(changed[edge:-edge, 0], expected[edge:-edge], rtol=0, atol=0.005)


def test_a_measured_rate_does_not_drift_in_an_hour():
    time = np.arange(3600 * 500) / 499.97
    values = np.sin(2 * np.pi * 5 * time)[:, None]
    last = resample(values, 499.97, 100, start=359_000, stop=359_900)
    expected = np.sin(2 * np.pi * 5 * np.arange(359_000, 359_900) / 100)
    np.testing.assert_allclose(last[:, 0], expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("from_rate", [499.97, 500 / 0.9997, 999.9])
def test_what_folds_back_is_filtered_out_at_a_measured_rate_too(from_rate):
    assert np.max(np.abs(resample(sine(95, from_rate), from_rate, 100)[50:-50])) < 0.01


def test_a_measured_rate_is_resampled_as_its_neighbour_is():
    values = np.cumsum(np.random.default_rng(0).normal(size=(5000, 3)), axis=0)
    near = resample(values, 500.0000007, 100)
    np.testing.assert_allclose(near, resample(values, 500, 100), rtol=0, atol=0.02)


@pytest.mark.parametrize("rates", [(999.9, 100), (499.97, 100), (1000, 999), (99_999.7, 100)])
def test_no_rate_takes_much_memory(rates):
    values = np.ones((20_000, 12), np.float32)
    tracemalloc.start()
    resample(values, *rates, stop=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([100, 128, 257, 360, 499.97, 500 / 0.9997, 976.5625]),
    st.sampled_from([100, 250, 99.3]),
    st.integers(0, 1200),
    st.integers(1, 300),
    st.sampled_from(["polyphase", "decimate"]),
)
def test_the_needed_part_is_enough_to_the_bit(from_rate, to_rate, start, wanted, method):
    if method == "decimate":
        to_rate = from_rate / 2
    values = np.random.default_rng(start).normal(size=(9000, 2)).astype(np.float32)
    stop = min(start + wanted, resampled_length(len(values), from_rate, to_rate))
    first, last = needed_part(start, stop, from_rate, to_rate)
    part = resample(
        values[first:last],
        from_rate,
        to_rate,
        method=method,
        start=start,
        stop=stop,
        offset=first,
        total=len(values),
    )
    whole = resample(values, from_rate, to_rate, method=method, start=start, stop=stop)
    if first > 0 and last < len(values):
        assert np.array_equal(part, whole)
    # at the ends of a recording, the line through its ends is that of the part
    assert part.shape == whole.shape


@given(st.integers(0, 10**8), st.decimals(20, 2000, places=2), st.sampled_from([100, 250, 500]))
def test_the_length_at_a_measured_rate_is_that_of_arithmetic(samples, rate, to_rate):
    exact = -(-samples * to_rate * 100 // int(rate * 100))
    assert resampled_length(samples, float(rate), to_rate) == exact


@pytest.mark.parametrize(
    ("rates", "possible"),
    [((500, 100), True), ((100, 100), True), ((257, 100), False), ((499.97, 100), False)],
)
def test_which_rates_can_be_decimated(rates, possible):
    assert is_decimated(*rates) == possible


def test_the_shortest_recordings_are_resampled_too():
    assert resample(np.zeros((0, 12)), 500, 100).shape == (0, 12)
    np.testing.assert_allclose(resample(np.full((1, 2), 7.0), 500, 100), 7.0, rtol=1e-6)


@pytest.mark.parametrize("from_rate", [500, 257, 100, 1000, 499.97, 249.99])
def test_a_constant_stays_what_it_is(from_rate):
    changed = resample(np.full((500, 2), 3.25), from_rate, 250)
    np.testing.assert_allclose(changed, 3.25, rtol=1e-6)


def test_the_same_rate_changes_nothing():
    values = sine(3, 100).astype(np.float32)
    assert np.array_equal(resample(values, 100.0, 100), values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((500, 0, "polyphase"), "above 0 Hz. Received: from 500 to 0"),
        ((-1, 100, "polyphase"), "above 0 Hz"),
        ((float("nan"), 100, "polyphase"), "above 0 Hz"),
        ((500, 100, "polyfase"), "Did you mean 'polyphase'"),
        ((257, 100, "decimate"), "new/old = 100/257. Use method polyphase"),
        ((100, 500, "decimate"), "new/old = 5. Use method polyphase"),
        ((499.97, 100, "decimate"), "new/old = 0.200012.* Use method polyphase"),
        ((float("inf"), 100, "polyphase"), "above 0 Hz"),
    ],
)
def test_impossible_requests_say_why(arguments, message):
    from_rate, to_rate, method = arguments
    with pytest.raises(ConfigError, match=message):
        resample(np.zeros((10, 1)), from_rate, to_rate, method=method)


@given(st.integers(0, 60), st.integers(1, 60), st.sampled_from(["start", "centre"]))
def test_every_length_is_cut_or_padded_to_the_wanted_one(samples, wanted, window):
    values = np.arange(1, 2 * samples + 1).reshape(samples, 2)
    fitted = fit_length(values, wanted, window=window, short="pad")
    assert fitted.shape == (wanted, 2) and fitted.dtype == np.float32
    kept = fitted[fitted[:, 0] > 0]
    assert len(kept) == min(samples, wanted)
    # what is kept is one unbroken stretch of the original
    first = (samples - len(kept)) // 2 if window == "centre" else 0
    assert np.array_equal(kept, values[first : first + len(kept)])


def test_short_recordings_are_dropped_unless_padding_is_asked_for():
    assert fit_length(np.ones((9, 1)), 10) is None
    assert fit_length(np.ones((10, 1)), 10) is not None
    assert fit_length(np.ones((9, 1)), 10, short="pad").ravel().tolist() == [1] * 9 + [0]


@pytest.mark.parametrize(("samples", "before"), [(2800, 648), (4000, 48)])
def test_centred_padding_is_that_of_the_code_databases(samples, before):
    fitted = fit_length(np.ones((samples, 12)), 4096, window="centre", short="pad")
    assert np.flatnonzero(fitted[:, 0])[[0, -1]].tolist() == [before, before + samples - 1]


def test_wrong_settings_are_named():
    with pytest.raises(ConfigError, match=r"no window named 'center'.*Did you mean 'centre'"):
        fit_length(np.ones((3, 1)), 3, window="center")
    with pytest.raises(ConfigError, match="no way with short recordings named 'crop'"):
        fit_length(np.ones((3, 1)), 3, short="crop")
    with pytest.raises(ConfigError, match=r"at least 1\. Received: 0"):
        fit_length(np.ones((3, 1)), 0)
