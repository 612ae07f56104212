"""CODE-test and CODE-15 %: recordings that are rows, and zeros that are none."""

import csv
import shutil

import h5py
import numpy as np
import pytest
from small_folder import write_wfdb
from small_hdf5_databases import CODE15_EXAMS, padded, write_code15, write_code_test, write_table

from ecg_keras.config import Data
from ecg_keras.data.conversion import Converted, Dropped, Quarantined, convert
from ecg_keras.data.preparation import prepare
from ecg_keras.data.source_check import Verified
from ecg_keras.errors import DataError
from ecg_keras.formats import read_wfdb
from ecg_keras.formats.array_recordings import read_array_recording
from ecg_keras.signals import LEADS, SAME_SIGNATURE, measure_quality, select_leads, signature
from ecg_keras.sources import code15, code_test


def list_code_test(root, label_set="code_test"):
    return code_test.list_records(root, label_set=label_set, sampling_rate=100)


def list_code15(root, label_set="code_test"):
    return code15.list_records(root, label_set=label_set, sampling_rate=100)


def rewrite(path, **changes):
    """The same file with other arrays; one that was read stays open, so it is replaced."""
    with h5py.File(path) as file:
        arrays = {name: file[name][()] for name in file} | changes
    with h5py.File(path.with_suffix(".new"), "w") as file:
        for name, values in arrays.items():
            file[name] = values
    path.with_suffix(".new").replace(path)
    return arrays


def edit_table(path, row, **cells):
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    rows[row].update(cells)
    write_table(path, reader.fieldnames, [one.values() for one in rows])


def test_both_have_the_same_classes_in_one_order():
    assert code_test.LABEL_SETS["code_test"] == ("1dAVb", "RBBB", "LBBB", "SB", "AF", "ST")
    assert code15.LABEL_SETS["code_test"] == code_test.LABEL_SETS["code_test"]


def test_code_test_joins_its_files_by_the_row(tmp_path):
    write_code_test(tmp_path)
    infos = list_code_test(tmp_path)
    assert [(info.record_id, info.patient_id, info.row) for info in infos] == [
        ("000", "000", 0),
        ("001", "001", 1),
        ("002", "002", 2),
    ]
    assert [info.labels for info in infos] == [(), ("LBBB", "AF"), ("ST",)]
    assert [(info.age, info.sex) for info in infos] == [
        (20, "female"),
        (50, "male"),
        (80, "female"),
    ]
    with_none = list_code_test(tmp_path, "code_test_or_none")
    assert [info.labels for info in with_none] == [("NONE",), ("LBBB", "AF"), ("ST",)]


def test_the_zeros_around_a_recording_are_left_out(tmp_path):
    write_code_test(tmp_path, lengths=(4000, 2800, 4096))
    signals = [code_test.read_signal(info) for info in list_code_test(tmp_path)]
    assert [len(signal.values) for signal in signals] == [4000, 2800, 4096]
    assert {signal.sampling_rate for signal in signals} == {400.0}
    # zeros inside of a recording stay
    tracings = rewrite(tmp_path / "ecg_tracings.hdf5")["tracings"]
    tracings[0, 1000:1100] = 0
    rewrite(tmp_path / "ecg_tracings.hdf5", tracings=tracings)
    values = code_test.read_signal(list_code_test(tmp_path)[0]).values
    assert len(values) == 4000 and not values[1000 - 48 : 1100 - 48].any()


@pytest.mark.parametrize("zeros", [4, 39, 40, 581])
def test_a_copy_of_an_exam_in_another_format_is_the_same_recording(tmp_path, zeros):
    tracing = np.zeros((4096, 12))
    random = np.random.default_rng(zeros)
    tracing[zeros:-zeros] = random.normal(size=(4096 - 2 * zeros, 12)).cumsum(axis=0).round() + 0.5
    write_code15(tmp_path, [(7, 1, 0, 4096, (), False)])
    path = tmp_path / "exams_part0.hdf5"
    rewrite(path, tracings=np.stack([tracing, 0 * tracing]).astype("f4") / 1000)
    exam = code15.read_signal(list_code15(tmp_path)[0])
    row = read_array_recording(path, sampling_rate=400, unit="mV", row=0)
    np.testing.assert_array_equal(exam.values, row.values)
    write_wfdb(tmp_path / "a", 2 * tracing, rate=400)
    copy = read_wfdb(tmp_path / "a")
    assert len(copy.values) == 4096
    one, other = (
        np.frombuffer(signature(signal.values, signal.leads, 400), np.int8).astype(float)
        for signal in (exam, copy)
    )
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > SAME_SIGNATURE


def test_code_tests_limb_leads_obey_the_identities_by_name_and_not_by_place(tmp_path):
    write_code_test(tmp_path)
    signal = code_test.read_signal(list_code_test(tmp_path)[0])
    assert signal.leads[3:6] == ("aVL", "aVF", "aVR")
    assert measure_quality(signal.values, signal.leads).einthoven_mv < 1e-5
    assert measure_quality(signal.values, LEADS).einthoven_mv > 0.005
    expected = padded(0, 4000)[48:4048]
    assert np.allclose(select_leads(signal.values, signal.leads, LEADS), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"short": "drop"}, None),
        ({"short": "pad"}, (0, 7)),
        ({"short": "pad", "window": "centre"}, (1.5, 8.5)),
    ],
)
def test_the_recipe_says_what_becomes_of_seven_seconds(tmp_path, settings, seconds):
    write_code_test(tmp_path)
    data = Data(source="code_test", raw=tmp_path, seconds=10, sampling_rate=400, **settings)
    ten, seven, _ = convert(list_code_test(tmp_path), data, Verified())
    assert isinstance(ten, Converted) and ten.samples.any(axis=1).all()
    assert ten.quality.einthoven_mv < 0.003
    if seconds is None:
        assert isinstance(seven, Dropped)
        return
    recorded = np.flatnonzero(seven.samples.any(axis=1))
    assert (recorded[0], recorded[-1] + 1) == tuple(400 * second for second in seconds)


@pytest.mark.parametrize("name", ["ecg_tracings.hdf5", "attributes.csv", "annotations"])
def test_a_missing_part_of_code_test_is_named(tmp_path, name):
    write_code_test(tmp_path)
    part = tmp_path / name
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    with pytest.raises(DataError, match=f"{name}.*: No such file"):
        list_code_test(tmp_path)


def test_parts_that_do_not_go_together_are_refused(tmp_path):
    write_code_test(tmp_path)
    write_table(tmp_path / "attributes.csv", ["age", "sex"], [[20, "F"]] * 2)
    with pytest.raises(DataError, match=r"hdf5 has 3 rows, annotations/gold_.* 3 and attrib.* 2\."):
        list_code_test(tmp_path)
    write_table(tmp_path / "attributes.csv", ["age", "sex"], [[20, "F"]] * 3)
    assert len(list_code_test(tmp_path)) == 3


@pytest.mark.parametrize(
    ("table", "cells", "message"),
    [
        ("annotations/gold_standard.csv", {"AF": "2"}, "1dAVb, .* must be 0 or 1. Received: '2'"),
        ("annotations/gold_standard.csv", {"AF": ""}, "1dAVb, .* must be 0 or 1. Received: ''"),
        ("attributes.csv", {"age": "old"}, "an age must be a number of years"),
        ("attributes.csv", {"sex": "robot"}, "sex must be male, female"),
    ],
)
def test_a_wrong_value_of_code_test_names_the_row(tmp_path, table, cells, message):
    write_code_test(tmp_path)
    edit_table(tmp_path / table, 1, **cells)
    with pytest.raises(DataError, match=f"row 1 of the tables: {message}"):
        list_code_test(tmp_path)


def test_tracings_of_another_shape_are_refused(tmp_path):
    write_code_test(tmp_path)
    rewrite(tmp_path / "ecg_tracings.hdf5", tracings=np.zeros((3, 12, 4096)))
    with pytest.raises(DataError, match=r"must have the shape \(any, 4096, 12\).*\(3, 12, 4096\)"):
        list_code_test(tmp_path)


def test_code15_finds_each_exam_in_its_part(tmp_path):
    write_code15(tmp_path)
    infos = {info.record_id: info for info in list_code15(tmp_path)}
    assert list(infos) == sorted(str(exam[0]) for exam in CODE15_EXAMS)
    for exam, patient, part, samples, found, _ in CODE15_EXAMS:
        info = infos[str(exam)]
        assert info.patient_id == str(patient)
        assert info.path.name == f"exams_part{part}.hdf5"
        assert set(info.labels) == set(found)
        assert info.sex == ("female", "male")[exam % 2 == 0]
        signal = code15.read_signal(info)
        assert signal.leads == LEADS
        before = (4096 - samples) // 2
        assert np.allclose(signal.values, padded(exam, samples)[before : before + samples])
    normal = {info.record_id: info.labels for info in list_code15(tmp_path, "code15")}
    assert normal["1169160"] == ("NORM",) and normal["168405"] == ()
    assert normal["2873686"] == ("1dAVb", "ST")


def test_what_code15_names_of_parts_that_are_not_here_is_left_aside_and_told(tmp_path):
    exams = [*CODE15_EXAMS, (9, 9, 10, 4096, (), True), (5, 9, 10, 4096, (), True)]
    write_code15(tmp_path, exams)
    assert len(list_code15(tmp_path)) == 6 and code15.list_remarks(tmp_path) == ()
    for part in (1, 10):
        (tmp_path / f"exams_part{part}.hdf5").unlink()
    assert [info.record_id for info in list_code15(tmp_path)] == ["1169160", "2873686"]
    assert code15.list_remarks(tmp_path) == (
        f"{tmp_path / 'exams.csv'}: names 4 recordings of files that are not here, and these are "
        "left aside: exams_part1.hdf5, exams_part10.hdf5. Download and unpack these files to use "
        "all.",
    )


def test_code15_without_any_part_is_refused(tmp_path):
    write_code15(tmp_path)
    for part in (0, 1):
        (tmp_path / f"exams_part{part}.hdf5").unlink()
    with pytest.raises(
        DataError,
        match=r"exams\.csv: none of the 2 files that it names is here: exams_part0\.hdf5, "
        r"exams_part1\.hdf5\. Download and unpack at least one",
    ):
        list_code15(tmp_path)


@pytest.mark.parametrize("kept", [0, 100, 0.5])
def test_half_a_part_of_code15_is_no_part(tmp_path, kept):
    write_code15(tmp_path)
    part = tmp_path / "exams_part1.hdf5"
    content = part.read_bytes()
    part.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(DataError, match=r"exams_part1\.hdf5: .*Download the file again"):
        list_code15(tmp_path)


def test_a_part_of_code15_is_split_the_same_way_each_time(tmp_path):
    random = np.random.default_rng(0)
    exams = [
        (number, number // 2, number % 3, 4000, ("AF",) * int(random.random() < 0.3), False)
        for number in range(1, 61)
    ]
    write_code15(tmp_path, exams)
    (tmp_path / "exams_part2.hdf5").unlink()
    data = Data(source="code15", raw=tmp_path, unlabelled="keep", verify="off", seconds=8)
    warnings = []
    folders = [tmp_path.parent / f"{tmp_path.name}-{name}" for name in "ab"]
    one, two = (prepare(data, folder, on_warning=warnings.append) for folder in folders)
    assert one == two and sum(split.records for split in one.splits.values()) == 40
    assert sum("exams.csv: names 20 recordings of files" in told for told in warnings) == 2
    assert not one.shared_patients


def test_an_exam_of_zeros_is_no_recording(tmp_path):
    write_code15(tmp_path)
    rewrite(tmp_path / "exams_part1.hdf5", tracings=np.zeros((3, 4096, 12), dtype="f4"))
    data = Data(source="code15", raw=tmp_path, sampling_rate=400)
    outcomes = convert(list_code15(tmp_path), data, Verified())
    bad = [one for one in outcomes if isinstance(one, Quarantined)]
    assert [one.record_id for one in bad] == ["168405", "271011"]
    assert "record 168405 (row 1) holds nothing but zeros" in bad[0].reason


def test_tables_that_a_spreadsheet_saved_again_are_read(tmp_path):
    write_code15(tmp_path)
    expected = list_code15(tmp_path, "code15")
    table = tmp_path / "exams.csv"
    table.write_text(table.read_text().replace("True", "TRUE").replace("False", "FALSE"))
    assert "TRUE" in table.read_text() and list_code15(tmp_path, "code15") == expected


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"exam_id": "5"}, r"exam 5: exams_part0.hdf5 has no row of this exam"),
        ({"exam_id": "0"}, r"exam 0: exams_part0.hdf5 has no row of this exam"),
        ({"exam_id": "2873686"}, r"exam 2873686 is listed more than once"),
        ({"is_male": "1"}, "exam 1169160: is_male and normal_ecg must be True or False.*'1'"),
        ({"normal_ecg": ""}, "exam 1169160: is_male and normal_ecg must be True or False"),
        ({"ST": "yes"}, "exam 1169160: 1dAVb, .* must be 0 or 1. Received: 'yes'"),
        ({"patient_id": ""}, "exam 1169160: .*needs a record_id and a patient_id"),
        ({"trace_file": "../exams_part0.hdf5"}, "a file name must stay inside"),
    ],
)
def test_a_wrong_value_of_code15_names_the_exam(tmp_path, cells, message):
    write_code15(tmp_path)
    edit_table(tmp_path / "exams.csv", 0, **cells)
    with pytest.raises(DataError, match=message):
        list_code15(tmp_path)


def test_ids_that_do_not_fit_the_tracings_are_refused(tmp_path):
    write_code15(tmp_path)
    rewrite(tmp_path / "exams_part0.hdf5", exam_id=[1169160, 1169160, 0])
    with pytest.raises(DataError, match=r"exams_part0.hdf5: an exam_id stands twice"):
        list_code15(tmp_path)
    rewrite(tmp_path / "exams_part0.hdf5", exam_id=[1169160, 2873686])
    with pytest.raises(DataError, match=r"exams_part0.hdf5: has 2 exam_id for 3 tracings"):
        list_code15(tmp_path)
