"""What a table's rows say beyond the usual: words for nobody, folds, ages, flags; all problems."""

import re
import string

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from ecg_keras.config import Folder
from ecg_keras.errors import DataError
from ecg_keras.sources.labels_table import find_table
from ecg_keras.sources.table_rows import read_table_rows


def read(root, text, **settings):
    if isinstance(text, str):
        (root / "labels.csv").write_text(text)
    else:
        text.to_parquet(root / "labels.parquet")
    return read_table_rows(find_table(root, None), root, Folder(**settings))


def table(header, cells):
    """A table of recordings a, b, ... of one person each, with one more column."""
    rows = [
        f"{name},p{name},{cell}" for name, cell in zip(string.ascii_letters, cells, strict=False)
    ]
    return "\n".join([f"file,patient_id,{header}", *rows]) + "\n"


def refuse(root, text, **settings):
    """The lines of a refusal, without the table's path."""
    with pytest.raises(DataError) as caught:
        read(root, text, **settings)
    assert all(line.startswith(str(root)) for line in str(caught.value).splitlines())
    return [line.partition(".csv: ")[2] for line in str(caught.value).splitlines()]


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("no", "yes"),
    [("no", "yes"), ("No", "Yes"), ("N", "Y"), ("n", "j"), ("nein", "ja"), ("FALSE", "TRUE"),
     ("n\u00e3o", "sim"), ("\u043d\u0435\u0442", "\u0434\u0430"), ("falso", "vero"),
     ("FALSCH", "WAHR"), ("non", "oui"), ("0", "1"), ("0.0", "1.0"), ("F", "T"), ("neg", "pos")],
)  # fmt: skip
def test_two_words_are_a_label(tmp_path, no, yes):
    rows = read(tmp_path, table("AF", [no, yes, yes, no]))
    assert rows.labels == ("AF",) and list(rows.present) == [(), ("AF",), ("AF",), ()]


@pytest.mark.parametrize("cells", [["no", "no"], ["n", "n"], ["north", "south"], ["F", "M"]])
def test_one_word_alone_is_no_label_unless_it_is_named(tmp_path, cells):
    rows = read(tmp_path, table("AF,x", [f"{n},{cell}" for n, cell in enumerate(cells)]))
    assert rows.labels == ("AF",)
    if cells[0].startswith("n") and cells[0] == cells[1]:
        rows = read(tmp_path, table("x", cells), labels=("x",))
        assert list(rows.present) == [(), ()]


def test_a_word_among_yes_and_no_is_named_with_all_rows(tmp_path):
    (line,) = refuse(tmp_path, table("AF", ["yes", "no", "perhaps", "yes", "perhaps", "no"]))
    assert line.startswith(
        "row 3 below the header (and 1 more row): column 'AF' holds 'perhaps', and a label is 0 "
        "or 1. Correct it. If 'AF' is no label, leave it out with data.folder.ignore"
    )


@pytest.mark.parametrize("word", ["", "nan", "NA", "None", "NULL", "-"])
def test_a_label_that_is_not_known_is_no_0(tmp_path, word):
    (line,) = refuse(tmp_path, table("AF", ["1", "0", word, "0"]))
    assert "row 3 below the header: column 'AF' is empty. A label is 0 or 1: what is not" in line


@pytest.mark.parametrize("name", ["split", "Fold", "gender", "is_male", "test"])
def test_what_is_surely_no_label_is_none(tmp_path, name):
    settings = {"fold": name} if name == "Fold" else {"ignore": (name,)}
    text = table(f"AF,{name}", ["1,0", "0,1", "1,1"])
    (line,) = refuse(tmp_path, text)
    assert line.startswith(f"column {name!r} of 0 and 1 seems to be no label. Name it with data.f")
    assert read(tmp_path, text, **settings).labels == ("AF",)
    assert read(tmp_path, text, labels=("AF", name)).labels == ("AF", name)


def test_columns_that_are_ignored_are_not_read(tmp_path):
    text = table("AF,sex,age,fold,smoker", ["1,0,old,x,1", "0,1,young,y,0"])
    rows = read(tmp_path, text, ignore=("sex", "age", "fold", "smoker"))
    assert rows.labels == ("AF",) and set(rows.ages) == set(rows.sexes) == set(rows.folds) == {None}
    assert "Left aside: sex, age, fold, smoker." in rows.remarks[0]


def test_a_column_that_is_named_as_a_label_is_nothing_else(tmp_path):
    rows = read(tmp_path, table("AF,sex", ["1,0", "0,1"]), labels=("AF", "sex"))
    assert list(rows.present) == [("AF",), ("sex",)] and set(rows.sexes) == {None}


@pytest.mark.parametrize("key", ["file", "patient", "labels", "label_column", "sex"])
def test_a_column_is_not_named_and_ignored(key):
    with pytest.raises(ValueError, match="ignore leaves 'x' out, which another key names"):
        Folder(**{key: ("x",) if key == "labels" else "x", "ignore": ("x",)})


def test_names_in_one_column_of_every_kind(tmp_path):
    cells = ["\"['AF', 'SR']\"", "AF", "nan", '"{""SR"": 100}"', "AF;SR", "[]", "None", "-"]
    rows = read(tmp_path, table("dx", cells), label_column="dx")
    assert rows.labels == ("AF", "SR")
    assert list(rows.present) == [("AF", "SR"), ("AF",), (), ("SR",), ("AF", "SR"), (), (), ()]
    assert "labels from 'dx': AF 3 (such as a), SR 3 (such as a)." in rows.remarks[0]


def test_lists_in_parquet(tmp_path):
    frame = pd.DataFrame(
        {"file": ["a", "b"], "patient_id": [1, 2], "dx": [["AF", "SR"], None], "n": [1.5, 2]}
    )
    rows = read(tmp_path, frame, label_column="dx")
    assert rows.labels == ("AF", "SR") and list(rows.present) == [("AF", "SR"), ()]


@pytest.mark.parametrize(
    ("cells", "present", "meaning"),
    [
        (["{'AF': 100.0, 'SR': 0.0}", "{'SR': 0.0}"], [("AF", "SR"), ("SR",)],
         "names with the value 0 count as present, as in PTB-XL"),
        (["{'AF': 1, 'SR': 0}", "{'SR': 1}"], [("AF",), ("SR",)],
         "names with the value 0 count as absent, as only 0 and 1 occur"),
        (["{'AF': True, 'SR': False}", "{'SR': True}"], [("AF",), ("SR",)], None),
    ],
)  # fmt: skip
def test_what_a_likelihood_of_0_means_is_said(tmp_path, cells, present, meaning):
    rows = read(tmp_path, table("dx", [f'"{cell}"' for cell in cells]), label_column="dx")
    assert list(rows.present) == present
    assert [one for one in rows.remarks if "value 0" in one] == (
        [f"{tmp_path / 'labels.csv'}: column 'dx': {meaning}."] if meaning else []
    )


def test_a_separator_is_offered_and_helps(tmp_path):
    text = table("dx", ["AF", '"AF, SR"', "SR", '"AF, SR"'])
    (line,) = refuse(tmp_path, text, label_column="dx")
    assert line == (
        "row 2 below the header (and 1 more row): column 'dx' holds 'AF, SR', which looks like "
        "several names with ',' between them, and data.folder.separator is ';'. Set "
        "data.folder.separator to ','; if it is one name, list the names that count: "
        "data.folder.labels."
    )
    refuse(tmp_path, text, label_column="dx", labels=("AF", "SR"))
    rows = read(tmp_path, text, label_column="dx", separator=",")
    assert list(rows.present) == [("AF",), ("AF", "SR"), ("SR",), ("AF", "SR")]
    rows = read(tmp_path, text, label_column="dx", labels=("AF, SR", "AF"))
    assert rows.labels == ("AF, SR", "AF")


@pytest.mark.parametrize("cells", [["0", "1"], ["no", "Yes"], ["TRUE", "FALSE"]])
def test_flags_are_no_names(tmp_path, cells):
    (line,) = refuse(tmp_path, table("AF", cells), label_column="AF")
    assert line.endswith("Set data.folder.labels to [AF] and label_column to null.")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("AF\x1b[31m", r"the label 'AF\x1b[31m' holds a character that can't be printed"),
        ("AF\u202egnp", r"the label 'AF\u202egnp' holds a character that can't be printed"),
        ("A" * 5000, f"the label {'A' * 60}... has 5,000 characters, and at most 100 are allowed"),
    ],
)
@pytest.mark.parametrize("as_column", [True, False])
def test_names_that_no_page_can_show_are_refused(tmp_path, name, message, as_column):
    if as_column:
        (line,) = refuse(tmp_path, table(name, ["1", "0"]))
    else:
        (line,) = refuse(tmp_path, table("dx", [name, "AF"]), label_column="dx")
    assert line == f"{message}. Write another name."


def test_a_number_that_a_spreadsheet_shortened_is_no_label(tmp_path):
    (line,) = refuse(tmp_path, table("dx", ["1.64889E+08", "426783006"]), label_column="dx")
    assert "the label 1.64889E+08 is a number that a spreadsheet shortened." in line


@pytest.mark.parametrize("name", ["AF/AFL", "ST-T (new)", "房颤", "Vorhofflimmern & Block", "1°"])
def test_other_names_are_names(tmp_path, name):
    assert read(tmp_path, table(name, ["1", "0"])).labels == (name,)


def test_countless_labels_are_refused_in_a_short_line(tmp_path):
    names = [f"L{n}" for n in range(4000)]
    flags = ",".join("1" for _ in names)
    (line,) = refuse(tmp_path, table(",".join(names), [flags, flags]))
    assert line.startswith("4,000 labels, and a label set has at most 1,000.") and len(line) < 200
    cells = [";".join(names)] * 2
    (line,) = refuse(tmp_path, table("dx", cells), label_column="dx")
    assert line.startswith("column 'dx' has 4000 different names, such as L0, L1, L10, and a")
    assert len(line) < 400


# ---------------------------------------------------------------- patients


@pytest.mark.parametrize("word", ["nan", "unknown", "None", "NULL", "-", "n/a", "NA", "anonymous"])
def test_a_word_for_nobody_is_no_person(tmp_path, word):
    rows = read(tmp_path, f"file,patient_id,AF\na,{word},1\nb,{word},0\nc,p1,1\nd,p1,0\n")
    assert list(rows.patients) == ["unknown:a", "unknown:b", "p1", "p1"]
    assert (
        f"column 'patient_id' names nobody for 2 recordings ({word!r} 2): each counts as another "
        "person's." in rows.remarks[1]
    )


def test_a_column_without_any_patient_names_nobody(tmp_path):
    rows = read(tmp_path, "file,patient_id,AF\na,,1\nb, ,0\n")
    assert list(rows.patients) == ["unknown:a", "unknown:b"]
    assert (
        "column 'patient_id' names nobody for 2 recordings ('an empty cell' 2)" in rows.remarks[1]
    )


@pytest.mark.parametrize("key", ["patient_id", "uid"])
@pytest.mark.parametrize("number", ["1.23457E+11", "1,2E+11", "2e+07"])
def test_numbers_that_a_spreadsheet_shortened_are_no_ids(tmp_path, key, number):
    cells = [f'a,"{number}",p,1', f'b,"{number}",q,0'] if key == "uid" else [
        f'a,x,"{number}",1', f'b,y,"{number}",0'
    ]  # fmt: skip
    text = "\n".join(["file,uid,patient_id,AF", *cells]) + "\n"
    (line, *_) = refuse(tmp_path, text, record="uid")
    assert line.startswith(
        f"row 1 below the header (and 1 more row): column {key!r} holds {number!r}, a number that "
        "a spreadsheet shortened, so that different ids are equal."
    )


@pytest.mark.parametrize(
    ("name", "cells", "sexes"),
    [
        ("is_male", ["1", "0", ""], ["male", "female", None]),
        ("Female", ["True", "False", "u"], ["female", "male", None]),
        ("male", ["F", "M", "0.0"], ["female", "male", "female"]),
    ],
)
def test_a_column_that_names_a_sex_may_have_0_and_1(tmp_path, name, cells, sexes):
    rows = read(tmp_path, table(f"AF,{name}", [f"1,{cell}" for cell in cells]), sex=name)
    assert list(rows.sexes) == sexes and rows.labels == ("AF",)
    with pytest.raises(DataError, match=r"column 'sex'.*0 and 1 mean.* call the column is_male"):
        read(tmp_path, table("AF,sex", ["1,1", "1,0"]))


def test_one_array_of_all_recordings_goes_by_the_order_of_the_table(tmp_path):
    np.save(tmp_path / "all.npy", np.ones((3, 50, 12), "f4"))
    text = "id,patient_id,AF\nx,1,0\ny,2,1\nz,1,1\n\n"
    rows = read(tmp_path, text, file="all.npy", record="id")
    assert (list(rows.rows), set(rows.files)) == ([0, 1, 2], {"all.npy"})
    assert (
        "file from 'all.npy', record from 'id', patient from 'patient_id', row from their"
        in (rows.remarks[0])
    )
    short = text.replace("z,1,1\n", "")
    (line,) = refuse(tmp_path, short, file="all.npy")
    assert line.startswith("has 2 rows, and all.npy 3, so that their order does not say which")
    (line, *_) = refuse(tmp_path, short, file="../all.npy")
    assert "must stay inside" in line
    savemat(tmp_path / "all.mat", {"x": np.ones((3, 50, 12))})
    rows = read(tmp_path, text, file="all.mat", array="x")
    assert (list(rows.rows), set(rows.kinds)) == ([0, 1, 2], {"array"})
    (line, *_) = refuse(tmp_path, text, file="all.mat")
    assert "and no array" in line and "data.folder.array" in line
    (line, *_) = refuse(tmp_path, short, file="a.edf")
    assert line.startswith("data.folder.file is a.edf, one file for all recordings, and no array")


@pytest.fixture
def like_pandas_3(monkeypatch):
    """Texts have a type of their own, and arrays of a column are read-only."""
    read_csv, to_numpy = pd.read_csv, pd.Series.to_numpy

    def read_texts(*args, **settings):
        frame = read_csv(*args, **settings)
        return frame.astype({name: "string" for name in frame if frame[name].dtype == object})

    def show(column, *args, **settings):
        values = to_numpy(column, *args, **settings).view()
        values.flags.writeable = False
        return values

    monkeypatch.setattr(pd, "read_csv", read_texts)
    monkeypatch.setattr(pd.Series, "to_numpy", show)


def test_texts_of_pandas_3_are_those_of_earlier_ones(tmp_path, request):
    text = (
        "file,patient_id,uid,age,sex,fold,AF\na,nobody+1,x,60-69,F,train,no\n"
        "b,unknown,y+2,u,u,test,yes\nc,007,z,71,M,valid,yes\n\n"
    )
    rows = read(tmp_path, text, record="uid")
    assert len(rows.remarks) == 6
    request.getfixturevalue("like_pandas_3")
    assert read(tmp_path, text, record="uid") == rows
    with pytest.raises(DataError, match="has named folds, such as train, and numbered ones"):
        read(tmp_path, text.replace("valid", "7"))


def test_a_fold_that_is_missing_in_a_parquet_table_is_named(tmp_path):
    frame = pd.DataFrame({"file": ["a", "b"], "patient_id": [1, 2], "AF": [0, 1]})
    with pytest.raises(DataError, match=r"labels\.parquet: row 2 .*'fold': .*Received: ''"):
        read(tmp_path, frame.assign(fold=[1.0, None]))


def test_ids_that_only_look_like_shortened_numbers_are_ids(tmp_path):
    rows = read(tmp_path, "file,patient_id,AF\na,12e4,1\nb,1e10,0\nc,A+1,1\n")
    assert list(rows.patients) == ["12e4", "1e10", "A+1"]


def test_a_person_with_very_many_recordings_is_named(tmp_path):
    names = [f"r{n}" for n in range(60)]
    rows = [f"{name},{'DUMMY' if n < 25 else n},{n % 2}" for n, name in enumerate(names)]
    remarks = read(tmp_path, "\n".join(["file,patient_id,AF", *rows]) + "\n").remarks
    assert "very many recordings are of one person: DUMMY 25; usual are 1." in remarks[1]
    rows = [f"{name},{n // 30},{n % 2}" for n, name in enumerate(names)]
    assert len(read(tmp_path, "\n".join(["file,patient_id,AF", *rows]) + "\n").remarks) == 1


# ---------------------------------------------------------------- ages, sexes, folds


def test_what_counts_as_unknown_is_said_with_counts(tmp_path):
    text = table("age,sex,AF", ["050Y,M,1", ">89,U,0", "300,F,1", "NA,,0", ",W,1", "300,O,0"])
    rows = read(tmp_path, text)
    assert list(rows.ages) == [50, None, None, None, None, None]
    assert list(rows.sexes) == ["male", None, "female", None, "female", None]
    assert rows.remarks[1:] == (
        f"{tmp_path}/labels.csv: column 'age': the age of 4 recordings counts as unknown: '300' 2, "
        "'>89' 1, 'NA' 1.",
        f"{tmp_path}/labels.csv: column 'sex': the sex of 2 recordings counts as unknown: 'U' 1, "
        "'O' 1.",
    )


def test_bands_of_ages_are_counted_with_what_they_are_read_as(tmp_path):
    text = table("age,AF", ["60-69,1", "70-79,0", "60-69,1", "81,0", ",1"])
    rows = read(tmp_path, text)
    assert list(rows.ages) == [65, 75, 65, 81, None]
    assert (
        f"{tmp_path}/labels.csv: column 'age': the age of 3 recordings is a band of years, read as "
        "its middle, such as '60-69' as 65."
    ) in rows.remarks


def test_a_title_above_the_header_is_named(tmp_path):
    text = f"ECG export of 2024-01-01\nDepartment;Cardiology\n{table('AF', ['0', '1'])}"
    first, *_ = refuse(tmp_path, text)
    assert first == (
        "there is no column 'file'. It has: ECG export of 2024-01-01. Line 3 of the file has it: "
        "what is above is taken for the header. Delete the lines above line 3, such as a title."
    )
    assert "Line " not in refuse(tmp_path, table("AF", ["0", "1"]), file="path")[0]


def test_sexes_that_are_numbers_are_refused_with_the_way_out(tmp_path):
    text = table("sex,AF", ["0,1", "1,0", "1,1"])
    lines = refuse(tmp_path, text)
    assert len(lines) == 3 and "(and 1 more row)" in lines[1]
    assert lines[2] == "leave columns out with --set data.folder.ignore=[sex]."
    assert read(tmp_path, text, ignore=("sex",)).labels == ("AF",)


@pytest.mark.parametrize(
    "words",
    [
        ("train", "valid", "test"),
        ("Training", "val", "Testing"),
        ("TRAIN", "validation", "Test"),
        ("train", "dev", "test"),
    ],
)
def test_folds_are_named_after_splits(tmp_path, words):
    rows = read(tmp_path, table("fold,AF", [f"{word},{n % 2}" for n, word in enumerate(words)]))
    assert list(rows.folds) == [1, 9, 10]
    first, second, third = (word.lower() for word in words)
    assert rows.remarks[1].endswith(
        f"column 'fold' counts {first} as fold 1 (1), {second} as fold 9 (1), {third} as fold 10 "
        "(1)."
    )


def test_folds_are_named_or_numbered(tmp_path):
    (line,) = refuse(tmp_path, table("fold,AF", ["train,1", "2,0"]))
    assert line.startswith("column 'fold' has named folds, such as train, and numbered ones.")


# ---------------------------------------------------------------- files, and all problems at once


def test_files_may_be_named_in_full(tmp_path):
    rows = read(tmp_path, f"file,patient_id,AF\n{tmp_path}/sub/a.edf,1,1\nb,2,0\n")
    assert list(rows.files) == ["sub/a.edf", "b"] and list(rows.ids) == ["sub/a", "b"]


def test_all_problems_are_told_at_once(tmp_path):
    lines = refuse(
        tmp_path,
        "file,patient_id,age,sex,fold,AF,MI\n"
        "a,p1,old,Q,1,1,2\n../b,,50,F,1.5,perhaps,0\na,P1,51,M,x,0,0\nc,p2,52,M,2,1,1\n"
        "d,p3,53,F,3,0,1\n",
    )
    expected = [
        r"row 2 .*a file name must stay inside", r"row 3 .*column 'AF' holds|row 2 .*'AF' holds 'p",
        r"row 1 .*column 'MI' holds '?2", r"row 2 .*column 'patient_id' is empty",
        r"row 1 .*column 'age': .*'old'", r"row 1 .*column 'sex': .*'Q'",
        r"row 2 .*column 'fold': .*'1\.5'", r"row 3 .*column 'fold': .*'x'",
    ]  # fmt: skip
    text = "\n".join(lines)
    assert [one for one in expected if not re.search(one, text)] == []


def test_countless_problems_make_a_short_message(tmp_path):
    rows = "".join(f"../f{n},p{n},age{n},s{n},f{n},v{n}\n" for n in range(3000))
    lines = refuse(tmp_path, f"file,patient_id,age,sex,fold,AF\n{rows}", labels=("AF",))
    assert len(lines) <= 25 and all(len(line) < 400 for line in lines)
    assert any(line.endswith("more like these.") for line in lines)


def test_a_column_of_splits_that_no_key_names_is_said(tmp_path):
    text = "file,patient_id,Split,AF\na,1,train,1\nb,2,Val,0\nc,3,test,1\nd,4,train,0\n"
    said = " ".join(read(tmp_path, text).remarks)
    assert (
        "column 'Split' holds 'train' 2, 'val' 1, 'test' 1, and is not used: recordings are split "
        "by patient instead. To train and test as the column says, set data.folder.fold=Split."
    ) in said
    for settings in ({"fold": "Split"}, {"ignore": ("Split",)}):
        assert "is not used" not in " ".join(read(tmp_path, text, **settings).remarks)
    for cells in ("train,1\nb,2,train,0\nc,3,train", "train,1\nb,2,wait,0\nc,3,test"):
        text = f"file,patient_id,stage,AF\na,1,{cells},1\n"
        assert "is not used" not in " ".join(read(tmp_path, text).remarks)


def test_numbers_of_classes_are_no_0_and_1(tmp_path):
    text = "file,patient_id,rhythm\na,1,0\nb,2,1\nc,3,2\nd,4,0\n"
    message = "If its numbers are classes, set data.folder.label_column=rhythm. If 'rhythm' is no"
    (line,) = refuse(tmp_path, text)
    assert message in line
    assert read(tmp_path, text, label_column="rhythm").labels == ("0", "1", "2")
    for other in ("3", "-1", "0.5", ""):
        assert "classes" not in str(refuse(tmp_path, text.replace("2\nd", f"{other}\nd")))
