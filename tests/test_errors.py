"""One phrasing for names that a table does not have."""

import pytest

from ecg_keras.errors import (
    ConfigError,
    DataError,
    list_problems,
    look_up,
    shortened,
    unknown_name,
)


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


def test_long_names_and_long_tables_give_a_short_message():
    names = [f"label{i}" for i in range(20_000)]
    message = unknown_name("label", "x" * 1_000_000, names)
    assert len(message) < 2000
    assert message.endswith(" and 19900 more.")
    assert "Did you mean 'label17'?" in unknown_name("label", "labl17", names[:50])


def test_a_text_is_shortened_in_its_middle_and_only_where_it_is_long():
    assert shortened("a" * 120) == "a" * 120
    assert shortened("a" * 60 + "b" * 61) == "a" * 57 + " ... " + "b" * 57


def test_the_first_problems_are_told_and_the_others_counted():
    assert list_problems(["a", "b"]) == "a\nb"
    lines = list_problems(str(i) for i in range(23)).splitlines()
    assert lines == [*(str(i) for i in range(20)), "and 3 more."]
    assert len(list_problems(["x" * 10_000])) <= 1000
