"""08: tables of labels as people and programs write them, over sixteen good recordings."""

from collections import Counter

import pytest
from small_folder import folder_source

from ecg_keras.config import Folder
from ecg_keras.errors import DataError

IDS = [f"{number:05d}" for number in range(16)]
PATIENTS = [f"P{number:03d}" for number in range(16)]
FOURS = [("AF",), ("LBBB",), ("AF", "LBBB"), ()] * 4
ODD = [(), ("AF",)] * 8


def list_all(folder, table, **settings):
    source = folder_source(folder / "raw", Folder(table=f"t_{table}.csv", **settings))
    infos = source.list_records(folder / "raw", label_set="labels", sampling_rate=100)
    assert [info.record_id for info in infos] == IDS
    return infos, source.list_remarks(folder / "raw")


@pytest.mark.parametrize(
    ("table", "settings", "present"),
    [
        ("comma_list", {"label_column": "dx", "separator": ","}, FOURS),
        ("json_list", {"label_column": "dx"}, FOURS),
        ("scp_dict", {"label_column": "scp_codes"}, FOURS),
        ("nan_text", {"label_column": "dx"}, [("AF",), ("LBBB",), (), ()] * 4),
        ("none_text", {"label_column": "dx"}, [("AF",), ("LBBB",), (), ()] * 4),
        ("snomed_float", {"label_column": "dx"},
         [("164889003",), ("164909002",), ("164889003",), ("426783006",)] * 4),
        ("yesno", {}, ODD),
        ("bool", {}, ODD),
        ("sep_line", {}, ODD),
        ("utf16", {}, ODD),
        ("unnamed0", {}, ODD),
        ("patient_float", {}, ODD),
        ("slash_label", {},
         [("AF/AFL",) * (n // 2 % 2) + ("ST-T (new)",) * (n % 2) for n in range(16)]),
        ("cp1252", {},
         [("Vorhofflimmern",) * (n % 2) + ("Schenkelblock_gro\xdf",) * (n // 2 % 2)
          for n in range(16)]),
        ("unicode_label", {},
         [("\u623f\u98a4",) * (n // 2 % 2) + ("\u5de6\u675f\u652f",) * (n % 2) for n in range(16)]),
    ],
)  # fmt: skip
def test_labels_are_names_of_single_labels(case, table, settings, present):
    infos, _ = list_all(case("08-label-tables"), table, **settings)
    assert [info.labels for info in infos] == present


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("comma_list", r"row 3 .* holds 'AF, LBBB', which looks like several names with ',' betwe"),
        ("half", r"row 3 below the header \(and 3 more rows\): column 'AF' holds 0\.5"),
        ("minus1", r"row 3 below the header \(and 4 more rows\): column 'AF' holds -1"),
        ("dup_rows", r"'00000' is there twice: in row 1 .* and in row 17"),
        ("dup_ending", r"'00000' is there twice: in row 1 .* and in row 17"),
        ("patient_sci", r"row 1 .*\(and 7 more rows\): column 'patient_id' holds '1\.23457E\+11'"),
        ("sex01", r"column 'sex': .*mean male in some tables.*data\.folder\.ignore=\[sex\]"),
    ],
)
def test_what_can_be_misread_is_refused(case, table, line):
    settings = {"label_column": "dx"} if table == "comma_list" else {}
    with pytest.raises(DataError, match=rf"(?s)t_{table}\.csv: .*{line}"):
        list_all(case("08-label-tables"), table, **settings)


@pytest.mark.parametrize("table", ["patient_nan", "patient_unknown"])
def test_a_placeholder_is_no_person(case, table):
    infos, remarks = list_all(case("08-label-tables"), table)
    assert len({info.patient_id for info in infos}) == 16
    known = [info.patient_id for n, info in enumerate(infos) if n % 4]
    assert known == [patient for n, patient in enumerate(PATIENTS) if n % 4]
    assert "names nobody for 4 recordings" in remarks[1]


@pytest.mark.parametrize(
    ("table", "unknown", "remark"),
    [
        ("age_dicom", [], None),
        ("age90", [3], "the age of 1 recording counts as unknown: '>89' 1."),
        ("ageNA", [3], "the age of 1 recording counts as unknown: 'NA' 1."),
    ],
)
def test_ages_are_years_or_unknown(case, table, unknown, remark):
    infos, remarks = list_all(case("08-label-tables"), table)
    assert [info.age for info in infos] == [None if n in unknown else 50 + n for n in range(16)]
    assert [one for one in remarks if "age" in one.partition("Left aside")[2]] == []
    assert remarks[1].endswith(remark) if remark else len(remarks) == 1


def test_unknown_sexes_are_counted(case):
    folder = case("08-label-tables")
    infos, remarks = list_all(folder, "sexU")
    assert Counter(info.sex for info in infos) == {"male": 6, "female": 5, None: 5}
    assert remarks[1].endswith("the sex of 5 recordings counts as unknown: 'U' 5.")
    infos, _ = list_all(folder, "sex01", ignore=("sex",))
    assert {info.sex for info in infos} == {None}
