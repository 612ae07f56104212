"""Files are there in full or not at all."""

import errno
import json
import os
import stat

import filelock
import pytest
from late_files import show_late

from ecg_keras.errors import DataError
from ecg_keras.files import lock_file, refresh, replacing
from ecg_keras.json_files import write_json


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_name_keeps_the_ending(tmp_path):
    with replacing(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        assert temporary.parent == tmp_path
        temporary.write_text("")


def test_two_writers_of_one_file_never_share_a_name(tmp_path):
    (tmp_path / "scratch").mkdir()
    path = tmp_path / "a.txt"
    with replacing(path) as one, replacing(path, scratch=tmp_path / "scratch") as other:
        assert one.name != other.name
        one.write_text("one"), other.write_text("other")
        assert other.parent == tmp_path / "scratch"
    assert path.read_text() == "one"
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a.txt", "scratch"]


def test_another_ending_can_be_given(tmp_path):
    with replacing(tmp_path / "r.dat", ending=".tmp") as temporary:
        assert temporary.suffix == ".tmp"
        temporary.write_text("")
    assert [path.name for path in tmp_path.iterdir()] == ["r.dat"]


def test_json_is_replaced_whole_and_never_holds_nan(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(tmp_path, monkeypatch):
    path, written = tmp_path / "note.txt", []
    path.write_text("before")

    def note(descriptor):
        written.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.read_text()))

    monkeypatch.setattr(os, "fsync", note)
    with replacing(path) as temporary:
        temporary.write_text("after")
    assert written == [(False, "before"), (True, "after")]


def test_a_disk_that_is_full_when_it_is_written_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    path.write_text("before")

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"), replacing(path) as temporary:
        temporary.write_text("after")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before"]


def test_a_lock_keeps_others_out_until_its_block_ends(tmp_path):
    path = tmp_path / ".lock"
    with lock_file(path):
        for seconds in (0, 0.01):
            with pytest.raises(filelock.Timeout):
                lock_file(path, timeout=seconds)
    with lock_file(path, timeout=0):
        pass


def test_what_others_wrote_is_found_where_this_machine_changes_the_folder(tmp_path, monkeypatch):
    path, away = tmp_path / "shared" / "note.txt", tmp_path / "away"
    path.parent.mkdir(), away.mkdir()
    path.write_text("theirs")
    show_late(path, away, monkeypatch)
    assert not path.exists()
    refresh(path.parent)
    assert [one.name for one in path.parent.iterdir()] == ["note.txt"]
    refresh(tmp_path / "none")  # nor is one made


@pytest.mark.filterwarnings("ignore:flock not supported")
@pytest.mark.parametrize("left", [False, True], ids=["free", "left by a process that was killed"])
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch, number, left):
    def refuse(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    path = tmp_path / "runs" / ".lock"
    path.parent.mkdir()
    substitute = filelock.SoftFileLock(path)
    if left:
        substitute.acquire()
    with pytest.raises(DataError, match=r"runs: this file system keeps no locks, .*Lustre: flock"):
        lock_file(path)
    assert substitute.is_locked == left
