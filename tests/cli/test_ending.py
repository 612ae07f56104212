"""The command in a process of its own: signals, closed pipes, what TensorFlow prints."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running_processes import CAN_TELL, running_processes
from studies import tiny, tiny_data

from ecg_keras.cli import COMMANDS, cli, main

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "ecg_keras"]
STOPPED = "ecg-keras: stopped. The same command resumes where it was."
SLOW_SOURCE = """\
import os, time
from pathlib import Path
import numpy as np
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import LEADS

LABEL_SETS = {"plain": ("A", "B")}
OFFICIAL_FOLDS = False
CITATION = LICENCE = ""

def list_records(root, *, label_set, sampling_rate):
    return [RecordInfo(f"r{n:03}", f"p{n}", root / "x", ("AB"[n % 2],)) for n in range(200)]

def read_signal(info):
    time.sleep(float(os.environ.get("SECONDS", "0")))
    rng = np.random.default_rng(int(info.record_id[1:]))
    return Signal(rng.normal(size=(400, 12)).astype(np.float32), 100.0, LEADS)
"""
SLOW_RECIPE = """\
mode: scratch
data:
  {source: slow_source, raw: raw, sampling_rate: 100, seconds: 4, workers: 2, verify: "off"}
"""
# a command that imports what stands for TensorFlow
IMPORTS = """\
import sys
from ecg_keras.cli.ending import run
sys.exit(run(lambda: __import__("tensorflow")))
"""
# each command's help in a process of its own, whose output nobody reads
UNREAD = """\
import os, sys
from ecg_keras.cli import COMMANDS, main
ended = {}
for words in [["--help"], ["describe", "--sources"], *([name, "--help"] for name in COMMANDS)]:
    child = os.fork()
    if child == 0:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, 1)
        sys.argv = ["ecg-keras", *words]
        main()
        sys.stdout.flush()
        os._exit(0)
    ended[" ".join(words)] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(ended)
"""


def environment(**others):
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return {**kept, "PYTHONPATH": str(ROOT)} | others


def begin(*words, **others):
    """A command as the leader of its own processes."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**others),
        start_new_session=True,
    )


def wait_for(condition, seconds=300.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


def is_there(group):
    """Whether a process of a group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return not CAN_TELL or group in running_processes().values()


def end(process, *, everybody):
    """Asks a command to end, or all of its processes as a cluster does."""
    (os.killpg if everybody else os.kill)(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=300)
    wait_for(lambda: not is_there(process.pid), 30)  # no process is left behind
    assert process.returncode == 143
    assert err.splitlines()[-1] == STOPPED and "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (["explain", "m", "f"], "Nothing of it is kept: the same command begins again."),
        (["predict", "m", "f"], "Nothing of it is kept: the same command begins again."),
        (["predict", "m", "f", "--out=a.csv"], "The same command resumes where it was."),
    ],
)
def test_a_stopped_command_says_whether_it_resumes(monkeypatch, capsys, words, last):
    def stop(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.get_command(None, words[0]), "callback", stop)
    monkeypatch.setattr(sys, "argv", ["ecg-keras", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert capsys.readouterr().err.strip() == f"ecg-keras: stopped. {last}"


@pytest.mark.parametrize(
    ("words", "then"),
    [
        (["monitor", "m", "f"], "Fix this: the same command begins again."),
        (
            ["embed", "m", "f", "e.parquet"],
            "What was finished is whole: fix this, and the same command resumes where it was.",
        ),
    ],
)
def test_a_full_disk_says_whether_the_command_resumes(monkeypatch, capsys, words, then):
    def fail(**options):
        raise OSError(errno.ENOSPC, "", "a.npz")

    monkeypatch.setattr(cli.get_command(None, words[0]), "callback", fail)
    monkeypatch.setattr(sys, "argv", ["ecg-keras", *words])
    with pytest.raises(SystemExit):
        main()
    full = os.strerror(errno.ENOSPC)
    assert capsys.readouterr().err.strip() == f"ecg-keras: a.npz: {full}. {then}"


def test_a_bug_is_not_taken_for_something_that_was_found(monkeypatch, capsys):
    def fail(**options):
        raise ZeroDivisionError

    monkeypatch.setattr(cli.get_command(None, "monitor"), "callback", fail)
    monkeypatch.setattr(sys, "argv", ["ecg-keras", "monitor", "run", "answers.csv"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_python_runs_the_package_as_the_command():
    done = subprocess.run(
        [*COMMAND, "--version"], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout.startswith("ecg-keras, version ") and not done.stderr


def test_tensorflow_prints_nothing_of_gpus_that_are_not_there(tmp_path):
    done = subprocess.run(
        [*COMMAND, "transferability", "none", "--target", "none"],
        capture_output=True,
        text=True,
        env=environment(TF_CPP_MIN_LOG_LEVEL="2"),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "ecg-keras: none: there is no such folder of shards. Run `ecg-keras prepare`."
    ]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_command_without_standard_streams_does_its_work(tmp_path, closed):
    (tmp_path / "tensorflow.py").touch()
    (tmp_path / "command.py").write_text(IMPORTS)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    subprocess.run(
        f'"{sys.executable}" "{tmp_path}/command.py" {closed}',
        shell=True,
        env=environment(PYTHONPATH=path),
        check=True,
    )


def test_a_command_whose_output_nobody_reads_ends_without_a_word():
    done = subprocess.run(
        [sys.executable, "-c", UNREAD],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    ended = eval(done.stdout)
    assert set(COMMANDS) <= {name.removesuffix(" --help") for name in ended}
    assert set(ended.values()) == {141}
    assert done.stderr == ""


@pytest.mark.parametrize("everybody", [True, False])
def test_prepare_ends_with_its_workers_and_resumes(tmp_path, monkeypatch, everybody):
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    Path("raw/x").touch()
    Path("slow_source.py").write_text(SLOW_SOURCE)
    Path("mine.yaml").write_text(SLOW_RECIPE)
    process = begin("prepare", "mine.yaml", SECONDS="0.05")
    wait_for(lambda: any(Path("shards").rglob("*.tfrecord*")))
    end(process, everybody=everybody)
    assert not list(Path("shards").glob("[!.]*/dataset.json"))
    if everybody:
        again = begin("prepare", "mine.yaml")
        again.communicate(timeout=300)
        assert again.returncode == 0


@pytest.mark.slow
def test_predict_ends_with_its_workers_and_resumes(tmp_path, monkeypatch, project):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(project / "runs" / "finetune", "run")
    some = sorted((project / "raw/down").glob("g1/RV000[0-3]?.*"))
    for number in range(60):
        folder = Path("in", f"n{number:02}")
        folder.mkdir(parents=True)
        for path in some:
            os.link(path, folder / path.name)
    words = ("predict", "run", "in", "--out", "a.jsonl", "--workers", 2, "--verify", "off")
    process = begin(*words)
    journal = Path("a.jsonl.part")
    wait_for(lambda: journal.is_file() and journal.read_text().count("\n") > 20)
    end(process, everybody=True)
    assert not Path("a.jsonl").exists()
    answered = journal.read_text().count("\n") - 1
    for folder in sorted(Path("in").iterdir())[answered // len(some) + 2 :]:
        shutil.rmtree(folder)
    again = begin(*words)
    again.communicate(timeout=300)
    assert again.returncode == 0
    assert Path("a.jsonl").read_text().count("\n") >= answered


@pytest.mark.slow
def test_train_ends_and_keeps_its_epochs(tmp_path, monkeypatch, project):
    monkeypatch.chdir(tmp_path)
    for name in ("raw", "shards"):  # nothing is prepared again
        (tmp_path / name).symlink_to(project / name)
    text = (project / "scratch.yaml").read_text().replace("epochs: 2", "epochs: 500")
    Path("mine.yaml").write_text(text)
    process = begin("train", "mine.yaml")
    wait_for(lambda: list(Path("runs").glob("mine/checkpoints/progress.json")))
    end(process, everybody=True)
    assert not Path("runs/mine/scores.json").exists()


@pytest.mark.long
def test_study_ends_with_its_workers(tmp_path):
    phases = {"batch_size": 16, "phases": [{"epochs": 500}]}
    tiny(tmp_path, base={"data": tiny_data(tmp_path), "training": phases})
    process = begin("study", tmp_path / "mine.yaml", "--workers", 2)
    wait_for(lambda: list(tmp_path.rglob("progress.json")))
    cells = [json.loads(one.read_text()) for one in tmp_path.rglob("cell.json")]
    workers = [cell["pid"] for cell in cells if cell["pid"] is not None]  # of those that run
    assert workers
    end(process, everybody=False)
    for worker in workers:
        wait_for(lambda worker=worker: not is_there(worker), 30)
