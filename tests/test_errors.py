"""One phrasing for names that a table does not have."""

import pytest

from ecg_keras.errors import ConfigError, DataError, look_up, unknown_name


def test_the_nearest_match_is_offered():
    assert unknown_name("backbone", "resnet18", ["lstm", "resnet1d18"]) == (
        "no backbone named 'resnet18'. Allowed: lstm, resnet1d18. Did you mean 'resnet1d18'?"
    )


def test_no_match_is_offered_where_none_is_near():
    assert unknown_name("source", "xyzzy", ["ptbxl"]) == "no source named 'xyzzy'. Allowed: ptbxl."


def test_look_up_finds_or_refuses():
    assert look_up("window", "start", {"start": 1}) == 1
    with pytest.raises(ConfigError, match="no window named 'end'"):
        look_up("window", "end", {"start": 1})


def test_settings_exit_with_2_and_data_with_1():
    assert (ConfigError.exit_code, DataError.exit_code) == (2, 1)
