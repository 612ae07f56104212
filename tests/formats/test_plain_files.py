"""Files are looked at before they are opened."""

import os

import pytest

from ecg_keras.errors import DataError
from ecg_keras.formats import stat_file
from ecg_keras.formats.plain_files import find_alike


def test_a_file_or_a_link_to_one_beside_it_is_taken(tmp_path):
    (tmp_path / "r.dat").write_bytes(b"12345678")
    (tmp_path / "link.dat").symlink_to("r.dat")
    assert stat_file(tmp_path / "r.dat", "").st_size == 8
    assert stat_file(tmp_path / "link.dat", "").st_size == 8


def test_what_is_missing_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"gone.dat: No such file or directory. Download it.$"):
        stat_file(tmp_path / "gone.dat", "Download it.")


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"12")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "r.dat").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=r"r\.dat: a link that leads out of its folder"):
        stat_file(tmp_path / "raw" / "r.dat", "")


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DataError, match="no plain file"):
            stat_file(path, "")


def test_names_that_are_written_otherwise_are_found(tmp_path):
    for name in ("R1.DAT", "r1.Dat", "Jos\u00e9", "other"):
        (tmp_path / name).touch()
    assert find_alike(tmp_path / "r1.dat") == [f"{tmp_path}/R1.DAT", f"{tmp_path}/r1.Dat"]
    assert find_alike(str(tmp_path / "JOSE\u0301")) == [f"{tmp_path}/Jos\u00e9"]
    assert find_alike(tmp_path / "other") == find_alike(tmp_path / "nothing") == []
    assert find_alike(tmp_path / "gone" / "r1.dat") == []
    assert find_alike(tmp_path / "other" / "r1.dat") == []


def test_a_file_that_came_later_is_found(tmp_path):
    assert find_alike(tmp_path / "a") == []
    (tmp_path / "A").touch()
    os.utime(tmp_path, ns=(1, 1))  # some disks count time in seconds
    assert find_alike(tmp_path / "a") == [f"{tmp_path}/A"]


def test_names_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "A").touch()
    assert find_alike("a") == ["A"]
