"""Shandong Provincial Hospital: statements with modifiers, one file for each recording."""

import csv

import h5py
import numpy as np
import pytest
from small_hdf5_databases import SPH_RECORDS, write_sph
from small_signals import microvolts

from ecg_keras.errors import DataError
from ecg_keras.labels import read_table
from ecg_keras.sources import ptbxl, sph


def list_all(root, label_set="statements"):
    return sph.list_records(root, label_set=label_set, sampling_rate=100)


def list_one(root, codes, label_set="statements", **fields):
    record = {"name": "A00001", "codes": codes, "patient": "S1", "age": 55, "sex": "M"} | fields
    write_sph(root, [(*record.values(), 5000)])
    return list_all(root, label_set)[0]


def test_records_are_those_of_the_table(tmp_path):
    write_sph(tmp_path)
    infos = list_all(tmp_path)
    assert [info.labels for info in infos] == [
        ("SBRAD", "SARRH"),
        ("NORM",),
        ("PVC", "TAB_", "IMI"),
        ("CRBBB", "LVH"),
    ]
    assert [info.labels for info in list_all(tmp_path, "superdiagnostic")] == [
        (),
        ("NORM",),
        ("MI", "STTC"),
        ("HYP", "CD"),
    ]
    assert [(info.patient_id, info.age, info.sex) for info in infos] == [
        ("S00001", 55, "male"),
        ("S00002", 32, "female"),
        ("S00003", 63, "male"),
        ("S00001", 56, "male"),
    ]


def test_signals_are_turned_and_become_single_precision(tmp_path):
    write_sph(tmp_path)
    for number, info in enumerate(list_all(tmp_path)):
        signal = sph.read_signal(info)
        samples = SPH_RECORDS[number][-1]
        assert signal.values.shape == (samples, 12) and signal.values.flags.c_contiguous
        assert np.allclose(signal.values, microvolts(number, samples) / 1000, atol=5e-4)


@pytest.mark.parametrize(
    ("codes", "labels"),
    [
        ("1", ("NORM",)),
        ("1;1", ("NORM",)),
        ("50+346;60+310", ("AFIB", "PVC")),
        ("50+346+349; 147+367", ("AFIB", "TAB_")),
        ("88", ("3AVB",)),
    ],
)
def test_modifiers_and_repetitions_change_no_label(tmp_path, codes, labels):
    assert list_one(tmp_path, codes).labels == labels


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"codes": "20"}, "AHA_Code names the statement '20', which the database does not have"),
        ({"codes": "310"}, "AHA_Code names the statement '310'"),
        ({"codes": "1;"}, "AHA_Code names the statement ''"),
        ({"codes": "+310"}, "AHA_Code names the statement ''"),
        ({"codes": "1", "sex": "robot"}, "sex must be male"),
        ({"codes": "1", "age": "old"}, "an age must be a number"),
        ({"codes": "1", "patient": ""}, "needs a record_id and a patient_id"),
    ],
)
def test_a_wrong_value_names_the_record(tmp_path, fields, message):
    with pytest.raises(DataError, match=f"metadata.csv: record A00001: .*{message}"):
        list_one(tmp_path, **fields)


def test_no_name_leads_out_of_the_folder(tmp_path):
    write_sph(tmp_path)
    table = tmp_path / "metadata.csv"
    table.write_text(table.read_text().replace("A00002", "../../A00002"))
    with pytest.raises(DataError, match=r"record ../../A00002: a file name must stay inside"):
        list_all(tmp_path)


def test_a_record_that_stands_twice_is_refused(tmp_path):
    write_sph(tmp_path, [*SPH_RECORDS, SPH_RECORDS[0]])
    with pytest.raises(DataError, match="record A00001 is listed more than once"):
        list_all(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((5000, 12)), r"ecg must have the shape \(12, any\). Received: \(5000, 12\)"),
        (np.zeros((12, 5000), dtype="i2"), "ecg must hold floating-point numbers"),
    ],
)
def test_a_recording_of_another_layout_is_refused(tmp_path, values, message):
    info = list_one(tmp_path, "1")
    with h5py.File(info.path, "w") as file:
        file["ecg"] = values
    with pytest.raises(DataError, match=f"A00001.h5: {message}"):
        sph.read_signal(info)


def test_the_table_has_the_44_statements_and_no_others_labels():
    rows = read_table("sph")
    assert [row["label"] for row in rows] == list(sph.LABEL_SETS["statements"])
    assert len(rows) == len({row["code"] for row in rows}) == 44
    classes = {row["superdiagnostic"] for row in rows} - {""}
    assert classes == set(sph.LABEL_SETS["superdiagnostic"]) == set(ptbxl.SUPERDIAGNOSTIC)


def test_statements_that_ptbxl_has_are_in_its_classes():
    """But the long PR interval and the abnormal T wave, as the module says."""
    ours = {row["label"]: row["superdiagnostic"] for row in read_table("sph")}
    decided = {"LPR", "TAB_"}
    shared = [row for row in read_table("scp_statements") if row[""] in set(ours) - decided]
    assert len(shared) == 24
    for row in shared:
        assert ours[row[""]] == (row["diagnostic_class"] if row["diagnostic"] else ""), row[""]


@pytest.mark.real
def test_labels_are_ptbxls_where_it_has_the_code(real_data):
    with (real_data / "ptbxl" / "scp_statements.csv").open() as stream:
        theirs = {row["AHA code"]: row[""] for row in csv.DictReader(stream)}
    ours = {row["code"]: row["label"] for row in read_table("sph")}
    both = set(ours) & set(theirs)
    assert len(both) == 24
    assert {code: ours[code] for code in both} == {code: theirs[code] for code in both}
