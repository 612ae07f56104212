"""PTB Diagnostic in its own layout: patients' folders, two files of samples, reasons in headers."""

import shutil

import numpy as np
import pytest
from small_original_layouts import PTB_RECORDS, write_ptb_diagnostic, write_ptb_record
from small_signals import microvolts

from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS
from ecg_keras.sources import ptb_diagnostic
from ecg_keras.sources.challenge_sets import PTB


def list_all(root, label_set="diagnosis"):
    return ptb_diagnostic.list_records(root, label_set=label_set, sampling_rate=100)


def list_one(root, reason, label_set="reason", **fields):
    write_ptb_record(root, "patient001/s0010_re", reason, samples=100, **fields)
    (root / "RECORDS").write_text("patient001/s0010_re\n")
    return list_all(root, label_set)[0]


def test_the_folder_is_the_patient_and_the_reason_the_diagnosis(tmp_path):
    write_ptb_diagnostic(tmp_path)
    infos = list_all(tmp_path)
    assert [(info.record_id, info.patient_id, info.labels) for info in infos] == [
        ("s0010_re", "patient001", ("MI",)),
        ("s0014lre", "patient001", ("MI",)),
        ("s0306lre", "patient104", ("NORM",)),
        ("s0374lre", "patient180", ("NORM",)),
        ("s0400lre", "patient200", ()),
        ("s0404lre", "patient199", ()),
    ]
    assert [info.labels for info in list_all(tmp_path, "reason")][4:] == [(), ("CM/HF",)]
    assert infos[0].age == 81 and infos[0].sex == "female"


def test_twelve_leads_are_read_and_the_frank_leads_left_out(tmp_path):
    write_ptb_diagnostic(tmp_path)
    for seed, info in enumerate(list_all(tmp_path)[:4]):
        signal = ptb_diagnostic.read_signal(info)
        assert signal.leads == LEADS and signal.sampling_rate == 1000
        assert np.allclose(signal.values, microvolts(seed, 12000) / 1000, atol=1e-6)


def test_the_header_is_the_databases(tmp_path):
    write_ptb_diagnostic(tmp_path)
    text = (tmp_path / f"{next(iter(PTB_RECORDS))}.hea").read_bytes()
    assert text.startswith(b"s0010_re 15 1000 12000\r\ns0010_re.dat 16 2000 16 0 ")
    assert text.count(b"Catheterization date") == 2 and b"# Diagnose:\r\n" in text


@pytest.mark.parametrize(
    ("reason", "labels"),
    [
        ("Healthy control", ("NORM",)),
        ("Myocardial infarction", ("MI",)),
        ("Cardiomyopathy", ("CM/HF",)),
        ("Heart failure (NYHA 2)", ("CM/HF",)),
        ("Heart failure (NYHA 4)", ("CM/HF",)),
        ("Bundle branch block", ("BBB",)),
        ("Dysrhythmia", ("DYSRHYTHMIA",)),
        ("Hypertrophy", ("HYP",)),
        ("Valvular heart disease", ("VALVE",)),
        ("Myocarditis", ("MYOCARDITIS",)),
        ("Stable angina", ("MISC",)),
        ("Unstable angina", ("MISC",)),
        ("Palpitation", ("MISC",)),
        ("n/a", ()),
        ("", ()),
    ],
)
def test_every_reason_of_the_database_is_known(tmp_path, reason, labels):
    assert list_one(tmp_path, reason).labels == labels


@pytest.mark.parametrize(("age", "sex"), [("n/a", ""), ("", "n/a")])
def test_absent_fields_are_none(tmp_path, age, sex):
    info = list_one(tmp_path, "n/a", age=age, sex=sex)
    assert info.age is None and info.sex is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reason": "Tired"}, "Reason for admission: no list knows 'Tired'. Correct the header"),
        ({"reason": "n/a", "sex": "robot"}, "sex must be male, female"),
        ({"reason": "n/a", "age": "old"}, "an age must be a number of years"),
    ],
)
def test_a_wrong_value_names_the_header(tmp_path, fields, message):
    with pytest.raises(DataError, match=f"s0010_re.hea: {message}"):
        list_one(tmp_path, **fields)


def test_a_header_without_the_diagnosis_is_not_of_this_database(tmp_path):
    info = list_one(tmp_path, "n/a")
    header = info.path.with_suffix(".hea")
    header.write_text(header.read_text().replace("# Reason for admission", "# Reason"))
    with pytest.raises(DataError, match=r"s0010_re.hea: no diagnosis: .* with source ptb"):
        list_all(tmp_path)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("", "RECORDS: names no recording"),
        ("s0010_re\n", "RECORDS: names s0010_re, which is in no patient's folder"),
        (
            "patient001/s0010_re\npatient002/s0010_re\n",
            "RECORDS: s0010_re is listed more than once",
        ),
        ("patient001/s0011_re\n", "s0011_re.hea: No such file or directory. Check that the whole"),
        ("../patient001/s0010_re\n", "a file name must stay inside"),
    ],
)
def test_a_list_that_does_not_fit_the_files_is_refused(tmp_path, records, message):
    list_one(tmp_path, "n/a")
    (tmp_path / "RECORDS").write_text(records)
    with pytest.raises(DataError, match=message):
        list_all(tmp_path)


def test_recordings_that_were_not_downloaded_are_left_aside_and_counted(tmp_path):
    write_ptb_diagnostic(tmp_path)
    whole = list_all(tmp_path)
    assert ptb_diagnostic.list_remarks(tmp_path) == ()
    shutil.rmtree(tmp_path / "patient001")
    assert list_all(tmp_path) == whole[2:]
    (remark,) = ptb_diagnostic.list_remarks(tmp_path)
    assert "names 2 recordings that are not here, such as patient001/s0010_re" in remark


def test_the_patients_folders_are_enough(tmp_path):
    write_ptb_diagnostic(tmp_path)
    whole = list_all(tmp_path)
    (tmp_path / "RECORDS").unlink()
    assert list_all(tmp_path) == whole and ptb_diagnostic.list_remarks(tmp_path) == ()
    for folder in tmp_path.glob("patient*"):
        shutil.rmtree(folder)
    with pytest.raises(DataError, match="RECORDS: No such file or directory"):
        list_all(tmp_path)


@pytest.mark.parametrize("kind", ["dat", "xyz"])
def test_both_files_of_samples_must_be_whole(tmp_path, kind):
    info = list_one(tmp_path, "n/a")
    file = info.path.with_suffix(f".{kind}")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"s0010_re.{kind}: truncated"):
        ptb_diagnostic.read_signal(info)


def test_the_papers_classes_are_those_of_the_challenges_copy():
    assert ptb_diagnostic.LABEL_SETS["diagnosis"] == PTB.LABEL_SETS["diagnosis"] == ("NORM", "MI")
