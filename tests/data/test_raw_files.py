"""Files are read once; what is remembered saves reading them again and decides nothing."""

import hashlib
import json
import os
import threading
import time
from pathlib import Path

import pytest

from ecg_keras.data import kept_hashes, raw_files
from ecg_keras.data.raw_files import TICK, _list_files, hash_files, listening, raw_digest
from ecg_keras.errors import DataError

FILES = {"a.dat": b"one", "sub/b.dat": b"two", "sub/c.hea": b"", "ä.csv": b"x" * 3_000_000}


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """A database that was left alone for a while."""
    monkeypatch.setattr(raw_files, "TICK", 0)
    return write(tmp_path / "raw")


@pytest.fixture
def memory(tmp_path):
    (tmp_path / "shards").mkdir()
    return tmp_path / "shards"


@pytest.fixture
def reads(monkeypatch):
    """The names of files that are read."""
    names = []
    sha256_of = raw_files.sha256_of
    monkeypatch.setattr(
        raw_files,
        "sha256_of",
        lambda path, count: names.append(path.name) or sha256_of(path, count),
    )
    return names


def write(root):
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def forget():
    """What another process would not know."""
    raw_files._read.clear()


def names_in(memory):
    """Of the files whose hashes are remembered, a name for each line."""
    (kept,) = memory.iterdir()
    return [one.path for one, _ in kept_hashes._read_lines(kept)]


def digest(root, memory=None):
    return raw_digest(root, memory=memory)


def test_a_hash_is_that_of_the_content(raw):
    listed = _list_files(raw, lambda path: True)
    assert [one.path for one in listed] == sorted(FILES)
    assert hash_files(raw, listed, None) == [
        hashlib.sha256(FILES[one.path]).hexdigest() for one in listed
    ]


def test_a_second_call_reads_nothing_also_in_another_process(raw, memory, reads):
    first = digest(raw, memory)
    assert len(reads) == len(FILES)
    assert digest(raw, memory) == first
    forget()
    assert digest(raw, memory) == first
    assert len(reads) == len(FILES)


def test_it_remembers_once_there_is_a_place(raw, tmp_path, reads):
    later = tmp_path / "shards"
    digest(raw, later)
    assert not later.exists()
    later.mkdir()
    digest(raw, later)
    forget()
    digest(raw, later)
    assert len(reads) == len(FILES)


def test_only_a_changed_file_is_read_again(raw, memory, reads):
    first = digest(raw, memory)
    reads.clear()
    (raw / "sub" / "b.dat").write_bytes(b"2wo")
    assert digest(raw, memory) != first
    assert reads == ["b.dat"]
    (raw / "sub" / "b.dat").write_bytes(b"two")
    assert digest(raw, memory) == first


def test_a_sample_that_is_changed_in_place_with_its_time_put_back_is_seen(raw, memory):
    path = raw / "a.dat"
    first, state = digest(raw, memory), path.stat()
    time.sleep(0.02)  # a tick of the clock of most disks
    path.write_bytes(b"two")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert digest(raw, memory) != first


def test_a_copy_is_the_same_whatever_its_times_and_its_place(raw, tmp_path):
    copy = write(tmp_path / "elsewhere" / "other name")
    for number, path in enumerate(copy.rglob("*")):
        os.utime(path, (number, number))
    assert digest(copy) == digest(raw)
    (copy / "a.dat").rename(copy / "A.dat")
    assert digest(copy) != digest(raw)


def test_a_folder_that_may_not_be_read_is_left_out(raw, monkeypatch):
    before = raw_digest(raw)
    (raw / "lost+found").mkdir()
    listing = os.scandir

    def refuse(folder):
        if Path(folder).name == refused:
            raise PermissionError(13, "Permission denied", str(folder))
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    refused = "lost+found"
    assert raw_digest(raw) == before
    (raw / "ward").mkdir()
    refused = "ward"  # recordings may be in it
    with pytest.raises(DataError, match=r"ward: can't be read: Permission denied"):
        raw_digest(raw)
    refused = raw.name
    with pytest.raises(DataError, match=f"{raw}: can't be read: Permission denied"):
        raw_digest(raw)


def test_a_file_that_changed_just_now_is_not_remembered(raw, memory, monkeypatch, reads):
    monkeypatch.setattr(raw_files, "TICK", TICK)
    digest(raw, memory)
    digest(raw, memory)
    assert len(reads) == 2 * len(FILES)


def test_a_file_from_before_1970_is_remembered_as_others_are(raw, memory, reads):
    os.utime(raw / "a.dat", ns=(-(10**18), -(10**18)))
    digest(raw, memory)
    forget()
    reads.clear()
    digest(raw, memory)
    assert reads == []


def test_a_folder_that_was_moved_with_its_shards_costs_nothing(raw, memory, tmp_path, reads):
    first = digest(raw, memory)
    forget()
    (tmp_path / "new").mkdir()
    for folder in (raw, memory):
        folder.rename(tmp_path / "new" / folder.name)
    assert digest(tmp_path / "new" / "raw", tmp_path / "new" / "shards") == first
    assert len(reads) == len(FILES)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text('["a.dat", 3, 1, 2, "00"]\n'),
        lambda path: path.write_text(f'["a.dat", null, 1, 2, "{"0" * 64}"]'),
        lambda path: path.write_text('{"format": 99}'),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text(f'["a.dat", 1e999, 1, 1, "{"0" * 64}"]\n'),
    ],
)
def test_memory_may_be_missing_or_damaged(raw, memory, damage, reads):
    first = digest(raw, memory)
    (kept,) = memory.iterdir()
    damage(kept)
    forget()
    assert digest(raw, memory) == first
    assert {*names_in(memory)} == FILES.keys()
    forget()
    reads.clear()
    assert digest(raw, memory) == first
    assert reads == []


def test_of_a_line_that_a_kill_tore_only_that_file_is_read_again(raw, memory, reads):
    digest(raw, memory)
    (kept,) = memory.iterdir()
    *_, last = names_in(memory)
    kept.write_bytes(kept.read_bytes()[:-20])
    forget()
    reads.clear()
    digest(raw, memory)
    digest(raw, memory)
    assert reads == [Path(last).name]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (None, 0),
        ('{"format": 1, "files": {"a.dat": [1, 2]}}', len(FILES)),
        ('{"format": 1, "files": {"a.dat": [3, null, 2, "x"]}}', len(FILES)),
        ('{"format": 99}', len(FILES)),
        ("[]", len(FILES)),
    ],
)
def test_what_an_earlier_version_remembers_is_read(raw, memory, reads, text, read):
    listed = _list_files(raw, lambda path: True)
    hashes = hash_files(raw, listed, None)
    files = {one.path: [*one[1:], sha256] for one, sha256 in zip(listed, hashes, strict=True)}
    place = kept_hashes.place_of(raw, memory).with_suffix(".json")
    place.write_text(text or json.dumps({"format": 1, "files": files}), encoding="utf-8")
    for _ in range(2):
        forget()
        reads.clear()
        assert hash_files(raw, listed, memory) == hashes
        assert len(reads) == read
        place.unlink(missing_ok=True)  # all of it is in the new file
        read = 0


def test_there_is_no_end_to_what_is_remembered(raw, memory, reads, monkeypatch):
    digest(raw, memory)
    (kept,) = memory.iterdir()
    monkeypatch.setattr("ecg_keras.json_files.MAX_JSON_BYTES", kept.stat().st_size // 2)
    forget()
    reads.clear()
    digest(raw, memory)
    assert reads == []


def test_lines_of_files_that_changed_go_when_they_are_many(raw, memory, monkeypatch):
    monkeypatch.setattr(kept_hashes, "FEW_LINES", 0)
    for number in range(6):
        (raw / "a.dat").write_bytes(b"x" * number)
        forget()
        first = digest(raw, memory)
        assert len(names_in(memory)) <= 2 * len(FILES) + 1
    forget()
    assert digest(raw, memory) == first
    assert {*names_in(memory)} == FILES.keys()


def test_what_is_remembered_of_other_files_is_not_written_again(raw, memory, monkeypatch):
    monkeypatch.setattr(kept_hashes, "FEW_LINES", 0)
    digest(raw, memory)
    (kept,) = memory.iterdir()
    before = kept.stat()
    listed = _list_files(raw, lambda path: True)
    forget()
    assert len(hash_files(raw, listed[:1], memory)) == 1
    after = kept.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_was_read_before_a_kill_is_remembered(raw, memory, reads, monkeypatch):
    def kill(path, count):
        if path.name == "ä.csv":
            raise KeyboardInterrupt
        return remembered(path, count)

    remembered = raw_files.sha256_of
    with monkeypatch.context() as patch:
        patch.setattr(raw_files, "SECONDS_BETWEEN", 0)
        patch.setattr(raw_files, "_BATCH_FILES", 1)
        patch.setattr(raw_files, "sha256_of", kill)
        with pytest.raises(KeyboardInterrupt):
            digest(raw, memory)
    forget()
    reads.clear()
    digest(raw, memory)
    assert reads == ["ä.csv"]


def test_memory_may_be_read_only(raw, memory, reads, monkeypatch):
    opening = Path.open

    def refuse(path, mode="r", *args, **kwargs):
        if "a" in mode:
            raise PermissionError(13, "Permission denied")
        return opening(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    first = digest(raw, memory)
    forget()
    assert digest(raw, memory) == first
    assert list(memory.iterdir()) == []


def test_it_is_never_kept_among_the_files(raw):
    (raw / "shards").mkdir()
    digest(raw, raw / "shards")
    digest(raw, raw)
    assert sorted(path.name for path in raw.rglob("*") if path.is_file()) == sorted(
        name.rpartition("/")[2] for name in FILES
    )


def test_two_at_once_find_the_same_and_leave_a_whole_memory(raw, memory):
    found = []
    threads = [threading.Thread(target=lambda: found.append(digest(raw, memory))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert {*names_in(memory)} == FILES.keys()


def test_one_is_told_how_many_bytes_are_read(raw):
    heard = []
    with listening(lambda done, total: heard.append((done, total))):
        digest(raw)
        total = sum(map(len, FILES.values()))
        assert heard[-1] == (total, total)
        assert sorted(heard) == heard and len(heard) >= 3
        before = len(heard)
        digest(raw)
    assert len(heard) == before


def test_names_of_one_accent_are_one_name(tmp_path):
    for folder, name in (("composed", "\u00e4.csv"), ("decomposed", "a\u0308.csv")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(b"same")
    assert digest(tmp_path / "composed") == digest(tmp_path / "decomposed")
