"""`ecg-keras serve`, and `predict` of its URL, as a user types them."""

import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests

from ecg_keras.cli.serve_command import _saved_model


@pytest.fixture(scope="module")
def recordings(project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("incoming")
    for path in sorted((project / "raw/down").glob("g1/RV0000?.*")):
        shutil.copy(path, folder)
    return folder


@contextmanager
def ended_by_then(process):
    """So that a failure in between is reported at once, and no server stays."""
    try:
        yield
    finally:
        process.kill()


@pytest.mark.slow
def test_a_run_is_served_asked_and_ended(ecg_keras, project, recordings):
    run = project / "runs" / "scratch"
    program = "from ecg_keras.cli import main; main()"
    words = ["serve", run, "--port", "0", "--grpc-port", "0", "--name", "ward"]
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, words)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        ended_by_then(process),
    ):
        assert process.stdout.readline() == f"exporting {run}\n"
        rest, grpc, metrics = (process.stdout.readline().split()[1] for _ in range(3))
        assert process.stdout.readline().startswith("version 1 of ward, signatures examples")
        assert requests.get(f"{rest}/card", timeout=30).json()["leads"][0] == "I"
        expected = ecg_keras("predict", run, recordings, "--out", "near.csv")
        for name, url in (("rest.csv", rest), ("grpc.csv", grpc)):
            answer = ecg_keras("predict", url, recordings, "--out", name, "--batch-size", 5)
            assert answer.code == 0, answer.err
            assert answer.out == expected.out
        assert "ecg_keras_requests_total" in requests.get(metrics, timeout=30).text
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "ended\n"
        assert process.wait(30) == 0
    answer = ecg_keras("predict", rest, recordings)
    assert answer.code == 1
    assert answer.err.startswith(f"ecg-keras: {rest}: no answer in 3 attempts: ")
    assert len(answer.err.splitlines()) == 1


def test_a_run_whose_saved_model_is_that_of_its_scores_is_served_as_it_is(project, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(project / "runs" / "finetune", run)
    with _saved_model(run) as (place, mark):
        assert place == run / "saved_model" / "1"
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "evaluated": "0" * 64}))
    with _saved_model(run) as (place, other):
        # scored again since: exported again, elsewhere
        assert run not in place.parents and (place / "saved_model.pb").is_file()
        assert other == mark
    assert not place.exists()
    with _saved_model(run / "saved_model") as (place, mark):
        assert (place, mark) == (run / "saved_model", None)


def test_what_is_wrong_is_one_line(ecg_keras, project, monkeypatch):
    folder = project / "runs" / "finetune" / "saved_model"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, code, message in (
            (["gone"], 1, "gone: no SavedModel, and no folder with versions of one"),
            ([folder, "--port", port], 2, f"REST can't listen on port {port} of 127.0.0.1"),
            ([folder, "--port", 0, "--grpc-port", port], 2, f"gRPC can't listen on port {port}"),
            ([folder, "--name", "a/b"], 2, "a model's name has none of / : % ? #"),
        ):
            answer = ecg_keras("serve", *words)
            assert answer.code == code, answer
            assert message in answer.err
            assert len(answer.err.splitlines()) == 1
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name)
    )
    answer = ecg_keras("serve", folder)
    assert answer.code == 2
    assert "serve needs uvicorn, which its extra installs: pip install 'ecg_keras[serve]'" in (
        answer.err
    )
