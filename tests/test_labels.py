"""Label definitions and code tables."""

import csv

import pytest
from hypothesis import given, strategies as st

from ecg_keras.labels import present_labels, read_table

DEFINITION = {"A": ("1",), "B": ("2", "3"), "C": ("3", "4")}


@given(st.lists(st.sampled_from("12345")))
def test_a_label_is_present_where_any_of_its_codes_is(codes):
    labels = present_labels(codes, DEFINITION)
    assert list(labels) == [label for label in "ABC" if set(codes) & set(DEFINITION[label])]


def test_order_and_repetition_of_codes_mean_nothing():
    assert present_labels(["3", "1", "3"], DEFINITION) == ("A", "B", "C")
    assert present_labels([], DEFINITION) == ()


def test_every_code_and_abbreviation_of_the_challenge_is_unique():
    rows = read_table("snomed")
    assert len({row["code"] for row in rows}) == len(rows) == 136
    named = [row["abbreviation"] for row in rows if row["abbreviation"]]
    assert len(set(named)) == len(named) == 133
    assert all(row["code"].isdigit() for row in rows)


def test_every_text_of_ludb_is_unique_whatever_its_case():
    rows = read_table("ludb")
    assert len({row["text"].lower() for row in rows}) == len(rows)
    assert {row["normal"] for row in rows} == {"", "yes"}
    # what fits a normal ECG is in no diagnostic class
    assert not [row for row in rows if row["normal"] and row["superdiagnostic"]]


@pytest.mark.real
def test_the_table_has_the_codes_and_abbreviations_of_the_challenge(real_data):
    ours = {row["code"]: row["abbreviation"] for row in read_table("snomed")}
    for name in ("dx_mapping_scored.csv", "dx_mapping_unscored.csv"):
        with (real_data / "challenge" / name).open(newline="") as stream:
            for row in csv.DictReader(stream):
                assert ours[row["SNOMEDCTCode"]] == row["Abbreviation"]
