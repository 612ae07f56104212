"""A hospital's own folder: what its table says, what is wrong with it, and what it leaves open."""

import pickle
import shutil
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from scipy.io import savemat
from small_folder import (
    RATE,
    as_stored,
    folder_source,
    write_csv,
    write_edf,
    write_folder,
    write_wfdb,
)
from small_signals import microvolts
from small_xml import write_sierra

from ecg_keras.config import Data, Folder
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.signals import LEADS
from ecg_keras.sources import label_columns, read_records, source_of
from ecg_keras.sources.label_columns import list_present

VALUES = microvolts(7, RATE)


@pytest.fixture
def root(tmp_path):
    """Three WFDB recordings of two people, without a table."""
    for name in ("a", "b", "sub/c"):
        write_wfdb(tmp_path / name, VALUES)
    return tmp_path


def list_all(root, text=None, **settings):
    """The listed records, after the table was written."""
    if text is not None:
        (root / "labels.csv").write_text(text)
    source = folder_source(root, Folder(**settings))
    infos = source.list_records(root, label_set="labels", sampling_rate=100)
    assert all(info.path.is_relative_to(root) for info in infos)
    return infos


def labels_of(root, text, **settings):
    (root / "labels.csv").write_text(text)
    return folder_source(root, Folder(**settings)).LABEL_SETS["labels"]


def test_arrays_of_matlab_say_no_rate_before_any_is_read(root):
    savemat(root / "m.mat", {"val": VALUES.T})
    table = "file,patient_id,AF\nm.mat,p1,0\na.hea,p2,1\n"
    with pytest.raises(ConfigError, match=r"m\.mat: an array .*data\.folder\.sampling_rate"):
        list_all(root, table, array="val")
    settings = {"sampling_rate": RATE, "unit": "uV", "array": "val"}
    infos = list_all(root, table, **settings)
    assert [info.record_id for info in infos] == ["a", "m"]
    source = folder_source(root, Folder(**settings))
    np.testing.assert_allclose(source.read_signal(infos[1]).values, VALUES / 1000, rtol=1e-6)


def test_the_usual_table_needs_no_settings(root):
    infos = list_all(
        root,
        "file,patient_id,age,sex,fold,AF,site,MI\n"
        "sub/c,p1,,F,3,1,north,0\nb.hea,p2,61.5,male,1,1,south,1\na.dat,p1,300,,2,0,north,0\n",
    )
    assert [info.record_id for info in infos] == ["a", "b", "sub/c"]
    assert [info.patient_id for info in infos] == ["p1", "p2", "p1"]
    assert [info.labels for info in infos] == [(), ("AF", "MI"), ("AF",)]
    assert [info.age for info in infos] == [None, 61.5, None]
    assert [info.sex for info in infos] == [None, "male", "female"]
    assert [info.fold for info in infos] == [2, 1, 3]
    source = source_of(Data(source="folder", raw=root))
    assert source.LABEL_SETS == {"labels": ("AF", "MI")} and source.OFFICIAL_FOLDS
    assert np.array_equal(source.read_signal(infos[2]).values, as_stored(VALUES))


def test_columns_of_other_names(root):
    text = "path,mrn,years,gender,part,uid,LBBB,AF,n\na,1,50,M,1,x,1,0,2\nb,1,51,F,2,w,0,0,3\n"
    settings = {
        "file": "path", "patient": "mrn", "age": "years", "sex": "gender", "fold": "part",
        "record": "uid", "labels": ["AF", "LBBB"],
    }  # fmt: skip
    infos = list_all(root, text, **settings)
    assert [info.record_id for info in infos] == ["w", "x"]
    assert [info.path.name for info in infos] == ["b", "a"]
    assert infos[1].patient_id == "1" and infos[1].labels == ("LBBB",)
    assert (infos[1].age, infos[1].sex, infos[1].fold) == (50, "male", 1)
    assert folder_source(root, Folder(**settings)).OFFICIAL_FOLDS


def test_one_column_with_names(root):
    text = "file,patient_id,dx\na,1,AF; LBBB\nb,2,\nsub/c,3,LBBB;PVC;\n"
    infos = list_all(root, text, label_column="dx")
    assert [info.labels for info in infos] == [("AF", "LBBB"), (), ("LBBB", "PVC")]
    assert labels_of(root, text, label_column="dx") == ("AF", "LBBB", "PVC")
    kept = list_all(root, text, label_column="dx", labels=["PVC", "AF"])
    assert [info.labels for info in kept] == [("AF",), (), ("PVC",)]
    with pytest.raises(
        DataError, match=r"no recording has the label 'AFF' in column 'dx'\. Did you mean 'AF'\?"
    ):
        list_all(root, text, label_column="dx", labels=["AFF"])


def test_free_text_is_no_label(root, monkeypatch):
    monkeypatch.setattr(label_columns, "MOST_NAMES", 2)
    with pytest.raises(DataError, match=r"column 'dx' has 3 different names.*\(now ';'\)"):
        list_all(root, "file,patient_id,dx\na,1,AF/LBBB\nb,2,AF\nsub/c,3,PVC\n", label_column="dx")


@pytest.mark.parametrize(
    ("values", "is_label"),
    [
        ("0,1,1,0", True),
        ("0.0,1.0,1.0,0.0", True),
        ("true,False,TRUE,0", True),
        ("0,0,0,0", True),
        ("4,1,7,9", False),
        ("1.5,0,9.25,8", False),
        ("north,south,,", False),
        (",,,", False),
    ],
)
def test_a_column_is_a_label_where_it_holds_nothing_but_0_and_1(root, values, is_label):
    rows = [f"r{n},p{n},{n % 2},{value}\n" for n, value in enumerate(values.split(","))]
    labels = labels_of(root, "file,patient_id,AF,x\n" + "".join(rows))
    assert labels == (("AF", "x") if is_label else ("AF",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("0,1,2,0", r"row 3 below the header: column 'x' holds .*2.*, and a label is 0 or 1"),
        ("0,1,yes,0", r"row 3 below the header: column 'x' holds 'yes', and a label is 0 or 1"),
        ("0,,1,0", r"row 2 below the header: column 'x' is empty\. .*what is not known"),
    ],
)
@pytest.mark.parametrize("named", [None, ["AF", "x"]])
def test_a_column_that_is_mostly_a_label_is_an_error(root, values, message, named):
    rows = [f"r{n},p{n},{n % 2},{value}\n" for n, value in enumerate(values.split(","))]
    with pytest.raises(DataError, match=rf"labels\.csv: {message}.*data\.folder\.labels"):
        list_all(root, "file,patient_id,AF,x\n" + "".join(rows), labels=named)


@given(st.integers(1, 20), st.data())
def test_labels_are_those_that_are_1(width, data):
    row = st.lists(st.booleans(), min_size=width, max_size=width)
    flags = data.draw(st.lists(row, min_size=1, max_size=20))
    labels = tuple(f"L{n}" for n in range(width))
    frame = pd.DataFrame(flags, columns=labels).astype(int)
    expected = [
        tuple(label for label, flag in zip(labels, one, strict=True) if flag) for one in flags
    ]
    assert list_present("t", frame, Folder(), labels) == expected


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("file,patient,AF\na,1,1\n", {},
         r"no column 'patient_id'\. It has: file, patient, AF\. Did you mean 'patient'\? Name the "
         r"column .* data\.folder\.patient.*scores flatter.* null"),
        ("path,patient_id,AF\na,1,1\n", {},
         r"no column 'file'\. It has: path, patient_id, AF\. Name the column with data\.folder\.f"),
        ("file,patient_id,AF\na,1,1\n", {"age": "ages"}, r"no column 'ages'.*data\.folder\.age"),
        ("file,patient_id,LBBB\na,1,1\n", {"labels": ["LBB"]},
         r"no column for the label 'LBB'\. It has: file, patient_id, LBBB\. Did you mean 'LBBB'"),
        ("file,patient_id\na,1\n", {}, "no column of 0 and 1 for a label"),
        ("file,patient_id,AF,af\na,1,1,0\n", {}, "labels AF, af differ only in case"),
        ("file,patient_id,AF\na,,1\nb,2,0\n", {},
         "row 1 below the header: column 'patient_id' is empty"),
        ("file,patient_id,AF\na,1,1\nb,p7,0\nc,P7,0\n", {},
         "'patient_id': 'p7' in row 2 .* and 'P7' in row 3 .* look like one person.*in one way"),
        ("file,patient_id,AF\na,p7\u200b,1\nb,p7,0\n", {},
         "row 1 .* and 'p7' in row 2 .* look like one person"),
        ("file,patient_id,AF\na,7.0,1\nb,7,0\n", {}, "'7.0' in row 1 .* and '7' in row 2 "),
        ("file,patient_id,AF\na,007,1\nb,7,0\n", {}, "'007' in row 1 .* and '7' in row 2 "),
        ("file,patient_id,AF\na,1,1\n,2,0\n", {}, "row 2 below the header: a file name must stay"),
        ("file,patient_id,AF\na,1,1\nb,2,0\na.hea,3,1\n", {},
         "recording 'a' is there twice: in row 1 below the header and in row 3 .*folder.record"),
        ("file,patient_id,AF,age\na,1,1,old\n", {}, "row 1 .*column 'age': an age must be a numb"),
        ("file,patient_id,AF,sex\na,1,1,F\nb,1,1,Q\n", {}, "row 2 .*column 'sex': .*'Q'"),
        ("file,patient_id,AF,fold\na,1,1,1.5\n", {}, r"column 'fold': .*whole number.*'1\.5'"),
        ("file,patient_id,AF,fold\na,1,1,1\nb,1,1,\n", {}, "row 2 .*column 'fold'"),
        ("file,patient_id,AF,hz\na,1,1,0\n", {"sampling_rate": "hz"},
         "column 'hz': a sampling rate must be a number of Hz above 0"),
        ("file,patient_id,AF\nx/a,1,1\nx/b,2,0\n", {},
         r"none of 2 recordings is there that were .* relative to data\.raw.*x/a: No such file"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_explained(root, text, settings, message):
    with pytest.raises(DataError, match=rf"labels\.csv: .*{message}"):
        list_all(root, text, **settings)


def test_a_part_of_a_database_is_read_and_what_it_lacks_is_remarked(root):
    names = [f"p{n // 50}/{n}" for n in range(1000)]
    for name in names[700:750]:  # one folder of many, behind the first hundred rows
        write_wfdb(root / name, VALUES)
    rows = "".join(f"{name},{name},{n % 2}\n" for n, name in enumerate(names))
    assert len(list_all(root, f"file,patient_id,AF\n{rows}")) == 1000
    remarks = folder_source(root, Folder()).list_remarks(root)
    assert "95 of 100 files that were looked for are not there" in remarks[-1]
    assert "The first: " in remarks[-1] and f"{root}/p0/0: No such file" in remarks[-1]
    assert list_all(root, "file,patient_id,AF\na,1,1\nb,2,0\n")
    assert not any("looked for" in one for one in folder_source(root, Folder()).list_remarks(root))


def test_ids_that_look_alike_are_of_different_people(root):
    ids = ("A7", "0A7", "7", "70", "7.01", "P7.0", "P 7")
    rows = "".join(f"{'ab'[i % 2]}{i},{name},1\n" for i, name in enumerate(ids))
    infos = list_all(root, f"file,patient_id,AF\na,1,1\n{rows}")
    assert {info.patient_id for info in infos} == {"1", *ids}


@pytest.mark.parametrize(
    "name", ["../a", "/etc/passwd", "sub/../../a", "C:\\a", "..\\a", "a\x07b", "a:b", "sub/../b"]
)
def test_no_file_outside_the_folder_is_named(root, name):
    with pytest.raises(DataError, match=r"labels\.csv: row 2 .*must stay inside"):
        list_all(root, f"file,patient_id,AF\na,1,1\n{name},2,0\n")


@pytest.mark.parametrize("name", ["./sub//c", "sub\\c", "sub/c.HEA"])
def test_detours_and_slashes_of_windows_lead_to_the_same_file(root, name):
    (info,) = list_all(root, f"file,patient_id,AF\n{name},1,1\n")
    assert info.record_id == "sub/c" and info.path.parent == root / "sub"


def test_a_folder_that_is_a_link_out_is_not_entered(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    write_wfdb(outside / "r", VALUES)
    (root / "link").symlink_to(outside, target_is_directory=True)
    infos = list_all(root, "file,patient_id,AF\na,1,1\nlink/r,2,0\n")
    source = folder_source(root, Folder())
    assert len(source.read_signal(infos[0]).values) == RATE
    with pytest.raises(DataError, match=r"link/r\.hea: is outside of"):
        source.read_signal(infos[1])


def test_each_recording_of_another_person_must_be_said(root):
    infos = list_all(root, "file,AF\na,1\nb,0\n", patient=None)
    assert [info.patient_id for info in infos] == ["a", "b"]
    told, warned = folder_source(root, Folder(patient=None)).list_remarks(root)
    assert told.endswith(
        "labels.csv: is read as file from 'file'; labels: AF 1 (such as a). Left aside: no "
        "column. data.folder can name others."
    )
    assert "labels.csv: no column says which recordings are of one person" in warned
    assert "the scores flatter. Name the column with --set data.folder.patient=COLUMN" in warned


@pytest.mark.parametrize(
    ("text", "settings", "told"),
    [
        (
            "file,patient_id,,AF,age,ward,visits\na,1,x,1,50,3,9\nb,2,x,0,51,4,7\n",
            {},
            "file from 'file', patient from 'patient_id', age from 'age'; labels: AF 1 (such as "
            "a). Left aside: ward, visits.",
        ),
        (
            "path,mrn,hz,AF,sedated,uid\na,1,500,1,0,7\nb,2,500,0,1,8\n",
            {"file": "path", "patient": "mrn", "sampling_rate": "hz", "labels": ["AF"]},
            "file from 'path', patient from 'mrn', sampling_rate from 'hz'; labels: AF 1 (such "
            "as a). Left aside: sedated, uid.",
        ),
        (
            "file,patient_id,dx,AF\na,1,SR;AF,1\nb,2,SR,0\n",
            {"label_column": "dx"},
            "file from 'file', patient from 'patient_id'; labels from 'dx': AF 1 (such as a), SR 2 "
            "(such as a). Left aside: AF.",
        ),
    ],
)
def test_what_each_column_is_taken_for_is_told(root, text, settings, told):
    list_all(root, text, **settings)
    (remark,) = folder_source(root, Folder(**settings)).list_remarks(root)
    assert remark == f"{root / 'labels.csv'}: is read as {told} data.folder can name others."


def test_csv_files_need_a_rate_and_a_unit_before_anything_is_read(root):
    write_csv(root / "t.csv", VALUES)
    text = "file,patient_id,AF,hz\na,1,1,\nt.csv,2,0,250\n"
    where = r"labels\.csv: row 2 below the header: t\.csv: a CSV file does not say its"
    with pytest.raises(ConfigError, match=f"{where} unit"):
        list_all(root, text)
    with pytest.raises(ConfigError, match=f"{where} sampling rate"):
        list_all(root, text, unit="uV")
    settings = Folder(unit="uV", sampling_rate="hz")
    infos = list_all(root, text, unit="uV", sampling_rate="hz")
    assert [info.sampling_rate for info in infos] == [None, 250]
    signal = folder_source(root, settings).read_signal(infos[1])
    assert signal.sampling_rate == 250
    assert np.array_equal(signal.values, as_stored(VALUES))
    assert folder_source(root, settings).read_signal(infos[0]).sampling_rate == RATE
    one_rate = Folder(unit="mV", sampling_rate=1000, labels=("AF",))
    signal = folder_source(root, one_rate).read_signal(infos[1])
    assert signal.sampling_rate == 1000 and signal.values.max() == VALUES.max()


def test_xml_files_need_their_package_before_anything_is_read(root, monkeypatch):
    write_sierra(root / "x.xml", VALUES, step="1")
    text = "file,patient_id,AF\na,1,1\nx.xml,2,0\n"
    infos = list_all(root, text)
    signal = folder_source(root, Folder()).read_signal(infos[1])
    assert signal.leads == LEADS and np.allclose(signal.values, as_stored(VALUES), atol=1e-6)
    monkeypatch.setitem(sys.modules, "ecgdatakit", None)
    with pytest.raises(
        ConfigError, match=r"labels\.csv: XML and SCP-ECG files are .* 'ecg_keras\[xml\]'\.$"
    ):
        list_all(root, text)


def test_units_that_csv_files_state_need_no_setting(root):
    write_csv(root / "t.csv", VALUES, leads=[f"{lead} (uV)" for lead in LEADS])
    (root / "broken.csv").write_text("no numbers\n")
    rows = "".join(f"{row},{-row}\n" for row in range(50))
    (root / "long.csv").write_text(f'I (uV),II (uV)\n{rows}5,"{131_073 * "6"}"\n')
    times = "".join(f"{row * 1e-322:.340f},{row}\n" for row in range(50))
    (root / "still.csv").write_text(f"time (ms),I (uV)\n{times}")
    text = "file,patient_id,AF\nbroken.csv,1,1\nlong.csv,3,1\nstill.csv,4,1\nt.csv,2,0\n"
    infos = list_all(root, text, sampling_rate=500, unit=None)
    assert [info.record_id for info in infos] == ["broken", "long", "still", "t"]
    signal = folder_source(root, Folder(sampling_rate=500)).read_signal(infos[3])
    assert np.array_equal(signal.values, as_stored(VALUES))


def test_own_spellings_of_leads_hold_in_every_format(root):
    own = {lead: f"site {number}" for number, lead in enumerate(LEADS)}
    names = {spelling: lead for lead, spelling in own.items()}
    write_csv(root / "t.csv", VALUES, leads=list(own.values()))
    write_wfdb(root / "w", VALUES, leads=list(own.values()))
    write_edf(root / "e.edf", VALUES, leads=list(own.values()), prefix="")
    settings = {"sampling_rate": RATE, "unit": "uV", "lead_names": names}
    infos = list_all(root, "file,patient_id,AF\nt,1,1\nw,2,0\ne,3,0\n", **settings)
    for info in infos:
        signal = folder_source(root, Folder(**settings)).read_signal(info)
        assert signal.leads == LEADS and np.allclose(signal.values, VALUES / 1000, atol=0.001)
    # what `prepare` asks besides
    source = folder_source(root, Folder(**settings))
    assert source.LABEL_SETS == {"labels": ("AF",)} and len(source.list_remarks(root)) == 1


def test_a_table_that_changed_is_read_again(root):
    assert labels_of(root, "file,patient_id,AF\na,1,1\n") == ("AF",)
    assert labels_of(root, "file,patient_id,LBBB\na,1,1\n") == ("LBBB",)


def test_it_travels_as_its_settings(tmp_path):
    write_folder(tmp_path)
    source = source_of(Data(source="folder", raw=tmp_path))
    assert source.LABEL_SETS
    text = pickle.dumps(source)
    assert len(text) < 2000
    assert pickle.loads(text) == source  # noqa: S301  written by this test


def test_a_table_in_parquet(tmp_path):
    write_folder(tmp_path)
    expected = list_all(tmp_path)
    pd.read_csv(tmp_path / "labels.csv").to_parquet(tmp_path / "labels.parquet")
    (tmp_path / "labels.csv").unlink()
    assert list_all(tmp_path) == expected


def test_an_edf_file_may_be_longer_than_the_others(root):
    write_edf(root / "long.edf", microvolts(1, 20 * RATE))
    infos = list_all(root, "file,patient_id,AF\nlong,1,1\na,2,0\n")
    lengths = [len(folder_source(root, Folder()).read_signal(info).values) for info in infos]
    assert lengths == [RATE, 20 * RATE]


@pytest.mark.real
def test_real_ludb_read_as_a_folder_of_your_own(real_data, tmp_path):
    """The files as they lie, with a table that another reader of their headers wrote."""
    shutil.copytree(real_data / "ludb" / "data", tmp_path / "data")
    true = list(read_records("ludb", real_data / "ludb", sampling_rate=500))
    rows = [
        {
            "file": f"data/{record.info.record_id}",
            "patient_id": record.info.patient_id,
            "age": record.info.age,
            "sex": record.info.sex,
            **{
                label: int(label in record.info.labels)
                for label in ("NORM", "MI", "STTC", "HYP", "CD")
            },
        }
        for record in true
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "labels.csv", index=False)
    mine = {
        record.info.record_id: record
        for record in read_records("folder", tmp_path, sampling_rate=500)
    }
    assert len(mine) == 200
    for record in true:
        own = mine[f"data/{record.info.record_id}"]
        assert (own.info.labels, own.info.age, own.info.sex) == (
            record.info.labels, record.info.age, record.info.sex,
        )  # fmt: skip
        assert own.signal.leads == LEADS and own.signal.sampling_rate == 500
        np.testing.assert_array_equal(own.signal.values, record.signal.values)


def test_names_of_files_are_made_of_columns(root):
    write_wfdb(root / "wfdb" / "007", VALUES)
    write_edf(root / "wfdb" / "b" / "8.edf", VALUES)
    (root / "labels.csv").write_text(
        "id,site,patient_id,AF,{odd}\n007,.,1,1,wfdb/007\n8.edf,b,2,0,wfdb/b/8\n"
    )
    ids = ["wfdb/007", "wfdb/b/8"]
    for pattern in ("wfdb/{site}/{id}", "{odd}"):
        infos = list_all(root, file=pattern)
        assert [info.record_id for info in infos] == ids
        source = folder_source(root, Folder(file=pattern))
        assert all(source.read_signal(info).leads == LEADS for info in infos)
        is_read = source.choose_files(root, sampling_rate=100)
        assert all(map(is_read, ("wfdb/007.hea", "wfdb/007.dat", "wfdb/b/8.edf", "labels.csv")))
        assert not is_read("wfdb/b/9.edf")
        assert f"is read as file from {pattern!r}, " in source.list_remarks(root)[0]
    assert source.LABEL_SETS == {"labels": ("AF",)}
    # what is part of a name may also be the patient, and is no label where it is 0 and 1
    for name in ("0", "1"):
        write_wfdb(root / name, VALUES)
    infos = list_all(root, "id,AF\n0,1\n1,0\n", file="./{id}", patient="id")
    assert [(info.record_id, info.patient_id, info.labels) for info in infos] == [
        ("0", "0", ("AF",)), ("1", "1", ()),
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"there is no column 'ids'\..* Did you mean 'id'\?"):
        list_all(root, file="wfdb/{ids}", patient="id")
    with pytest.raises(DataError, match=r"row 2 below the header: column 'id' is empty"):
        list_all(root, "id,patient_id,AF\n0,a,1\n,b,0\n", file="{id}")
    with pytest.raises(DataError, match=r"must stay inside"):
        list_all(root, "id,patient_id,AF\n../0,a,1\n", file="wfdb/../{id}")


def test_where_files_are_that_are_not_where_the_table_says(root):
    write_wfdb(root / "wfdb" / "7", VALUES)
    table = "id,patient_id,AF\n7,1,1\n8,2,0\n"
    with pytest.raises(
        DataError,
        match=r"none of 2 recordings .*\. 7 is in wfdb: set data\.folder\.file=wfdb/\{id\}\. The f",
    ):
        list_all(root, table, file="id")
    assert list_all(root, table, file="wfdb/{id}")
    with pytest.raises(
        DataError,
        match=r"wfdb/7 is there, without old/ before it: set data\.raw to a folder that holds old,",
    ):
        list_all(root, table.replace("7", "old/wfdb/7"), file="id")


def test_rows_of_arrays_are_recordings(root):
    ecg = VALUES + 1.0  # zeros before the first beat would be left out
    many = np.stack([ecg, 2 * ecg, 3 * ecg]).astype("f4")
    np.save(root / "x.npy", many)
    with h5py.File(root / "y.h5", "w") as file:
        file["signals"] = many[:2]
    table = "file,patient_id,AF,n\nx.npy,1,1,2\nx.npy,2,0,0\ny.h5,3,1,1\na,4,0,\n"
    settings = {"row": "n", "unit": "uV", "sampling_rate": RATE, "array": "signals"}
    infos = list_all(root, table, **settings)
    assert [(info.record_id, info.row) for info in infos] == [
        ("a", None), ("x#0", 0), ("x#2", 2), ("y#1", 1),
    ]  # fmt: skip
    source = folder_source(root, Folder(**settings))
    for info, times in zip(infos[1:], (1, 3, 2), strict=True):
        signal = source.read_signal(info)
        np.testing.assert_allclose(signal.values, times * ecg / 1000, rtol=1e-6)
    assert source.read_signal(infos[0]).leads == LEADS
    is_read = source.choose_files(root, sampling_rate=100)
    assert is_read("x.npy") and is_read("y.h5") and not is_read("z.npy")
    for missing, name in (("unit", "unit"), ("sampling_rate", "sampling rate")):
        message = f"x\\.npy: an array does not say its {name}"
        with pytest.raises(ConfigError, match=f"row 1 below the header: {message}"):
            list_all(root, **{**settings, missing: None})
    for cell in ("-1", "1.5", "one"):
        with pytest.raises(DataError, match=r"column 'n': a row of an array must be a whole num"):
            list_all(root, table.replace(",2\n", f",{cell}\n"), **settings)
    with pytest.raises(DataError, match=r"the recording 'x#0' is there twice"):
        list_all(root, table.replace(",2\n", ",0\n"), **settings)
