"""What was not recorded: missing samples, dead leads, gaps, padding; and the best stretch."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.ndimage import binary_opening

from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, best_block, block_length, check_recorded, measure_blocks

RATE = 500


def alive(seconds=10.0, rate=RATE, leads=12, seed=0):
    """Slow waves and a little noise, as a resting ECG has between its beats."""
    time = np.arange(round(seconds * rate))[:, None] / rate
    noise = np.random.default_rng(seed).normal(size=(len(time), leads)) * 0.005
    return np.asfortranarray(0.3 * np.sin(time + np.arange(leads)) + noise, dtype=np.float32)


@pytest.mark.parametrize("rate", [10, 100, 257, 499.97, 1000])
def test_an_ecg_passes_at_any_rate(rate):
    check_recorded(alive(rate=rate), LEADS, rate)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_missing_samples_are_counted_by_lead_with_their_time(bad):
    values = alive()
    values[[500, 1000], 7] = bad
    values[600, 8] = -bad
    message = r"lead V2 \(2 samples\), V3 \(1 samples\), between 31 and 32 s"
    with pytest.raises(DataError, match=message):
        check_recorded(values, LEADS, RATE, begin=30.0)


@pytest.mark.parametrize(
    "signal",
    [
        pytest.param(lambda count: np.full(count, -0.25), id="constant"),
        pytest.param(lambda count: 0.005 + 0.001 * (np.arange(count) % 2), id="the last bit"),
        pytest.param(lambda count: 32.767 - 0.001 * (np.arange(count) == 0), id="at the rail"),
    ],
)
def test_dead_leads_are_named(signal):
    values = alive()
    values[:, 11] = signal(len(values))
    with pytest.raises(DataError, match=r"no signal in lead V6: constant.* for all 10 s"):
        check_recorded(values, LEADS, RATE)


@pytest.mark.parametrize("factor", [1e-3, 1e-6, 1e3])
def test_an_ecg_in_another_unit_is_no_dead_one(factor):
    values = alive() * np.float32(factor)
    check_recorded(values, LEADS, RATE)
    values[:, 8] = 0
    with pytest.raises(DataError, match="no signal in lead V3: constant"):
        check_recorded(values, LEADS, RATE)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 4999),
    st.integers(0, 5000),
    st.integers(0, 11),
    st.sampled_from([-1.5, 0.0, 0.2]),
    st.sampled_from([100, 257, 499.97]),
)
def test_a_lead_that_is_lost_for_more_than_half_is_named(begin, lasting, lead, level, rate):
    values = alive(5000 / rate, rate)
    values[begin : begin + lasting, lead] = level
    lost, block = min(lasting, len(values) - begin), block_length(rate)
    try:
        check_recorded(values, LEADS, rate)
    except DataError as error:
        assert f"no signal in lead {LEADS[lead]}" in str(error)
        assert lost > len(values) / 2 - block
    else:
        assert lost <= len(values) / 2 + 3 * block


def test_the_seconds_of_a_lost_stretch_are_told():
    values = alive()
    values[500:1500, 8] = 0
    values[2000:4000, 8] = 0.001
    with pytest.raises(DataError, match=r"lead V3 from 61 to 63 s, 64 to 68 s: constant"):
        check_recorded(values, LEADS, RATE, begin=60.0)
    values[2000:4000] = alive()[2000:4000]
    check_recorded(values, LEADS, RATE)


@pytest.mark.parametrize(("first", "last"), [(0, 1300), (3800, 5000), (0, 2400)])
def test_padding_of_up_to_half_is_accepted(first, last):
    values = alive()
    values[first:last] = 0
    check_recorded(values, LEADS, RATE)


def test_padding_on_both_sides_is_accepted_and_leads_are_judged_by_the_rest():
    values = alive()
    values[:1000], values[4000:] = 0, 0.5
    check_recorded(values, LEADS, RATE)
    values[1000:2800, 3] = 0
    with pytest.raises(DataError, match=r"no signal in lead aVR from 2 to 5\.6 s"):
        check_recorded(values, LEADS, RATE)


@pytest.mark.parametrize("window", [slice(0, 2700), slice(2300, 5000)])
def test_more_padding_than_ecg_is_refused(window):
    values = alive()
    values[window] = 0
    with pytest.raises(DataError, match=r"no signal in any lead for 5.4 of the 10 s"):
        check_recorded(values, LEADS, RATE)


def test_nothing_but_padding_is_refused():
    with pytest.raises(DataError, match=r"no signal in lead I, II, III, .*, V6: constant"):
        check_recorded(np.zeros((5000, 12), np.float32), LEADS, RATE)


@pytest.mark.parametrize("begin", [1400, 1433, 2000, 3799])
def test_a_gap_that_was_filled_is_refused_and_a_moment_is_not(begin):
    values = alive()
    values[begin : begin + 600] = 0.1
    with pytest.raises(DataError, match=r"no signal in any lead from \d.* to \d.* s: constant"):
        check_recorded(values, LEADS, RATE)
    values = alive()
    values[begin : begin + 400] = 0.1
    check_recorded(values, LEADS, RATE)


@pytest.mark.parametrize("samples", [2, 3, 50, 101])
def test_short_ecgs_are_judged_too(samples):
    check_recorded(alive()[:samples] + np.arange(samples)[:, None], LEADS, RATE)
    with pytest.raises(DataError, match="no signal"):
        check_recorded(np.zeros((samples, 12)), LEADS, RATE)


@pytest.mark.parametrize("shape", [(0, 12), (100, 11), (100,)])
def test_shapes_that_are_no_ecg_are_refused(shape):
    with pytest.raises(DataError, match="at least one sample"):
        check_recorded(np.zeros(shape), LEADS, RATE)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 30), st.integers(1, 40))
def test_the_best_stretch_is_the_first_with_least_lost(seed, wanted, at_once):
    random = np.random.default_rng(seed)
    values = alive(12, 100, 3, seed)
    for _ in range(4):
        begin, lead = random.integers(0, 1200), random.integers(0, 3)
        values[begin : begin + random.integers(1, 500), lead] = random.choice([0.0, np.nan])
    parts = [
        measure_blocks(values[begin : begin + 20 * at_once], 100)
        for begin in range(0, 1200, 20 * at_once)
    ]
    best = best_block(parts, wanted)
    assert best == best_block([measure_blocks(values, 100)], wanted)
    empty = ~np.isfinite(values) | (values == 0)
    # five blocks or more that nothing was recorded in, wherever they begin
    lasting = binary_opening(empty, np.ones((119, 1)))
    gone = (lasting | ~np.isfinite(values)).any(axis=1)
    sound = [
        not empty[20 * max(one - 1, 0) : 20 * (one + wanted + 1)].any()
        for one in range(60 - wanted + 1)
    ]
    if any(sound):
        assert not gone[20 * best : 20 * (best + wanted)].any()


def test_of_equal_stretches_the_first_is_the_best():
    values = np.tile(alive(2), (10, 1))
    assert best_block([measure_blocks(values, RATE)], 20) == 0
    values[:3100, 4] = 0  # of the block behind it, a part could be lost
    assert 32 <= best_block([measure_blocks(values, RATE)], 20) < 42


def test_of_stretches_without_loss_the_quietest_is_the_best_whatever_its_beats():
    values = alive(30)
    values[2500::400] += 1.0  # beats, but not in the first five seconds
    noise = np.random.default_rng(1).normal(size=values.shape) * 0.02
    noise[10_000:12_500] = 0
    assert best_block([measure_blocks(values + noise, RATE)], 25) == 100


def test_a_recording_that_is_hardly_longer_than_what_is_wanted_is_kept_from_its_beginning():
    assert best_block([measure_blocks(alive(2.1), RATE)], 11) == 0


@pytest.mark.real
def test_real_recordings_are_recorded(real_data):
    for file in sorted((real_data / "ptbxl/records500/00000").glob("*.dat"))[:200]:
        values = np.fromfile(file, "<i2").reshape(-1, 12) / np.float32(1000)
        check_recorded(np.asfortranarray(values), LEADS, RATE)
