"""Limb leads that a recorder does not store."""

import itertools

import numpy as np
import pytest

from ecg_keras.signals import LEADS, derive_leads, measure_quality

LIMB = LEADS[:6]
INDEPENDENT = np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32)
ONE, TWO = INDEPENDENT.T
ALL = {
    "I": ONE,
    "II": TWO,
    "III": TWO - ONE,
    "aVR": -(ONE + TWO) / 2,
    "aVL": ONE - TWO / 2,
    "aVF": TWO - ONE / 2,
    "V1": ONE**2,
}


def recorded(leads):
    return np.stack([ALL[lead] for lead in leads], axis=1)


@pytest.mark.parametrize("known", [*itertools.permutations(LIMB, 2), ("V1", "I", "III", "aVF")])
def test_any_two_limb_leads_determine_the_others(known):
    values, leads = derive_leads(recorded(known), known, LEADS)
    assert leads[: len(known)] == known and sorted(leads) == sorted({*LIMB, *known})
    assert values.dtype == np.float32
    assert np.allclose(values, recorded(leads), atol=1e-5)


@pytest.mark.parametrize("order", ["C", "F"])
def test_lead_iii_of_i_and_ii_is_their_difference_to_the_bit(order):
    values = np.array(recorded(["I", "II", "V1"]), order=order)
    complete, leads = derive_leads(values, ["I", "II", "V1"], ["III"])
    assert leads == ("I", "II", "V1", "III")
    assert np.array_equal(complete[:, :3], values) and np.array_equal(complete[:, 3], TWO - ONE)
    assert complete.flags.f_contiguous


@pytest.mark.parametrize(
    ("leads", "wanted"),
    [
        (LIMB, LEADS),
        (["I", "V1"], LEADS),
        (["V1"], LEADS),
        (["I", "II", "V1"], ["I", "V1"]),
        (["I", "II"], ["V2"]),
    ],
)
def test_what_is_there_not_wanted_or_not_determined_is_left_alone(leads, wanted):
    values = recorded(leads)
    complete, held = derive_leads(values, leads, wanted)
    assert complete is values and held == tuple(leads)


def test_a_missing_sample_stays_missing_in_what_is_derived_from_it():
    values = recorded(["I", "II"])
    values[5, 0] = np.nan
    complete, _ = derive_leads(values, ["I", "II"], LEADS)
    assert np.isnan(complete[5, [0, 2, 3, 4, 5]]).all() and np.isfinite(complete[6]).all()


def test_derived_leads_obey_the_identities_whatever_the_recording():
    noise = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    complete, leads = derive_leads(noise, ["I", "II"], LEADS)
    assert measure_quality(complete, leads).einthoven_mv < 1e-6
