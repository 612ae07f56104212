"""Quality figures."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, measure_quality


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
