"""Which file is meant, and in which format it is."""

import os

import numpy as np
import pytest
from small_folder import RATE, as_stored, write_csv, write_dicom, write_edf, write_wfdb
from small_signals import microvolts

from ecg_keras.data.formats import ENDINGS, find_recording, read_recording, split_ending
from ecg_keras.errors import DataError
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
        ("a.pdf", r"a\.pdf: no known format\. Allowed: \.hea"),
        ("c.csv/x", "No such file|Not a directory"),
    ],
)
def test_what_is_not_there_or_unknown_is_named(folder, name, message):
    (folder / "a.pdf").write_text("%PDF")
    with pytest.raises(DataError, match=message):
        find_recording(folder / name)


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
