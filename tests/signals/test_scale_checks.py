"""Sizes of ECGs and their leads, and rates at which hearts race and QRS complexes are too short."""

import numpy as np
import pytest

from ecg_keras.signals import LEADS, Repair
from ecg_keras.signals.scale_checks import (
    estimate_rate_factor,
    find_chest_gains,
    find_normalisation,
    find_unit_fault,
    measure_spans,
)

USUAL = np.tile([1.0] * 6 + [2.0] * 6, (5, 1))


def test_spans_are_peak_to_peak():
    assert measure_spans(np.tile([[0.0], [1.0]], (50, 12))).tolist() == [1.0] * 12


def test_a_lead_far_larger_than_the_limb_leads_is_named():
    assert find_chest_gains(USUAL, LEADS) is None
    larger = USUAL.copy()
    larger[:, 8] = 20.0
    fault = find_chest_gains(larger, LEADS)
    assert fault.what.endswith("than they ever are: V3 10 times")
    assert find_chest_gains(larger[:4], LEADS) is None


@pytest.mark.parametrize(
    ("size", "factor"), [(1300.0, 0.001), (0.0009, 1000.0), (14.0, 0.1), (5.5, None), (1.6, 1.0)]
)
def test_only_a_power_of_ten_is_repaired(size, factor):
    # of limb leads alone, whose usual size is 0.95 mV
    fault = find_unit_fault(np.full((5, 6), 0.95 * size), LEADS[:6])
    assert (fault is None) == (factor == 1.0)
    if fault is not None:
        assert fault.repair == (None if factor is None else Repair(factor=factor))


def test_the_same_standard_deviation_in_all_recordings_is_a_normalisation():
    noise = np.random.default_rng(0).normal(size=(3, 1000, 12))
    fault = find_normalisation([one / one.std() for one in noise])
    assert fault.what.endswith("each recording has the same standard deviation")
    assert find_normalisation([one * (index + 1) for index, one in enumerate(noise)]) is None


@pytest.mark.parametrize(
    ("beats", "steep_ms", "factor"), [(350.0, 8.5, 0.2), (36.0, 86.0, 2.0), (7.2, 430.0, 10.0)]
)
def test_a_clock_that_is_wrong_shows_in_both(beats, steep_ms, factor):
    assert estimate_rate_factor(beats, steep_ms) == pytest.approx(factor, rel=0.02)


@pytest.mark.parametrize(
    ("beats", "steep_ms"), [(150.0, 60.0), (72.0, 43.0), (150.0, 40.0), (350.0, float("nan"))]
)
def test_hearts_that_race_have_qrs_complexes_as_wide_as_others(beats, steep_ms):
    assert estimate_rate_factor(beats, steep_ms) == 1.0
