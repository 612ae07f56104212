"""One cell with the names of labels, as people and programs write it."""

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.sources.fields import PLACEHOLDERS
from ecg_keras.sources.label_cells import find_absent, find_mark, read_cell

BOTH = {"AF": None, "LBBB": None}


@pytest.mark.parametrize(
    "cell",
    [
        "AF;LBBB", " AF ; LBBB; ", "AF;;LBBB", "'AF'; 'LBBB'", "AF;nan;LBBB", "AF\xa0;LBBB",
        "['AF', 'LBBB']", '["AF", "LBBB"]', "('AF', 'LBBB')", "{'AF', 'LBBB'}", "['AF' 'LBBB']",
        "['AF'\n 'LBBB']", "[AF, LBBB]", "{AF,LBBB}", "[b'AF', b'LBBB']", "[ 'AF' , 'LBBB' , ]",
        "['AF', nan, 'LBBB']", "['AF', '', 'LBBB', None]", str(np.array(["AF", "LBBB"])),
    ],
)  # fmt: skip
def test_two_names_in_every_spelling(cell):
    assert read_cell(cell, ";") == BOTH


@pytest.mark.parametrize(
    "cell",
    ["", " ", "nan", "NaN", "None", "NULL", "null", "NA", "n/a", "N/A", "#N/A", "-", "--", "<NA>",
     "set()", "frozenset()", "Counter()", "OrderedDict()", "list( )", "array([], dtype=object)",
     "[]", "{}", "()", "[ ]", "[nan]", "['nan']", "[None]", "[null]", ";", "nan;None", "."],
)  # fmt: skip
def test_nothing_in_every_spelling(cell):
    assert read_cell(cell, ";") == {}


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("{'AF': 100.0}", {"AF": 100.0}),
        ('{"AF": 100, "LBBB": 0}', {"AF": 100.0, "LBBB": 0.0}),
        ("{'AF': True, 'LBBB': false}", {"AF": True, "LBBB": False}),
        ("{'1AVB': 50.0, 'nan': 0.0}", {"1AVB": 50.0}),
        ("[('NORM', 100.0), ('SR', 0.0)]", {"NORM": 100.0, "SR": 0.0}),
        ("[('NORM', 1e-05), ('SR', -1.)]", {"NORM": 1e-05, "SR": -1.0}),
        ("[(102594003, 100.0), (\"it's, so\", 50),]", {"102594003": 100.0, "it's, so": 50.0}),
        ("{'AF': np.float64(100.0), np.str_('LBBB'): np.int64(0)}", {"AF": 100.0, "LBBB": 0.0}),
        ("[('AF', np.float64(100.0)), (np.str_('LBBB'), 0.0)]", {"AF": 100.0, "LBBB": 0.0}),
        ("{'AF': np.True_, 'LBBB': np.False_}", {"AF": True, "LBBB": False}),
        ("[np.int64(164889003), np.float64(426783006.0)]", {"164889003": None, "426783006": None}),
        ("['np.str_(x)']", {"np.str_(x)": None}),
        ("164889003.0", {"164889003": None}),
        ("[164889003.0, 426783006]", {"164889003": None, "426783006": None}),
        ("[164889003. 426783006.]", {"164889003": None, "426783006": None}),
        ("['a, b', \"it's\", 'say \"x\"', 'c: d']",
         {"a, b": None, "it's": None, 'say "x"': None, "c: d": None}),
        ('["\\u623f\\u98a4"]', {"\u623f\u98a4": None}),
        ("(old) infarct (inferior)", {"(old) infarct (inferior)": None}),
        ("AV  block", {"AV block": None}),
    ],
)  # fmt: skip
def test_names_are_what_they_stand_for(cell, names):
    assert read_cell(cell, ";") == names


@pytest.mark.parametrize(
    "cell",
    ["['AF'", "{'AF': 1", "[['AF'], ['LBBB']]", "{'AF': 'yes'}", "{'AF': }", "{'AF': [1]}",
     "['AF' : 1]", "{'AF': 1, 'LBBB'}", "['\\x1b[31m']", "['a\\tb\n']", "['a' ... 'b']", "[,,]",
     "['it''s']", "[('AF', 1), 'LBBB']", "[('AF')]", "[('AF', 'LBBB')]", "[('AF', 1, 2)]", "[(1)",
     "[np.str_('AF']", "[np.str_('AF'), np.array(['LBBB'])]", "{'AF': np.float64(1.0, 2)}",
     "[" + "np.str_('" * 50_000 + "]", "[np.str_('" + "\\\\'" * 50_000 + "]",
     "[" * 100_000, "[" * 50_000 + "]" * 50_000, "['AF'", "{1+1: __import__('os')}"],
)  # fmt: skip
def test_what_only_looks_like_a_list_is_refused_in_one_short_line(cell):
    with pytest.raises(DataError, match="looks like a list of names, and can't be read") as caught:
        read_cell(cell, ";")
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


plain = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=3, max_size=9
).filter(lambda name: not name.startswith(("'", '"')) and not name.rstrip(".0").isdecimal())


@given(st.lists(plain, max_size=5, unique=True))
def test_what_python_and_json_write_comes_back(names):
    names = [name for name in names if read_cell(f"x{name}", "\0")]
    expected = [name for name in names if name.lower() not in PLACEHOLDERS]
    assert list(read_cell(json.dumps(names), ";")) == expected
    assert list(read_cell(json.dumps(names, ensure_ascii=False), ";")) == expected
    values = dict.fromkeys(names, 100.0)
    assert read_cell(json.dumps(values), ";") == dict.fromkeys(expected, 100.0)
    if not any("\\" in repr(name).replace("\\\\", "").replace("\\'", "") for name in names):
        assert list(read_cell(repr(names), ";")) == expected


@given(st.text(max_size=30))
def test_any_text_is_names_or_refused(text):
    try:
        names = read_cell(text, ";")
    except DataError:
        return
    assert all(name and name == name.strip() for name in names)


@pytest.mark.parametrize(
    ("names", "labels", "mark"),
    [
        (["AF, LBBB"], None, ","),
        (["AF|LBBB", "AF"], None, "|"),
        (["AF;LBBB"], None, ";"),
        (["AF\nLBBB"], None, "\n"),
        (["AF\tLBBB"], None, "\t"),
        (["AF+LBBB", "AF"], None, "+"),
        (["AF + LBBB", "AF + SR"], None, "+"),
        (["AF & LBBB", "SR & LBBB"], None, "&"),
        (["AF/LBBB", "AF", "LBBB"], None, "/"),
        (["AF LBBB", "AF", "LBBB"], None, " "),
        (["AF/AFL", "SR"], None, None),
        (["ST/T", "ST-T"], None, None),
        (["atrial fibrillation", "atrial flutter"], None, None),
        (["AF, LBBB"], ["AF"], ","),
        (["infarct, old"], ["infarct, old"], None),
        (["infarct, old", "x, y"], ["infarct, old"], None),
        (["infarct, old", "AF"], ["AF"], None),
        (["AF LBBB"], ["AF", "LBBB"], " "),
    ],
)
def test_what_seems_to_separate_names_is_found(names, labels, mark):
    found = find_mark(names, labels)
    assert (found and found[1]) == mark


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([{"AF": 100.0, "SR": 0.0}], (True, False)),
        ([{"AF": 0.0, "SR": 0.0}], (True, False)),
        ([{"AF": 1.0}, {"SR": 0.0}], (True, True)),
        ([{"AF": True, "SR": False}], (False, False)),
        ([{"AF": None}], (False, False)),
    ],
)
def test_what_0_means(cells, expected):
    assert find_absent(cells) == expected


@pytest.mark.parametrize("value", [0.93, -1.0, 250.0, float("inf")])
def test_probabilities_are_no_labels(value):
    with pytest.raises(DataError, match="likelihoods in percent, 1 to 100, or 1 and 0"):
        find_absent([{"AF": value}])


@pytest.mark.parametrize(
    "cell",
    ["frozenset({'AF', 'LBBB'})", "set(['AF', 'LBBB'])", "array(['AF', 'LBBB'], dtype=object)",
     "np.array(['AF', 'LBBB'])", "[np.str_('AF'), np.str_('LBBB')]",
     "{np.str_('AF'), numpy.str_( \"LBBB\" )}", "(np.str_('AF'), np.str_('LBBB'))",
     "frozenset({np.str_('AF'), 'LBBB'})", "[np.bytes_(b'AF'), 'LBBB', np.float64(nan)]",
     repr(np.array(["AF", "LBBB"])), "[AF; LBBB]", "[AF | LBBB]"],
)  # fmt: skip
def test_lists_as_programs_print_them_hold_the_same_names(cell):
    assert read_cell(cell, ";") == BOTH


def test_what_only_looks_wrapped_is_a_name():
    assert read_cell("set (of leads)", ";") == {"set (of leads)": None}
    assert read_cell("array(AF)", ";") == {"array(AF)": None}
    assert read_cell("set()1", ";") == {"set()1": None}


def test_entities_of_web_pages_are_letters_and_no_separators():
    assert read_cell("AF &amp; SR", ";") == {"AF & SR": None}
    assert read_cell("QT &gt; 480; AF", ";") == {"QT > 480": None, "AF": None}
    assert read_cell("R&D;AF", ";") == {"R&D": None, "AF": None}


@pytest.mark.parametrize("mark", ["\uff1b", "\u3001", " and ", " und ", " - ", ":", " with "])
def test_several_names_are_known_by_what_joins_them(mark):
    assert find_mark(["AF", "SR", f"AF{mark}SR"]) == (f"AF{mark}SR", mark)


@pytest.mark.parametrize("name", ["pain and fever", "ST - T", "type: 2"])
def test_a_name_with_a_joining_word_is_one_where_its_parts_are_none(name):
    assert find_mark(["AF", name]) is None


def test_numbers_that_a_spreadsheet_shortened_are_not_several_names():
    assert find_mark(["1.64889E+08", "4.26783E+08"]) is None
