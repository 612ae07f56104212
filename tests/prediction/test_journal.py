"""A command that was stopped resumes, and its output never looks whole before it is."""

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import ecg_keras as ecg
from ecg_keras.errors import DataError
from ecg_keras.prediction import LooseFiles, open_trained, readings


class Stop(Exception):
    pass


def stopping_at(number):
    def stop(done, total):
        if done == number:
            raise Stop

    return stop


@pytest.fixture
def counted(lab):
    """A network that counts the windows it is asked about."""
    trained = open_trained(lab.run)
    asked = []

    def forward(signal):
        asked.append(len(signal))
        return trained.forward(signal)

    return dataclasses.replace(trained, forward=forward), asked


def test_a_stopped_command_asks_the_rest_alone(lab, counted, tmp_path):
    trained, asked = counted
    out, files = tmp_path / "a.csv", lab.headers[:20]
    with pytest.raises(Stop):
        ecg.predict(trained, files, out=out, batch_size=3, on_progress=stopping_at(13))
    assert not out.exists()
    begun = out.with_name("a.csv.part").read_text().splitlines()
    assert len(begun) == 1 + 12
    asked.clear()
    done = []
    answers = ecg.predict(
        trained, files, out=out, batch_size=3, on_progress=lambda *both: done.append(both)
    )
    assert done[0] == (13, 20) and done[-1] == (20, 20)
    assert sum(asked) == 8 * answers.rows[0].windows
    assert [one.record_id for one in answers.rows] == list(map(str, files))
    assert not out.with_name("a.csv.part").exists()
    # in the same batches: some processors take sums of others in another order
    whole = ecg.predict(trained, files, out=tmp_path / "b.csv", batch_size=3)
    assert out.read_text() == (tmp_path / "b.csv").read_text()
    assert np.array_equal(answers.probabilities, whole.probabilities)


@pytest.mark.parametrize("behind", [False, True])
def test_a_disk_that_fails_ends_the_command_which_resumes(lab, tmp_path, monkeypatch, behind):
    out, files = tmp_path / "a.csv", lab.headers[:12]

    def fail(path):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))

    def read(source, info, span):
        return fail(info.path) if info.path == files[10] else read_now(source, info, span)

    def convert(reader, info, first=0):
        if first and info.path == files[10]:
            try:
                fail(info.path)
            except OSError as error:
                raise DataError(f"{info.path}: sorry.") from error
        return convert_now(reader, info, first)

    read_now, convert_now = LooseFiles._read, readings.WindowReader.convert
    with monkeypatch.context() as patch:
        if behind:
            patch.setattr(readings, "_AT_ONCE", 1)
            patch.setattr(readings.WindowReader, "convert", convert)
        else:
            patch.setattr(LooseFiles, "_read", read)
        reason = os.strerror(errno.ESTALE)
        with pytest.raises(DataError, match=rf"{files[10]}: can't be read now: {reason}.*resumes"):
            ecg.predict(lab.run, files, out=out, batch_size=1)
    assert not out.exists()
    begun = out.with_name("a.csv.part").read_text().splitlines()
    assert len(begun) == 1 + (10 if behind else 8)  # that many were read together
    answers = ecg.predict(lab.run, files, out=out)
    assert [one.status for one in answers.rows] == ["answered"] * 12


def test_shards_resume_too(lab, tmp_path):
    out = tmp_path / "a.jsonl"
    with pytest.raises(Stop):
        ecg.predict(lab.run, lab.shards, out=out, batch_size=2, on_progress=stopping_at(9))
    ecg.predict(lab.run, lab.shards, out=out)
    names = [json.loads(line)["record_id"] for line in out.read_text().splitlines()]
    expected = [one.record_id for one in ecg.predict(lab.run, lab.shards).rows]
    assert names == expected


def test_records_of_one_name_in_two_datasets_keep_their_own_answers(lab, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(lab.shards, other)
    content = json.loads((other / "dataset.json").read_text())
    (other / "dataset.json").write_text(json.dumps({**content, "fingerprint": "0" * 64}))
    both = {"files": [lab.shards, other], "split": "test"}
    with pytest.raises(Stop):
        ecg.predict(
            lab.run, **both, out=tmp_path / "a.csv", batch_size=1, on_progress=stopping_at(9)
        )
    answers = ecg.predict(lab.run, **both, out=tmp_path / "a.csv")
    expected = ecg.predict(lab.run, **both)
    assert [one.record_id for one in answers.rows] == [one.record_id for one in expected.rows]
    assert len(answers.rows) == 2 * lab.dataset.splits["test"].records


def test_answers_about_another_array_are_not_taken(lab, tmp_path):
    values = np.stack([ecg.simulate.record_ecg("lakeside", 1).values[:2000]] * 4)
    given = {"reading": ecg.prediction.LooseFiles(sampling_rate=500, unit="mV"), "batch_size": 1}
    with pytest.raises(Stop):
        ecg.predict(lab.run, values, out=tmp_path / "a.csv", **given, on_progress=stopping_at(3))
    with pytest.raises(DataError, match="other options"):
        ecg.predict(lab.run, values * 0.5, out=tmp_path / "a.csv", **given)


@pytest.mark.parametrize("kind", ["another ending", "segments"])
def test_samples_that_changed_are_asked_about_again(lab, counted, tmp_path, kind):
    (trained, asked), out = counted, tmp_path / "a.csv"
    files = [tmp_path / header.name for header in lab.headers[:2]]
    for header, file in zip(lab.headers, files, strict=False):
        text = header.read_text().replace(".dat ", ".d16 ")
        shutil.copy(header.with_suffix(".dat"), file.with_suffix(".d16"))
        if kind == "segments":
            part = file.with_name(f"part{header.name}")
            first, *rest = text.splitlines()
            name, signals, rate, samples, *_ = first.split()
            part.write_text("\n".join([f"{part.stem} {signals} {rate} {samples}", *rest]) + "\n")
            text = f"{name}/1 {signals} {rate} {samples}\n{part.stem} {samples}\n"
        file.write_text(text)
    with pytest.raises(Stop):
        ecg.predict(trained, files, out=out, batch_size=1, on_progress=stopping_at(2))
    asked.clear()
    os.utime(files[0].with_suffix(".d16"), (1, 1))
    rows = ecg.predict(trained, files, out=out, batch_size=1).rows
    assert {one.status for one in rows} == {"answered"}
    assert sum(asked) == sum(one.windows for one in rows)  # the second was not answered before


def test_two_commands_never_write_to_one_file(lab, tmp_path):
    out, refused = tmp_path / "a.csv", []

    def ask_again(done, total):
        with pytest.raises(DataError, match=r"a\.csv\.part: another command writes to it") as error:
            ecg.predict(lab.run, lab.headers[:3], out=out)
        refused.append(error)

    answers = ecg.predict(lab.run, lab.headers[:3], out=out, on_progress=ask_again)
    assert len(refused) == len(answers.rows) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


def test_a_table_that_holds_no_answers_is_left_alone(lab, tmp_path):
    (tmp_path / "a.csv").write_text("I,II\n")
    with pytest.raises(DataError, match=r"a\.csv: is there already, and holds no answers"):
        ecg.predict(lab.run, lab.headers[:3], out=tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "I,II\n"


def test_a_torn_line_and_a_file_that_changed_are_asked_again(lab, counted, tmp_path):
    trained, asked = counted
    out, journal = tmp_path / "a.csv", tmp_path / "a.csv.part"
    files = []
    for header in lab.headers[:4]:
        for name in (header, header.with_suffix(".dat")):
            (tmp_path / name.name).write_bytes(name.read_bytes())
        files.append(tmp_path / header.name)
    with pytest.raises(Stop):
        ecg.predict(trained, files, out=out, batch_size=1, on_progress=stopping_at(4))
    whole = journal.read_bytes()
    assert whole.count(b"\n") == 4
    journal.write_bytes(whole[:-7])
    os.utime(files[0].with_suffix(".dat"), ns=(1, 1))  # the samples, not the header
    asked.clear()
    answers = ecg.predict(trained, files, out=out)
    # the third, whose line is torn, the fourth, which was not asked about, and the first
    assert sum(asked) == 3 * answers.rows[0].windows
    assert [one.record_id for one in answers.rows] == list(map(str, files))


def test_a_file_that_was_deleted_after_a_stop_is_not_in_the_output(lab, tmp_path):
    for header in lab.headers[:2]:
        for name in (header, header.with_suffix(".dat")):
            shutil.copy(name, tmp_path)
    (tmp_path / "0.edf").write_text("junk")
    out = tmp_path / "a.csv"
    with pytest.raises(Stop):
        ecg.predict(lab.run, tmp_path, out=out, batch_size=1, on_progress=stopping_at(3))
    (tmp_path / "0.edf").unlink()
    answers = ecg.predict(lab.run, tmp_path, out=out)
    assert answers.summary == "2 recordings: 2 answered, 0 abstained, 0 unreadable"


def test_answers_of_other_options_are_not_mixed(lab, tmp_path):
    out = tmp_path / "a.csv"
    with pytest.raises(Stop):
        ecg.predict(lab.run, lab.headers, out=out, batch_size=2, on_progress=stopping_at(5))
    begun = (tmp_path / "a.csv.part").read_bytes()
    for other in ({"aggregate": "maximum"}, {"reading": ecg.prediction.LooseFiles(unit="mV")}):
        with pytest.raises(DataError, match=r"a\.csv\.part: holds answers of another network, oth"):
            ecg.predict(lab.run, lab.headers, out=out, **other)
    with pytest.raises(DataError, match="other options"):
        ecg.predict(open_trained(lab.run, short="pad"), lab.headers, out=out)
    assert (tmp_path / "a.csv.part").read_bytes() == begun
    (tmp_path / "a.csv.part").write_text("[")
    with pytest.raises(DataError, match="Remove it to begin again"):
        ecg.predict(lab.run, lab.headers, out=out)


@pytest.mark.slow
def test_a_killed_command_resumes(lab, tmp_path):
    out = tmp_path / "a.parquet"
    code = (
        "import ecg_keras as ecg, sys, time\n"
        "ecg.predict(sys.argv[1], sys.argv[2], out=sys.argv[3], batch_size=1,"
        " on_progress=lambda done, total: time.sleep(0.2))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, lab.run, lab.raw / "records500", out]
    process = subprocess.Popen(list(map(str, command)))
    journal = out.with_name("a.parquet.part")
    deadline = time.monotonic() + 120
    while not journal.exists() or journal.read_bytes().count(b"\n") < 4:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    before = journal.read_bytes().count(b"\n") - 1
    done = []
    ecg.predict(
        lab.run, str(lab.raw / "records500"), out=out, on_progress=lambda *both: done.append(both)
    )
    assert done[0][0] > before >= 3
    assert len(pd.read_parquet(out)) == len(lab.headers)
