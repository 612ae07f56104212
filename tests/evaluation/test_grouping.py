"""Records in groups: bands, names, what is unknown, and what makes no groups."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import group_records, parse_column


def of(column, values, cuts=()):
    grouping = group_records(column, {f"r{at}": value for at, value in enumerate(values)}, cuts)
    return grouping.names, [grouping.group_of.get(f"r{at}") for at in range(len(values))]


def test_ages_are_in_bands_of_years_that_are_there():
    names, groups = of("age", [17.9, 18, 39.99, 80, 93.0, None, float("nan")])
    assert names == ("under 18", "18 to 39", "80 and over")
    assert groups == ["under 18", "18 to 39", "18 to 39", *["80 and over"] * 2, None, None]


def test_cuts_of_other_numbers_and_quartiles():
    assert of("weight", [50, 60, 70.5], [60.5]) == (
        ("under 60.5", "60.5 and over"),
        ["under 60.5", "under 60.5", "60.5 and over"],
    )
    names, groups = of("weight", list(range(100)))
    assert names[1] == "24.75 to under 49.5"
    assert [groups.count(name) for name in names] == [25, 25, 25, 25]


def test_few_numbers_and_names_are_groups():
    assert of("site", [3, 0, "", 0.0, "  "]) == (("0", "3"), ["3", "0", None, "0", None])
    assert of("sex", ["male", " female", None])[0] == ("female", "male")


def test_numbers_of_which_most_are_the_least_are_cut_at_the_second():
    names, groups = of("earlier_ecgs", [0] * 80 + list(range(1, 21)))
    assert names == ("under 1", "1 and over")
    assert [groups.count(name) for name in names] == [80, 20]


def test_codes_are_names_where_that_is_asked():
    assert parse_column("site:names") == ("site", "names")
    codes = [code for code in range(14) for _ in range(code + 3)]
    assert of("site", codes)[0][0] == "under 6"
    names, groups = of("site", [*map(float, codes), None], "names")
    assert names == (*map(str, range(3, 14)), "3 others")
    assert (groups[0], groups[-2], groups[-1]) == ("3 others", "13", None)
    # 10 comes after 9; a code that is no number is a name as well
    assert of("site", [10, "9", "0x1", 9.0] * 2, "names")[0] == ("9", "10", "0x1")


def test_large_numbers_stay_apart():
    assert of("site", [1000001, 1000002]) == (("1000001", "1000002"), ["1000001", "1000002"])
    assert of("device", [0.1, 0.1000001])[0] == ("0.1", "0.1000001")
    names, groups = of("day", list(range(20240101, 20240131)))
    assert names[0] == "under 20240108.2"
    assert [groups.count(name) for name in names] == [8, 7, 7, 8]


def test_the_rarest_of_many_names_are_one_group():
    values = [f"ward {number:02d}" for number in range(15) for _ in range(number + 1)]
    names, groups = of("ward", values)
    assert len(names) == 12
    assert names[-1] == "4 others"
    assert groups[0] == "4 others"
    assert groups[-1] == "ward 14"


@given(st.lists(st.floats(0, 120), min_size=1), st.sets(st.integers(1, 119), min_size=1))
def test_every_number_is_in_the_band_that_holds_it(values, cuts):
    cuts = sorted(cuts)
    names, groups = of("age", values, cuts)
    for value, group in zip(values, groups, strict=True):
        assert group in names
        first, *_, last = group.split()
        if first == "under":
            assert value < float(last)
        else:
            assert value >= float(first)
            assert last == "over" or value < float(last) + 1


def test_members_are_numbers_of_groups():
    grouping = group_records("sex", {"a": "f", "b": "m", "c": None})
    assert grouping.members(np.array(["b", "a", "c", "d"])).tolist() == [1, 0, -1, -1]


@pytest.mark.parametrize("text", ["", ":1", "age:", "age:2,1", "age:x", "age:1,inf"])
def test_columns_that_can_not_be_read(text):
    with pytest.raises(ConfigError, match="a name with cuts that rise, such as age:40,65"):
        parse_column(text)


def test_what_makes_no_groups_is_refused():
    with pytest.raises(DataError, match=r"report: 40 different values of 40 records make no gr"):
        of("report", [f"text {number}" for number in range(40)])
    with pytest.raises(DataError, match=r"sex: cuts need numbers. Received: 'male'"):
        of("sex", ["male", 3.0], [1.0])
