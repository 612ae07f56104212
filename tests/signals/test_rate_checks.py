"""A rate is wrong where hearts race and their QRS complexes are too short by the same factor."""

import pytest

from ecg_keras.signals.rate_checks import estimate_rate_factor


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
