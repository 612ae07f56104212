"""Chapman-Shaoxing as first published: a workbook of acronyms, CSV files of microvolts."""

import csv
import zipfile

import numpy as np
import openpyxl
import pytest
from small_original_layouts import CHAPMAN_HEADER, CHAPMAN_ROWS, write_chapman_csv

from ecg_keras.errors import DataError
from ecg_keras.labels import read_table
from ecg_keras.signals import LEADS
from ecg_keras.sources import chapman_csv
from ecg_keras.sources.challenge_sets import CHAPMAN

NAME = CHAPMAN_ROWS[0][0]


def list_all(root, label_set="rhythm"):
    return chapman_csv.list_records(root, label_set=label_set, sampling_rate=100)


def list_one(root, rhythm="SR", beat="NONE", age=50, gender="MALE", label_set="rhythm"):
    write_chapman_csv(root, [[NAME, rhythm, beat, age, gender]])
    return list_all(root, label_set)[0]


def test_records_are_those_of_the_workbook(tmp_path):
    write_chapman_csv(tmp_path)
    infos = list_all(tmp_path)
    assert [info.record_id for info in infos] == sorted(row[0] for row in CHAPMAN_ROWS)
    assert {info.record_id: (info.labels, info.age, info.sex) for info in infos} == {
        CHAPMAN_ROWS[0][0]: (("AFIB",), 85, "male"),
        CHAPMAN_ROWS[1][0]: (("SB",), 59, "female"),
        CHAPMAN_ROWS[2][0]: (("SR",), 20, "female"),
    }
    scored = {info.record_id: info.labels for info in list_all(tmp_path, "challenge2021")}
    assert scored[NAME] == ("AF", "RBBB", "TAb")
    assert scored[CHAPMAN_ROWS[2][0]] == ("SA",)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_table_that_a_spreadsheet_saved_as_text_serves_too(tmp_path, separator):
    write_chapman_csv(tmp_path)
    expected = list_all(tmp_path)
    book = openpyxl.load_workbook(tmp_path / "Diagnostics.xlsx")
    with (tmp_path / "Diagnostics.csv").open("w", newline="", encoding="utf-8-sig") as stream:
        csv.writer(stream, delimiter=separator).writerows(book.active.values)
    (tmp_path / "Diagnostics.xlsx").unlink()
    assert list_all(tmp_path) == expected


@pytest.mark.parametrize(
    ("rhythm", "group"),
    [
        *(("SB", "SB"), ("SR", "SR"), ("SA", "SR"), ("SI", "SR"), ("AFIB", "AFIB"), ("AF", "AFIB")),
        *((name, "GSVT") for name in ("ST", "SVT", "AT", "AVNRT", "AVRT", "SAAWR")),
    ],
)
def test_the_eleven_rhythms_are_merged_as_their_authors_did(tmp_path, rhythm, group):
    assert list_one(tmp_path, rhythm).labels == (group,)


@pytest.mark.parametrize(
    ("beat", "labels"),
    [
        ("NONE", ("NSR",)),
        ("LFBBB LVQRSLL", ("LBBB", "LQRSV", "NSR")),
        ("1AVB APB VPB", ("IAVB", "NSR", "PAC", "PVC")),
        ("IVB", ("NSIVCB", "NSR")),
        ("LVHV STTC", ("NSR",)),
    ],
)
def test_conditions_become_the_challenges_classes(tmp_path, beat, labels):
    assert list_one(tmp_path, beat=beat, label_set="challenge2021").labels == labels


def test_sinus_irregularity_has_two_acronyms(tmp_path):
    for rhythm in ("SA", "SI"):
        assert list_one(tmp_path, rhythm=rhythm, label_set="challenge2021").labels == ("SA",)


def test_the_label_sets_are_those_of_the_challenges_copy():
    assert chapman_csv.LABEL_SETS == CHAPMAN.LABEL_SETS
    known = {row["code"] for row in read_table("snomed")}
    assert {row["code"] for row in read_table("chapman")} <= known
    acronyms = [row["acronym"] for row in read_table("chapman")]
    assert len(set(acronyms)) == len(acronyms) == 66


def test_an_unknown_condition_is_an_error_only_where_conditions_count(tmp_path):
    assert list_one(tmp_path, beat="QQQ").labels == ("SR",)
    with pytest.raises(DataError, match=rf"{NAME}: no table lists QQQ .*label_set rhythm needs"):
        list_all(tmp_path, "challenge2021")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rhythm": "WENCKEBACH"}, "no table lists WENCKEBACH"),
        ({"age": "old"}, "an age must be a number"),
        ({"gender": "robot"}, "sex must be male"),
    ],
)
def test_a_wrong_value_names_the_record(tmp_path, fields, message):
    with pytest.raises(DataError, match=rf"Diagnostics.xlsx: record {NAME}: {message}"):
        list_one(tmp_path, **fields)


def test_names_that_lead_out_or_stand_twice_are_refused(tmp_path):
    write_chapman_csv(tmp_path, [["x", "SR", "NONE", 50, "MALE"]] * 2)
    with pytest.raises(DataError, match="record x is listed more than once"):
        list_all(tmp_path)
    book = openpyxl.Workbook()
    book.active.append(CHAPMAN_HEADER)
    book.active.append(["../x", "SR", "NONE", 50, "MALE", *range(11)])
    book.save(tmp_path / "Diagnostics.xlsx")
    with pytest.raises(DataError, match=r"record ../x: a file name must stay inside"):
        list_all(tmp_path)


def test_a_table_that_is_none_is_named(tmp_path):
    table = tmp_path / "Diagnostics.xlsx"
    table.write_text("no workbook")
    with pytest.raises(
        DataError, match=r"Diagnostics.xlsx: no readable table: .*Download it again"
    ):
        list_all(tmp_path)
    book = openpyxl.Workbook()
    book.active.append(["FileName", "Rhythm"])
    book.save(table)
    with pytest.raises(DataError, match="lacks the column Beat, PatientAge, Gender"):
        list_all(tmp_path)


def test_a_workbook_that_unpacks_to_far_more_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "Diagnostics.xlsx", "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b" " * (2**27 + 1))
    assert (tmp_path / "Diagnostics.xlsx").stat().st_size < 200_000
    with pytest.raises(DataError, match="claims 134217729 bytes, far more than the database's tab"):
        list_all(tmp_path)


def test_microvolts_become_millivolts_in_the_order_of_the_columns(tmp_path):
    info = list_one(tmp_path)
    lines = info.path.read_text().splitlines()
    signal = chapman_csv.read_signal(info)
    assert signal.leads == LEADS and signal.values.shape == (5000, 12)
    assert np.allclose(signal.values[7] * 1000, np.array(lines[8].split(","), dtype=float))
    lines[0] = ",".join(reversed(LEADS))
    info.path.write_text("\n".join(lines))
    assert chapman_csv.read_signal(info).leads == tuple(reversed(LEADS))


def test_missing_samples_that_are_marked_are_nan(tmp_path):
    info = list_one(tmp_path)
    lines = info.path.read_text().splitlines()
    lines[3] = ",".join(["nan"] * 12)
    info.path.write_text("\n".join(lines))
    assert np.isnan(chapman_csv.read_signal(info).values[2]).all()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda lines: lines[1:], "no lead named"),  # a file of the denoised folder has no header
        (lambda lines: lines[:-1], "5000 rows expected, 4999 found"),
        (lambda lines: [], "no lead named ''"),
        (lambda lines: lines[:-1] + ["1,2,3"], "truncated, or no table"),
        (lambda lines: lines[:-1] + ["a" + lines[-1]], "truncated, or no table.*could not convert"),
        (lambda lines: lines[:-1] + [",,,,,,,,,,,"], "truncated, or no table.*could not convert"),
        (lambda lines: ["I,II", *lines[1:]], "2 names of leads for 12 columns"),
    ],
)
def test_a_file_that_is_no_recording_is_named(tmp_path, edit, message):
    info = list_one(tmp_path)
    info.path.write_text("\n".join(edit(info.path.read_text().splitlines())))
    with pytest.raises(DataError, match=rf"{NAME}.csv: .*{message}"):
        chapman_csv.read_signal(info)
