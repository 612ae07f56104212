"""Simulated databases on disk: real layouts, resumed after a kill, never over anything else."""

import csv
import json
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import wfdb
from late_files import show_late

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.signals import LEADS, resample
from ecg_keras.simulate import (
    CONDITIONS,
    HOSPITALS,
    SETTINGS,
    databases,
    is_complete,
    read_settings,
    record_ecg,
    simulate,
)
from ecg_keras.simulate.electrodes import quantise
from ecg_keras.simulate.layouts import LAYOUTS

RECORDS = 12
REAL_TABLES = ("ptbxl_database.csv", "scp_statements.csv")


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Read-only."""
    folder = tmp_path_factory.mktemp("hospitals")
    for name in HOSPITALS:
        simulate(folder / name, hospital=name, records=RECORDS)
    return folder


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def contents(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_what_another_machine_finished_meanwhile_is_not_written_again(tmp_path, monkeypatch):
    root = tmp_path / "riverside"
    simulate(root, hospital="riverside", records=2)
    show_late(root / SETTINGS, tmp_path, monkeypatch)
    monkeypatch.setattr(databases, "_write_database", None)
    simulate(root, hospital="riverside", records=2)
    assert is_complete(root, "riverside", 2)


@pytest.mark.parametrize("name", HOSPITALS)
def test_a_database_is_complete_and_holds_nothing_temporary(roots, name):
    assert is_complete(roots / name, name, RECORDS)
    assert is_complete(roots / name, hospital=name, records=RECORDS, seed=0)
    assert not is_complete(roots / name, name, RECORDS + 1)
    assert not is_complete(roots / name, name, RECORDS, seed=1)
    assert not any(file.endswith(".tmp") for file in contents(roots / name))
    assert read_settings(roots / name)["hospital"] == name
    headers = list((roots / name).rglob("*.hea"))
    assert len(headers) == RECORDS * (2 if HOSPITALS[name].layout == "ptbxl" else 1)


@pytest.mark.parametrize("rate", [500, 100])
def test_wfdb_reads_the_ptbxl_layout(roots, rate):
    folder, suffix = (f"records{rate}/00000", "hr" if rate == 500 else "lr")
    record = wfdb.rdrecord(str(roots / "lakeside" / folder / f"00003_{suffix}"), physical=False)
    assert (record.fs, record.sig_len, record.n_sig) == (rate, 10 * rate, 12)
    assert record.sig_name == [lead.upper() for lead in LEADS]
    assert set(record.units) == {"mV"} and set(record.adc_gain) == {1000.0}
    assert record.calc_checksum() == record.checksum
    ecg = record_ecg("lakeside", 2)
    expected = resample(ecg.independent, 500, rate)
    np.testing.assert_array_equal(record.d_signal, quantise(expected))


@pytest.mark.parametrize("name", ["riverside", "hillside"])
def test_wfdb_and_matlab_read_the_challenge_layout(roots, name):
    place = HOSPITALS[name]
    path = roots / name / "g1" / f"{place.prefix}00004"
    record = wfdb.rdrecord(str(path))
    ecg = record_ecg(name, 3)
    assert (record.fs, record.sig_len) == (place.sampling_rate, len(ecg.values))
    assert record.sig_name == list(LEADS)
    np.testing.assert_allclose(record.p_signal, ecg.values, atol=0.0016)
    digital = wfdb.rdrecord(str(path), physical=False)
    sums = zip(digital.calc_checksum(), digital.checksum, strict=True)
    assert all((made - written) % 65536 == 0 for made, written in sums)
    assert min(digital.checksum) < 0, "the Challenge's checksums have a sign"
    np.testing.assert_array_equal(scipy.io.loadmat(f"{path}.mat")["val"].T, digital.d_signal)
    fields = dict(comment.split(": ") for comment in record.comments)
    codes = {CONDITIONS[condition].snomed for condition in ecg.patient.conditions}
    assert set(fields["Dx"].split(",")) == codes
    assert fields["Age"] == f"{ecg.patient.age:.0f}"
    assert fields["Sex"].lower() == ecg.patient.sex


@pytest.mark.real
@pytest.mark.parametrize("table", REAL_TABLES)
def test_the_tables_have_the_columns_of_ptbxl(roots, real_data, table):
    mine, real = read_rows(roots / "lakeside" / table), read_rows(real_data / "ptbxl" / table)
    if table == "ptbxl_database.csv":
        assert list(mine[0]) == list(real[0])
        return
    assert list(mine[0]) == list(real[0])[:7]
    assert [row[""] for row in mine] == [row[""] for row in real]
    for one, other in zip(mine, real, strict=True):
        assert one == {column: other[column] for column in one}


@pytest.mark.real
def test_headers_look_like_the_real_ones(roots, real_data):
    def shape(path):
        """The lines' words, with every number but the format replaced."""
        lines = path.read_text(encoding="utf-8").splitlines()
        signals = [line.split() for line in lines[1:13]]
        return [(*words[1:5], words[7], words[8]) for words in signals], len(lines[0].split())

    real = real_data / "ptbxl" / "records100" / "00000" / "00001_lr.hea"
    assert shape(roots / "lakeside" / "records100" / "00000" / "00001_lr.hea") == shape(real)
    real = next((real_data / "challenge" / "training" / "georgia").rglob("*.hea"))
    mine = roots / "riverside" / "g1" / "RV00001.hea"
    assert shape(mine) == shape(real)
    fields = [
        [line.split(":")[0] for line in path.read_text(encoding="utf-8").splitlines()[13:]]
        for path in (mine, real)
    ]
    assert fields[0][:5] == fields[1][:5] == ["#Age", "#Sex", "#Dx", "#Rx", "#Hx"]


def test_folds_are_by_patient_and_balanced(tmp_path):
    simulate(tmp_path / "a", hospital="lakeside", records=60, seed=3)
    rows = read_rows(tmp_path / "a" / "ptbxl_database.csv")
    fold_of = {}
    for row in rows:
        assert fold_of.setdefault(row["patient_id"], row["strat_fold"]) == row["strat_fold"]
    assert len(fold_of) < len(rows), "some patients have several recordings"
    counts = np.bincount([int(fold) for fold in fold_of.values()], minlength=11)[1:]
    assert counts.max() - counts.min() <= 1
    assert all(float(row["age"]) <= 89 or row["age"] == "300.0" for row in rows)
    assert [row["ecg_id"] for row in rows] == [str(number) for number in range(1, 61)]


def test_a_complete_database_is_left_alone(roots, monkeypatch):
    monkeypatch.setattr(databases, "record_ecg", None)
    before = contents(roots / "riverside")
    simulate(roots / "riverside", hospital="riverside", records=RECORDS)
    assert contents(roots / "riverside") == before


@pytest.mark.parametrize("name", ["lakeside", "hillside"])
@pytest.mark.parametrize("writes", [1, 2, 9])
def test_a_killed_run_is_finished_by_the_next(roots, tmp_path, monkeypatch, name, writes):
    real_replace, left = Path.replace, iter(range(writes))

    def killed(path, target):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real_replace(path, target)

    root = tmp_path / name
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        simulate(root, hospital=name, records=RECORDS)
    monkeypatch.undo()
    assert not is_complete(root, name, RECORDS)
    with pytest.raises(DataError, match="no complete simulated database"):
        read_settings(root)
    simulate(root, hospital=name, records=RECORDS)
    assert contents(root) == contents(roots / name)


def test_progress_counts_what_is_there(tmp_path):
    calls = []
    simulate(
        tmp_path / "a",
        hospital="hillside",
        records=3,
        on_progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_other_settings_are_refused(roots):
    before = contents(roots / "hillside")
    with pytest.raises(DataError) as error:
        simulate(roots / "hillside", hospital="hillside", records=RECORDS + 1, seed=2)
    assert str(error.value) == (
        f"{roots / 'hillside'}: holds simulated ECGs of other settings: records 12 instead of 13; "
        "seed 0 instead of 2. Choose another folder, or delete this one."
    )
    assert contents(roots / "hillside") == before


def test_several_processes_may_want_the_same_database_at_once(tmp_path):
    root = tmp_path / "riverside"
    errors = []

    def make():
        try:
            simulate(root, hospital="riverside", records=3)
        except DataError as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert is_complete(root, "riverside", 3)


def test_foreign_files_are_never_touched(tmp_path):
    (tmp_path / "ptbxl_database.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError) as error:
        simulate(tmp_path, hospital="lakeside", records=2)
    assert str(error.value) == (
        f"{tmp_path}: holds 'ptbxl_database.csv' and no valid simulation.json: no simulated "
        "database. Choose a new or empty folder; nothing in this one was changed."
    )
    assert contents(tmp_path) == {"ptbxl_database.csv": b"mine"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "raw").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"is a file\. Choose a folder for the simulated ECGs\."):
        simulate(tmp_path / "raw", hospital="lakeside", records=2)


def test_what_the_disk_refuses_is_a_data_error(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(databases, "_write", full)
    with pytest.raises(DataError, match=r"can't be written: .*No space left.*simulate again\."):
        simulate(tmp_path / "raw", hospital="lakeside", records=2)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"hospital": "elsewhere"}'])
def test_a_damaged_settings_file_is_no_database(tmp_path, text):
    (tmp_path / SETTINGS).write_text(text, encoding="utf-8")
    assert not is_complete(tmp_path, "lakeside", 2)
    with pytest.raises(DataError, match="no complete simulated database"):
        read_settings(tmp_path)
    with pytest.raises(DataError):
        simulate(tmp_path, hospital="lakeside", records=2)


def test_another_version_of_the_simulator_is_not_taken_for_this_one(tmp_path):
    simulate(tmp_path, hospital="hillside", records=1)
    settings = json.loads((tmp_path / SETTINGS).read_text(encoding="utf-8"))
    (tmp_path / SETTINGS).write_text(json.dumps(settings | {"version": 0}), encoding="utf-8")
    assert not is_complete(tmp_path, "hillside", 1)
    with pytest.raises(DataError, match="version 0 instead of 1"):
        simulate(tmp_path, hospital="hillside", records=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hospital": "seaside", "records": 2}, "no hospital named 'seaside'"),
        (
            {"hospital": "lakeside", "records": 0},
            "a simulated database has 1 to 99999 records and a seed of 0 or more. "
            "Received: records 0, seed 0.",
        ),
        ({"hospital": "lakeside", "records": 2, "seed": -1}, "Received: records 2, seed -1."),
    ],
)
def test_wrong_settings_write_nothing(tmp_path, settings, message):
    for call in (simulate, is_complete):
        with pytest.raises(ConfigError) as error:
            call(tmp_path / "raw", **settings)
        assert message in str(error.value)
    assert not (tmp_path / "raw").exists()


def test_records_are_where_the_real_databases_have_them():
    assert LAYOUTS["challenge"].last_file("riverside", 999) == "g2/RV01000.hea"
    assert LAYOUTS["ptbxl"].last_file("lakeside", 999) == "records100/01000/01000_lr.hea"
