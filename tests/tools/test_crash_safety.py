"""The script that kills `prepare`: what it compares, and the database that it makes."""

import subprocess
import sys

from small_databases import write_database

from ecg_keras.sources import ptbxl


def test_each_recording_is_listed_often_under_other_ids(script, tmp_path):
    write_database("ptbxl", tmp_path / "ptbxl")
    once = ptbxl.list_records(tmp_path / "ptbxl", label_set="all", sampling_rate=500)
    script.list_often(tmp_path / "ptbxl", tmp_path / "raw")
    often = ptbxl.list_records(tmp_path / "raw", label_set="all", sampling_rate=500)
    assert len(often) == script.COPIES * len(once)
    assert len({info.patient_id for info in often}) == script.COPIES * len(
        {info.patient_id for info in once}
    )
    for info in often[:3]:
        assert ptbxl.read_signal(info).values.shape[1] == 12


def test_files_are_compared_by_their_bytes_and_locks_are_left_out(script, tmp_path):
    for name, text in {"a/dataset.json": "1", "a/.lock": "", "a/b.tfrecord": "2"}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    calm = script.contents(tmp_path)
    assert sorted(calm) == ["a/b.tfrecord", "a/dataset.json"]
    assert script.same(calm, calm) == "equal"
    (tmp_path / "a" / "b.tfrecord").write_text("3")
    (tmp_path / "a" / "c").write_text("")
    assert script.same(script.contents(tmp_path), calm) == "DIFFERENT: a/b.tfrecord, a/c"
    assert script.same({}, calm) == "DIFFERENT: a/b.tfrecord, a/dataset.json"


def test_a_kill_reaches_the_processes_of_the_process(script, tmp_path, monkeypatch):
    command = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]])"
    child = f"import time; time.sleep(3); open({str(tmp_path / 'outlived')!r}, 'w')"
    started = subprocess.Popen(
        [sys.executable, "-c", f"{command}; time.sleep(9)", child],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    preparation = script.Preparation(tmp_path, 1)
    monkeypatch.setattr(preparation, "start", lambda shards: started)
    assert preparation.kill_after(1, tmp_path)
    monkeypatch.undo()
    started.wait()
    assert started.returncode == -9
    # the pipe closed, so nobody who held it is left
    assert not (tmp_path / "outlived").exists()


def test_the_error_is_found_among_what_was_printed(script):
    printed = "prepare ...\necg-keras: d: can't be written: [Errno 28] No space. Finished shards."
    assert script.short(printed) == "[Errno 28] No space."
    assert script.short("") == ""
