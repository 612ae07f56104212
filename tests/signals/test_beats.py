"""Beats are found without knowing what a second is."""

import numpy as np
import pytest

from ecg_keras.signals.beats import find_beats, mean_beat, steep_width, trim
from ecg_keras.simulate import record_ecg


@pytest.fixture(scope="module")
def ecg():
    return record_ecg("riverside", 3)


def test_the_beats_of_a_simulated_heart(ecg):
    beats = find_beats(ecg.values)
    onsets = ecg.beats.onset[(ecg.beats.onset > 0.3) & (ecg.beats.onset < 9.5)]
    found = beats.peaks / ecg.sampling_rate
    for onset in onsets:
        assert np.min(np.abs(found - onset)) < 0.12
    assert 60 * ecg.sampling_rate / beats.period == pytest.approx(
        60 / np.median(np.diff(ecg.beats.onset)), rel=0.05
    )


@pytest.mark.parametrize("every", [2, 5])
def test_the_rate_does_not_matter(ecg, every):
    fine, coarse = find_beats(ecg.values), find_beats(ecg.values[::every])
    assert coarse.period * every == pytest.approx(fine.period, rel=0.03)


@pytest.mark.parametrize("factor", [1e-3, -1.0, 1e3])
def test_neither_does_the_unit(ecg, factor):
    assert find_beats(ecg.values * factor).peaks.tolist() == find_beats(ecg.values).peaks.tolist()


def test_the_steep_part_of_a_qrs_takes_some_forty_milliseconds():
    widths = []
    for index in range(9):
        ecg = record_ecg("lakeside", index, noise=False)
        beats = find_beats(ecg.values)
        beat = mean_beat(ecg.values, beats, 8 * beats.width)
        widths.append(steep_width(beat, beats.width) / ecg.sampling_rate)
    assert 0.03 < np.median(widths) < 0.07
    assert np.isnan(steep_width(np.zeros((9, 2)), 1))


def test_what_is_no_rhythm_has_no_beats():
    noise = np.random.default_rng(0).normal(size=(5000, 12))
    assert find_beats(noise) is None
    assert find_beats(np.zeros((5000, 12))) is None
    assert find_beats(np.zeros((10, 12))) is None


def test_a_mean_beat_needs_three_whole_ones(ecg):
    beats = find_beats(ecg.values)
    assert mean_beat(ecg.values, beats, 100).shape == (201, 12)
    assert mean_beat(ecg.values, beats, 2400) is None


def test_zero_padding_is_trimmed():
    values = np.zeros((100, 2))
    values[40:60] = np.random.default_rng(0).normal(size=(20, 2))
    assert trim(values).shape == (22, 2)
    assert trim(np.ones((5, 2))).shape == (0, 2)


def test_spikes_a_hundred_samples_apart():
    ecg = np.zeros((1000, 1))
    ecg[50::100] = 1.0
    assert find_beats(ecg).period == 100.0
