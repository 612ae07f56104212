import hashlib

import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st

from ecg_keras.data.tfrecords import count_records, frame, write_tfrecords
from ecg_keras.errors import DataError


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "a.tfrecord"
    size, checksum = write_tfrecords(path, [b"one", b"two"], scratch=tmp_path)
    assert size == path.stat().st_size
    assert checksum == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [one.numpy() for one in tf.data.TFRecordDataset(str(path))] == [b"one", b"two"]

    def failing():
        yield b"three"
        raise RuntimeError("power cut")

    before = path.read_bytes()
    with pytest.raises(RuntimeError, match=r"power cut"):
        write_tfrecords(path, failing(), scratch=tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@settings(max_examples=20, deadline=None)
@given(records=st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_the_bytes_are_those_of_tensorflow(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("records") / "theirs"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    assert path.read_bytes() == b"".join(frame(record) for record in records)


@settings(max_examples=20, deadline=None)
@given(records=st.lists(st.binary(max_size=300), max_size=5))
def test_records_are_counted_and_a_part_of_one_is_found(tmp_path_factory, records):
    folder = tmp_path_factory.mktemp("records")
    size, _ = write_tfrecords(folder / "whole", records, scratch=folder)
    assert count_records(folder / "whole") == len(records)
    whole = (folder / "whole").read_bytes()
    for cut in {1, 5, 15} if records else ():
        (folder / "cut").write_bytes(whole[: size - cut])
        with pytest.raises(DataError, match=rf"cut: this shard .* its record {len(records)}\."):
            count_records(folder / "cut")


def test_a_disk_that_is_full_is_an_oserror_and_leaves_nothing(tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large"):
            write_tfrecords(tmp_path / "a.tfrecord", [b"x" * 100_000], scratch=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())
