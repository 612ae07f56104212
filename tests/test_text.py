"""Plurals, durations, sizes, percentages and tables as text."""

import doctest

import pytest

from ecg_keras import text
from ecg_keras.text import (
    duration,
    file_size,
    percent,
    plural,
    short_duration,
    text_table,
    without_user,
)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(text).failed == 0


def test_a_few_are_not_none():
    assert [percent(share, 1) for share in (0.0, 0.0004, 0.0006)] == ["0.0 %", "<0.1 %", "0.1 %"]
    assert percent(0.004, 0) == "<1 %"


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("https://host/v1", "https://me:s/3#c?r@e@host/v1"),
        ("https://host/v1", "https://me:12/3@host/v1"),
        ("grpc://host:8500/ecg", "grpc://me@host:8500/ecg"),
        (
            "no answer from https://host, write to a@b",
            "no answer from https://me:s/3@host, write to a@b",
        ),
        ("https://host/@scope/files", "https://host/@scope/files"),
        ("http://[::1]:8501/v1", "http://[::1]:8501/v1"),
    ],
)
def test_users_and_passwords_are_not_shown(shown, text):
    assert without_user(text) == shown


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, ("run",), "0 runs"),
        (1, ("run",), "1 run"),
        (1.0, ("run",), "1 run"),
        (1234, ("ECG",), "1,234 ECGs"),
        (1.5, ("seed",), "1.5 seeds"),
        (1, ("anomaly", "anomalies"), "1 anomaly"),
        (2, ("anomaly", "anomalies"), "2 anomalies"),
    ],
)
def test_a_number_agrees_with_its_noun(number, words, expected):
    assert plural(number, *words) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5000, "83 min"),
        (5400, "1 h 30 min"),
        (36100, "10 h 02 min"),
        (180000, "50 h (2.1 days)"),
        (4e6, "1,111 h (46.3 days)"),
    ],
)
def test_durations_are_rounded_as_people_round_them(seconds, expected):
    assert duration(seconds) == expected


def test_short_durations_change_their_unit_where_it_fits():
    assert [short_duration(s) for s in (0.0, 59.9, 60.0, 3599.0, 3600.0, -0.5)] == [
        *("0.0 s", "59.9 s", "1.0 min", "60.0 min", "1.0 h", "−0.5 s")
    ]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (99_949, "99.9 kB"),
        (1.5e6, "1.5 MB"),
        (123_456_789, "123 MB"),
        (999.4e6, "999 MB"),
        (999.6e6, "1 GB"),
        (46_300_000_000, "46.3 GB"),
        (1.5e12, "1,500 GB"),
    ],
)
def test_sizes_have_three_digits(size, expected):
    assert file_size(size) == expected


def test_percentages_have_the_decimals_that_they_need_or_those_that_are_wanted():
    assert [percent(0.95), percent(0.999), percent(1 / 3, 1)] == ["95 %", "99.9 %", "33.3 %"]


def test_a_table_needs_no_header_and_ends_no_line_with_spaces():
    rows = [("a", "long cell", "1"), ("bc", "x", "")]
    assert text_table((), rows, left=2) == "a   long cell  1\nbc  x"
    assert text_table((), rows) == "a   long cell  1\nbc          x"
    assert text_table(("n",), []) == "n"
    assert text_table((), []) == ""
