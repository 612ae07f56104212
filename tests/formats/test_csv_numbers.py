"""What commas, points and blanks inside numbers mean."""

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.formats import csv_numbers
from ecg_keras.formats.csv_numbers import (
    Columns,
    Marks,
    find_marks,
    is_missing,
    is_number,
    read_columns,
    split_line,
)

WHOLE = st.lists(st.integers(-99_999_999, 99_999_999), min_size=1, max_size=60)
# decimals as a recorder prints them: always as many
DECIMALS = st.lists(st.integers(-9_999, 9_999), min_size=1, max_size=60)


def column(cells):
    return ("\n".join(cells) + "\n").encode()


def read(cells, decimal=None):
    return read_columns(column(cells), Columns("\x1f", 1, (0,)), decimal).ravel()


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["1", "2000"], Marks()),
        (["0.5", "1234"], Marks(".")),
        (["0,5", "1234"], Marks(",")),
        (["0,5", "1.234"], Marks(",", ".")),
        (["1,234.5"], Marks(".", ",")),
        (["1.234,5"], Marks(",", ".")),
        (["1,234,567"], Marks(".", ",")),
        (["1.234.567", "12"], Marks(",", ".")),
        (["2,168", "-87", "12"], Marks(".", ",")),
        (["2.168", "-87", "12"], Marks(",", ".")),
        (["12,345", "9999"], Marks(".", ",")),
        (["1 234", "0,5"], Marks(",", " ")),
        (["1 234", "5"], Marks(".", " ")),
        (["1.234", "0"], Marks(".")),
        (["1.234", "2.345"], Marks(".")),
        (["1,234E+02"], Marks(",")),
        (["0,123", "12,345"], Marks(",")),
        (["1,234", "2,345"], None),
        (["1,234", "0"], None),
        (["1,234", "2000"], None),
        (["-", "", "text"], Marks()),
    ],
)
def test_what_signs_mean(cells, marks):
    assert find_marks(cells) == find_marks(reversed(cells)) == marks


@pytest.mark.parametrize("cells", [["0,5", "0.5"], ["0,5", "1,234,567"], ["1,234", "1.234", "5"]])
def test_contradictions_are_refused(cells):
    with pytest.raises(DataError, match="contradict one another"):
        find_marks(cells)


@pytest.mark.parametrize("cell", ["1,2,3", "12,34,567", "1,23.5", "0,066,000", "1.234.5"])
def test_groups_that_are_none_are_refused(cell):
    with pytest.raises(DataError, match=f"'{cell}' is no number"):
        find_marks([cell])


def test_a_cell_of_any_length_is_an_error_of_the_file():
    with pytest.raises(DataError, match=r"a line in quotes has no cells: field larger than"):
        split_line(f'1,"{131_073 * "x"}"', ",")


def test_the_user_may_say_it():
    assert find_marks(["1,234"], ",") == Marks(",")
    assert find_marks(["1,234"], ".") == Marks(".", ",")
    assert find_marks(["1.234"], ",") == Marks(",", ".")
    with pytest.raises(DataError, match=r"data\.folder\.decimal is '\.'"):
        find_marks(["0,5"], ".")


@given(WHOLE, st.sampled_from(",. "))
def test_groups_are_read_wherever_smaller_numbers_are_among_them(values, sign):
    cells = [f"{one:,}".replace(",", sign) for one in [7, *values]]
    assert np.array_equal(read(cells), np.float32([7, *values]))


@given(WHOLE, st.sampled_from(",. "))
def test_grouped_numbers_are_never_read_as_decimals_in_silence(values, sign):
    cells = [f"{one:,}".replace(",", sign) for one in values]
    try:
        found = read(cells)
    except DataError as error:
        assert "data.folder.decimal" in str(error)
    else:
        # a point without anything that speaks for groups is a decimal one
        scale = 1000 if sign == "." and not np.array_equal(found, np.float32(values)) else 1
        assert np.allclose(found * scale, values, rtol=1e-6)


@given(DECIMALS, st.sampled_from(",."), st.integers(1, 6))
def test_decimals_are_read_or_asked_for(values, sign, digits):
    cells = [f"{one / 1000:.{digits}f}".replace(".", sign) for one in values]
    expected = np.float32([float(cell.replace(",", ".")) for cell in cells])
    assert np.allclose(read(cells, sign), expected, rtol=1e-6)
    try:
        assert np.allclose(read(cells), expected, rtol=1e-6)
    except DataError as error:
        assert digits == 3 and "data.folder.decimal" in str(error)


@given(st.text(max_size=12))
def test_a_cell_is_a_number_or_missing_not_both(cell):
    assert not (is_number(cell) and is_missing(cell))
    if is_number(cell) and not set(cell) & set(", ") and cell.count(".") < 2:
        assert not np.isnan(float(cell))


def test_whole_numbers_first_do_not_hide_what_a_point_means():
    cells = [*(["5"] * 40), "1.234"]
    assert read(cells)[-1] == 1234
    assert read([*cells, "0.5"])[-2:].tolist() == [np.float32(1.234), 0.5]


@pytest.mark.parametrize(
    "module", ["hdf5_files", "plain_files", "recording_files", "wfdb_files", "wfdb_headers"]
)
def test_the_examples_in_the_docstrings_run(module):
    loaded = importlib.import_module(f"ecg_keras.formats.{module}")
    result = doctest.testmod(loaded)
    assert result.attempted and not result.failed


@pytest.mark.parametrize(
    ("wanted", "width", "line"), [((1, 2), 3, "{0},{1:.1f},0.5\n"), ((0, 1), 2, '"{2:,}",7\n')]
)
def test_a_text_of_many_lines_is_read_in_parts(wanted, width, line):
    numbers = range(200_000)
    text = "".join(line.format(n, n % 9 / 10, n % 4000) for n in numbers).encode()
    values = read_columns(text, Columns(",", width, wanted))
    column = [n % 9 / 10 for n in numbers] if width == 3 else [n % 4000 for n in numbers]
    assert np.array_equal(values[:, 0], np.float32(column)) and len(set(values[:, 1])) == 1


def test_parts_do_not_show(monkeypatch):
    lines = [f'{n % 7 / 10},{n % 5},"a\nb, c"\n' for n in range(90)]
    lines[60:] = [f"{n % 7 / 10}\n" for n in range(60, 90)]  # a lead that ends early
    text = "".join(lines).encode()
    whole = read_columns(text, Columns(",", 3, (0, 1)))
    monkeypatch.setattr(csv_numbers, "_MANY", 30)
    assert np.array_equal(read_columns(text, Columns(",", 3, (0, 1))), whole, equal_nan=True)
    assert len(whole) == 90 and np.isnan(whole[60:, 1]).all()
    plain = "".join(f"{n / 10},1\n" for n in range(90))
    for wrong, message in (("x,1", "line 91 of the samples has 'x' in"), ("1,1,1", "line 91 of")):
        with pytest.raises(DataError, match=message):
            read_columns(f"{plain}{wrong}\n{plain}".encode(), Columns(",", 2, (0, 1)))
