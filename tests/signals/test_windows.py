"""Cutting and padding."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import ConfigError
from ecg_keras.signals import fit_length


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
