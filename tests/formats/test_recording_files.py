"""Which file is meant, and in which format it is."""

import os

import numpy as np
import pytest
from small_folder import RATE, as_stored, write_csv, write_dicom, write_edf, write_wfdb
from small_signals import microvolts

from ecg_keras.errors import DataError
from ecg_keras.formats import ENDINGS, find_recording, read_recording, split_ending
from ecg_keras.signals import LEADS

VALUES = microvolts(6, RATE)


@pytest.fixture
def folder(tmp_path):
    write_wfdb(tmp_path / "w.1", VALUES)
    write_csv(tmp_path / "c.csv", VALUES)
    write_edf(tmp_path / "e.EDF", VALUES)
    write_dicom(tmp_path / "d.dcm", VALUES)
    write_dicom(tmp_path / "1.2.840.77", VALUES)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file", "kind"),
    [
        ("w.1", "w.1.hea", "wfdb"),
        ("w.1.hea", "w.1.hea", "wfdb"),
        ("w.1.dat", "w.1.hea", "wfdb"),
        ("c.csv", "c.csv", "csv"),
        ("c", "c.csv", "csv"),
        ("e.EDF", "e.EDF", "edf"),
        ("d", "d.dcm", "dicom"),
        ("1.2.840.77", "1.2.840.77", "dicom"),
    ],
)
def test_a_recording_is_found_with_and_without_its_ending_and_read(folder, name, file, kind):
    assert find_recording(folder / name) == (folder / file, kind)
    signal = read_recording(folder / file, kind, sampling_rate=RATE, unit="uV")
    assert signal.leads == LEADS and signal.sampling_rate == RATE
    assert np.allclose(signal.values, as_stored(VALUES), atol=0.001)


def test_every_ending_is_split_in_any_case():
    for ending, kind in ENDINGS.items():
        assert split_ending(f"a/b.c{ending}") == ("a/b.c", kind)
        assert split_ending(f"a/b{ending.upper()}") == ("a/b", kind)
    for name in ("a", "a.gz", "a.pdf", ".gz", "1.2.840"):
        assert split_ending(name) == (name, None)


def test_two_files_of_one_name_must_be_told_apart(folder):
    (folder / "d.edf").write_bytes(b"")
    with pytest.raises(DataError, match=r"d: several files have this name: d\.edf, d\.dcm\. Write"):
        find_recording(folder / "d")
    assert find_recording(folder / "d.dcm")[1] == "dicom"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", r"gone: No such file, also not with one of the endings \.hea, \.csv\.gz"),
        ("gone.edf", r"gone\.edf: No such file\. Check that the export is complete"),
        ("gone.dat", r"gone\.hea: No such file\."),
        ("x" * 300, "File name too long"),
        ("a.pdf", r"a\.pdf: no known format\. Allowed: \.hea.* which of MATLAB's arr"),
        ("c.csv/x", "No such file|Not a directory"),
    ],
)
def test_what_is_not_there_or_unknown_is_named(folder, name, message):
    (folder / "a.pdf").write_text("%PDF")
    with pytest.raises(DataError, match=message):
        find_recording(folder / name)


@pytest.mark.parametrize(
    ("on_disk", "name", "kind"),
    [
        ("X.CSV", "X", "csv"),
        ("X.CSV", "X.csv", "csv"),
        ("X.CSV.GZ", "X", "csv"),
        ("X.Edf", "X", "edf"),
        ("X.DCM", "X", "dicom"),
        ("X.HEA", "X", "wfdb"),
        ("X.HEA", "X.dat", "wfdb"),
        ("Jose\u0301.csv", "Jos\u00e9.csv", "csv"),
        ("Jos\u00e9.csv", "Jose\u0301", "csv"),
        ("Jos\u00e9.HEA", "Jose\u0301.hea", "wfdb"),
        ("Jose\u0301/x.csv", "Jos\u00e9/x.csv", "csv"),
        ("Jose\u0301/X.CSV", "Jos\u00e9/X", "csv"),
        ("10:30.csv", "10:30", "csv"),
    ],
)
def test_endings_in_another_case_and_accents_of_other_systems(tmp_path, on_disk, name, kind):
    (tmp_path / on_disk).parent.mkdir(exist_ok=True)
    (tmp_path / on_disk).write_text("x")
    assert find_recording(tmp_path / name) == (tmp_path / on_disk, kind)


def test_a_text_is_a_table_of_samples_where_it_is_named(folder):
    (folder / "c.txt").write_text((folder / "c.csv").read_text().replace(",", "\t"))
    assert find_recording(folder / "c") == (folder / "c.csv", "csv")  # not several of one name
    file, kind = find_recording(folder / "c.txt")
    (table, text) = (
        read_recording(one, kind, sampling_rate=RATE, unit="uV").values
        for one in (folder / "c.csv", file)
    )
    assert np.array_equal(table, text)


def test_a_recording_with_its_ending_in_capitals_is_read(folder):
    (folder / "w.1.hea").rename(folder / "w.1.HEA")
    file, kind = find_recording(folder / "w.1")
    assert np.allclose(read_recording(file, kind).values, as_stored(VALUES), atol=0.001)


def test_names_that_differ_in_case_are_other_names(folder):
    for name in ("C", "C.csv", "C.CSV"):
        with pytest.raises(
            DataError, match=r"No such file, but c\.csv, whose name differs in case"
        ):
            find_recording(folder / name)
    (folder / "M.CSV").write_text("x")
    (folder / "M.Csv").write_text("x")
    with pytest.raises(DataError, match=r"M: several files have this name: M\.CSV, M\.Csv"):
        find_recording(folder / "M")


def test_samples_without_their_header_say_so(folder):
    (folder / "m.mat").write_bytes(b"x")
    with pytest.raises(
        DataError, match=r"m\.mat: .*read by its header, and there is no m\.hea.*MATLAB's arr"
    ):
        find_recording(folder / "m.mat")


def test_links_out_of_the_folder_and_pipes_are_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text("I\n1\n")
    (folder / "link.csv").symlink_to(outside)
    with pytest.raises(DataError, match=r"link\.csv: a link that leads out of its folder"):
        find_recording(folder / "link.csv")
    (folder / "own.csv").symlink_to(folder / "c.csv")
    assert find_recording(folder / "own") == (folder / "own.csv", "csv")
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(DataError, match=r"pipe\.csv: No such file"):
        find_recording(folder / "pipe.csv")
