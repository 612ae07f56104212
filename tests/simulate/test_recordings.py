"""Recordings: reproducible, obeying the leads' identities, noisy as their hospital says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.errors import ConfigError
from ecg_keras.signals import LEADS
from ecg_keras.simulate import HOSPITALS, record_ecg
from ecg_keras.simulate.electrodes import (
    ELECTRODES_TO_LEADS,
    INDEPENDENT,
    draw_noise,
    quantise,
    twelve_leads,
)
from ecg_keras.simulate.heart import sinus_beat
from ecg_keras.simulate.recordings import find_patient, first_recordings

QUIET = {"mains_mv": 0.0, "amplifier_mv": 0.0, "muscle_mv": 0.0, "wander_mv": 0.0}


@given(st.sampled_from(sorted(HOSPITALS)), st.integers(0, 3000), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_recording_depends_on_hospital_index_and_seed_alone(hospital, index, seed):
    first, again = (record_ecg(hospital, index, seed=seed) for _ in range(2))
    place = HOSPITALS[hospital]
    assert first.values.shape == (place.seconds * place.sampling_rate, 12)
    assert first.values.dtype == np.float32
    assert np.isfinite(first.values).all()
    # electrodes that lie badly make wander, but nothing that no recorder could store
    assert np.abs(first.values).max() < 15
    np.testing.assert_array_equal(first.values, again.values)
    assert first.patient.conditions == again.patient.conditions


def test_other_seeds_and_hospitals_have_other_recordings():
    one = record_ecg("riverside", 5)
    for other in (record_ecg("riverside", 6), record_ecg("riverside", 5, seed=1)):
        assert np.abs(one.values - other.values).max() > 0.1
    assert record_ecg("lakeside", 5).patient.shape_seed != one.patient.shape_seed


def test_without_noise_the_heart_is_the_same():
    noisy, clean = (record_ecg("lakeside", 7, noise=noise) for noise in (True, False))
    np.testing.assert_array_equal(noisy.beats.onset, clean.beats.onset)
    difference = noisy.values - clean.values
    assert 0.01 < difference.std() < 0.5
    assert np.corrcoef(noisy.values[:, 1], clean.values[:, 1])[0, 1] > 0.5


@pytest.mark.parametrize("noise", [True, False])
def test_einthoven_and_goldberger_hold_before_and_after_noise(noise):
    lead = dict(zip(LEADS, record_ecg("riverside", 2, noise=noise).values.T, strict=True))
    assert np.abs(lead["III"] - (lead["II"] - lead["I"])).max() < 2e-6
    assert np.abs(lead["aVR"] + (lead["I"] + lead["II"]) / 2).max() < 2e-6
    assert np.abs(lead["aVL"] - (lead["I"] - lead["II"] / 2)).max() < 2e-6
    assert np.abs(lead["aVF"] - (lead["II"] - lead["I"] / 2)).max() < 2e-6


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 40))
@settings(max_examples=50, deadline=None)
def test_the_identities_hold_to_half_a_step_when_stored(seed, height):
    independent = np.random.default_rng(seed).normal(0, height, (200, 8))
    stored = quantise(independent)
    inside = (np.abs(stored) < 32767).all(axis=1)
    steps = stored[inside].astype(int)
    one, two = steps[:, 0], steps[:, 1]
    np.testing.assert_array_equal(steps[:, 2], two - one)
    for column, exact in ((3, -(one + two) / 2), (4, one - two / 2), (5, two - one / 2)):
        assert np.abs(steps[:, column] - exact).max(initial=0) <= 0.5
    assert stored.min() > -32768, "-32768 marks a missing sample"


def test_twelve_leads_are_in_the_standard_order():
    columns = twelve_leads(np.arange(8.0)[None])[0]
    for position, lead in enumerate(INDEPENDENT):
        assert columns[LEADS.index(lead)] == position


def test_an_unsteady_right_arm_moves_every_lead_and_a_chest_electrode_only_its_own():
    right_arm, v3 = ELECTRODES_TO_LEADS[:, 0], ELECTRODES_TO_LEADS[:, 5]
    assert (right_arm[:2] == -1).all() and np.allclose(right_arm[2:], -1 / 3)
    assert [INDEPENDENT[i] for i in np.flatnonzero(v3)] == ["V3"]
    # what is common to all electrodes reaches no lead
    assert np.abs(ELECTRODES_TO_LEADS.sum(axis=1)).max() < 1e-12


def test_a_patient_has_the_same_heart_in_every_recording():
    firsts = first_recordings("lakeside", 400, seed=0)
    repeats = np.flatnonzero(firsts != np.arange(400))
    assert 0.08 < len(repeats) / 400 < 0.22
    for index in repeats[:5]:
        one, two = record_ecg("lakeside", int(firsts[index])), record_ecg("lakeside", int(index))
        assert two.patient_index == firsts[index]
        np.testing.assert_array_equal(one.patient.lead_field, two.patient.lead_field)
        assert one.patient.conditions == two.patient.conditions
        assert np.abs(one.values - two.values).max() > 0.1
    # a longer database begins with the shorter one
    np.testing.assert_array_equal(first_recordings("lakeside", 50, seed=0), firsts[:50])


def test_hospitals_differ_in_age_noise_and_mains():
    ages = {name: np.mean([find_patient(name, i, 0).age for i in range(150)]) for name in HOSPITALS}
    assert ages["riverside"] - 8 > ages["lakeside"] > ages["hillside"]
    rms = {
        name: np.mean([draw_noise(place, 2000, np.random.default_rng(i)).std() for i in range(40)])
        for name, place in HOSPITALS.items()
    }
    assert rms["riverside"] > 1.3 * rms["lakeside"]


@pytest.mark.parametrize(("name", "frequency"), [("lakeside", 50), ("riverside", 60)])
def test_the_mains_frequency_stands_out(name, frequency):
    place = replace(HOSPITALS[name], **{**QUIET, "mains_mv": 0.05, "amplifier_mv": 0.001})
    noise = draw_noise(place, 5000, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(noise[:, 2]))
    assert np.fft.rfftfreq(5000, 1 / 500)[spectrum.argmax()] == pytest.approx(frequency, abs=0.2)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("wander_mv", 0.0, 0.7), ("muscle_mv", 15.0, 250.0), ("amplifier_mv", 0.0, 250.0)],
)
def test_each_noise_has_its_amplitude_and_its_band(kind, low, high):
    place = replace(HOSPITALS["lakeside"], **{**QUIET, kind: 0.1})
    noise = [draw_noise(place, 5000, np.random.default_rng(i))[:, 0] for i in range(60)]
    # lead I is the difference of two electrodes
    assert 0.1 < np.median([one.std() for one in noise]) < 0.3
    power = np.mean([np.abs(np.fft.rfft(one)) ** 2 for one in noise], axis=0)
    frequency = np.fft.rfftfreq(5000, 1 / 500)
    inside = (frequency >= low) & (frequency <= high)
    assert power[inside].sum() > 0.95 * power.sum()


def test_a_beat_is_drawn_by_its_waves():
    patient = record_ecg("lakeside", 1, noise=False).patient
    beat = sinus_beat(patient)
    # the P wave ends before the QRS, which lasts as long as the patient's
    assert beat.centre[1] + 2.5 * beat.right[1] < 0
    assert beat.centre[0] - 2.5 * beat.left[0] == pytest.approx(-patient.pr)
    ends = beat.centre[2:6] + 2.5 * beat.right[2:6]
    assert ends.max() == pytest.approx(patient.qrs, abs=0.003)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"hospital": "lakesied", "index": 0},
            "no hospital named 'lakesied'. Allowed: hillside, lakeside, riverside. "
            "Did you mean 'lakeside'?",
        ),
        (
            {"hospital": "lakeside", "index": -1},
            "index and seed of a simulated ECG start at 0. Received: index -1, seed 0.",
        ),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ConfigError) as error:
        record_ecg(**arguments)
    assert str(error.value) == message
