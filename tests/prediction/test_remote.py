"""A server's URL as the network: its answers, its absence, and what is never mixed."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
import requests
from small_servers import slow_server
from tensorflow_serving.apis import get_model_status_pb2

import ecg_keras as ecg
from ecg_keras import models
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Scores
from ecg_keras.export import Card, export_saved_model
from ecg_keras.prediction import open_trained, remote
from ecg_keras.prediction.server_interfaces import (
    AgainError,
    GrpcInterface,
    LateError,
    RestInterface,
    TooLargeError,
)
from ecg_keras.serving import Limits, running_server
from ecg_keras.serving.served import RefusedError

FREE = {"port": 0, "grpc_port": 0}


@pytest.fixture(scope="session")
def versions(lab, tmp_path_factory):
    """The folder with one version of the laboratory's network."""
    folder = tmp_path_factory.mktemp("served") / "saved_model"
    scores = Scores.load_json(lab.run / "scores.json")
    export_saved_model(
        models.load_model(lab.run),
        folder / "1",
        labels=lab.dataset.labels,
        leads=lab.dataset.leads,
        sampling_rate=lab.dataset.sampling_rate,
        thresholds=scores.thresholds,
        calibration=scores.calibration,
        sets=scores.sets,
    )
    return folder


@pytest.fixture(scope="session")
def server(versions):
    with running_server(versions, **FREE) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(remote, "_PAUSES", (0.01,) * 3)
    monkeypatch.setattr(remote, "_FIRST_PAUSES", (0.01,))


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_a_server_says_what_the_run_says(lab, server, api):
    url = getattr(server, api)
    far, near = (ecg.predict(one, lab.headers[:5], batch_size=3) for one in (url, lab.run))
    assert (far.labels, far.thresholds, far.network) == (near.labels, near.thresholds, url)
    np.testing.assert_allclose(far.probabilities, near.probabilities, atol=1e-6)
    assert [far.decide(one) for one in far.rows] == [near.decide(one) for one in near.rows]
    assert far.calibration == near.calibration == "platt"
    assert far.sets.notes == near.sets.notes
    assert [far.find_sets(one) for one in far.rows] == [near.find_sets(one) for one in near.rows]


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_a_server_that_goes_away_ends_in_one_line_and_the_rest_is_asked_alone(
    lab, versions, tmp_path, impatient, api
):
    out, files = tmp_path / "a.csv", lab.headers[:6]
    with running_server(versions, **FREE) as first:
        trained = open_trained(getattr(first, api))
        asked = ecg.predict(trained, files[:2]).rows
        assert all(one.status == "answered" for one in asked)
        half = []

        def forward(signal):
            if half:
                raise InterruptedError  # the process ends here
            half.append(len(signal))
            return trained.forward(signal)

        with pytest.raises(InterruptedError):
            stopped = dataclasses.replace(trained, forward=forward)
            ecg.predict(stopped, files, out=out, batch_size=3)
    with pytest.raises(DataError) as error:
        ecg.predict(trained, files, out=out, batch_size=3)
    assert re.search(r"no answer in 4 attempts: .*refused", str(error.value))
    assert str(error.value).endswith("Once it answers, the same command resumes.")
    assert "\n" not in str(error.value)
    assert not out.exists()
    before = out.with_name("a.csv.part").read_text().count("answered")
    assert before >= 1
    with running_server(versions, **FREE) as second:  # elsewhere, and the same SavedModel
        whole = ecg.predict(getattr(second, api), files, out=out, batch_size=3)
    expected = ecg.predict(lab.run, files).probabilities
    np.testing.assert_allclose(whole.probabilities, expected, atol=1e-6)


def test_more_at_once_than_a_server_batches_is_asked_in_parts(lab, impatient):
    """As TensorFlow Serving answers more rows than its max_batch_size, with one code for all."""
    words = "Task size 128 is larger than maximum input batch size 64"

    class Small:
        bytes_per_sample = 1

        def ask(self, version, card, signal):
            if len(signal) > 64:
                raise TooLargeError(words)
            return np.ones((len(signal), 1), np.float32), ""

    card = Card(("A",), ("I",), 100.0, 10, None, {})
    network = remote.Remote("http://x", card, 1, "", Small())
    assert len(network.forward(np.zeros((128, 10, 1), np.float32))) == 128 and network.rows <= 64


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_the_words_of_a_server_that_takes_fewer_are_known(api, monkeypatch):
    limits = Limits(batch_rows=4)
    words = "Task size 5 is larger than maximum input batch size 4"

    def submit(self, signature, inputs):
        raise RefusedError(words)

    monkeypatch.setattr("ecg_keras.serving.batching.Batcher.submit", submit)
    card = dataclasses.replace(Card(("A",), ("I",), 100.0, 10, None, {}), input="x", output="y")
    with slow_server(limits, 0) as running:
        place = running.grpc.split("/")[2]
        server = RestInterface(running.rest) if api == "rest" else GrpcInterface(place, "slow")
        with pytest.raises(TooLargeError, match="larger than maximum"):
            server.ask(1, card, np.zeros((5, 1), np.float32))


def test_a_server_that_is_not_there_is_said_at_once(impatient):
    for url in ("http://127.0.0.1:9/v1/models/ecg", "grpc://127.0.0.1:9/ecg"):
        with pytest.raises(DataError, match=f"^{url}: no answer in 2 attempts: .*refused"):
            open_trained(url)


def test_the_password_of_a_url_is_sent_and_never_shown(
    lab, server, versions, tmp_path, impatient, monkeypatch, caplog
):
    sent, send = [], requests.Session.send

    def noted(session, request, **given):
        sent.append(request.headers.get("Authorization"))
        return send(session, request, **given)

    monkeypatch.setattr(requests.Session, "send", noted)
    secret = server.rest.replace("//", "//me:s3cret@")
    answers = ecg.predict(secret, lab.headers[:1], out=tmp_path / "a.csv", shown=1)
    assert answers.network == server.rest
    assert set(sent) == {"Basic bWU6czNjcmV0"}
    page = ecg.report.prediction_page(answers, tmp_path / "a.html").read_text()
    assert server.rest in page and "s3cret" not in page + (tmp_path / "a.csv").read_text()
    with running_server(versions, **FREE) as first:
        gone = open_trained(first.rest.replace("//", "//me:s3cret@"))
    errors = []
    for work in (
        lambda: open_trained("http://me:s3cret@127.0.0.1:9/v1/models/ecg"),
        lambda: open_trained("https://me:s3cret@host"),
        lambda: open_trained("https://me:1/s3cret@127.0.0.1:9/v1/models/ecg"),
        lambda: open_trained("https://me:x#s3cret@127.0.0.1:9/v1/models/ecg"),
        lambda: open_trained("https://me:x#s3cret@127.0.0.1:9/v1/models/ecg", embedding=True),
        lambda: open_trained("grpc://me:s3cret@127.0.0.1:9/ecg"),
        lambda: open_trained(secret.replace("/ecg", "/other")),
        lambda: open_trained(secret, embedding=True),
        lambda: open_trained(secret, labels=["A"]),
        lambda: open_trained(secret, card=tmp_path / "gone.json"),
        lambda: gone.forward(np.zeros((1, 2000, 12), np.float32)),
    ):
        with pytest.raises((DataError, ConfigError)) as error:
            work()
        errors.append(str(error.value))
    assert "me:" not in " ".join(errors) and "s3cret" not in " ".join(errors) + caplog.text


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("grpc://me:pass@host:8500/ecg", "^grpc://host:8500/ecg: .* gRPC takes no user and passw"),
        (
            "https://me:a/b@host/v1/models/ecg",
            "^https://host/v1/models/ecg: .* / is written as %2F",
        ),
        ("grpc://host/ecg", "or grpc://HOST:PORT/NAME.$"),
    ],
)
def test_what_is_wrong_with_a_url_is_said(url, message):
    with pytest.raises(ConfigError, match=message):
        open_trained(url)


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_a_server_that_still_loads_its_model_is_waited_for(server, impatient, monkeypatch, api):
    monkeypatch.setattr("ecg_keras.serving.rest._status", lambda desk: {"model_version_status": []})
    nothing = get_model_status_pb2.GetModelStatusResponse()
    monkeypatch.setattr(GrpcInterface, "_call", lambda self, *asked: (nothing, ""))
    with pytest.raises(DataError, match="no answer in 2 attempts: no version of it is available"):
        open_trained(getattr(server, api))


def test_a_card_of_an_impossible_size_is_not_believed(server, monkeypatch):
    read = RestInterface.read_card
    monkeypatch.setattr(
        RestInterface,
        "read_card",
        lambda self, version: read(self, version).replace(b":2000,", b":2000000000000,"),
    )
    with pytest.raises(DataError, match="says that an ECG has 2,000,000,000,000 samples of 12"):
        open_trained(server.rest)


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_what_a_busy_server_does_not_take_at_once_is_asked_in_parts(lab, versions, api):
    signal = np.random.default_rng(0).normal(0, 0.3, (7, 2000, 12)).astype(np.float32)
    expected = open_trained(lab.run).forward(signal)
    # one ECG of 2000 samples as text, and a little more than one as bytes
    with running_server(versions, **FREE, limits=Limits(request_bytes=700_000)) as server:
        found = open_trained(getattr(server, api)).forward(np.concatenate([signal] * 2))
    np.testing.assert_allclose(found, np.concatenate([expected] * 2), atol=1e-6)


def test_one_ecg_that_is_too_large_is_said(versions):
    limits = Limits(request_bytes=90_000)
    with (
        running_server(versions, **FREE, limits=limits) as server,
        pytest.raises(DataError, match="does not answer an ECG as its card says"),
    ):
        open_trained(server.grpc)


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_answers_of_two_networks_are_never_mixed(versions, impatient, api):
    windows = np.zeros((2, 2000, 12), np.float32)
    with running_server(versions, **FREE) as server:
        trained = open_trained(getattr(server, api))
    with running_server(versions, **FREE, mark="1" * 64) as other:
        network = trained.forward.__self__
        network = dataclasses.replace(network, server=open_remote(getattr(other, api)).server)
        with pytest.raises(DataError, match="another SavedModel is served as version 1 now"):
            network.forward(windows)
        with pytest.raises(DataError, match="version 7 is no longer served"):
            dataclasses.replace(network, version=7).forward(windows)


def open_remote(url):
    return open_trained(url).forward.__self__


class Flaky:
    """A server that fails a few times."""

    bytes_per_sample = 4

    def __init__(self, fails):
        self.left = fails

    def ask(self, version, card, signal):
        if self.left:
            self.left -= 1
            raise AgainError("HTTP 400 of a neighbour's ECG")
        return np.ones((len(signal), 1), np.float32), ""


def test_what_may_pass_is_asked_again_within_bounds(impatient):
    card = Card(("A",), ("I",), 100.0, 10, None, {})
    signal = np.zeros((3, 10, 1), np.float32)
    for fails in (0, 1, 3):
        network = remote.Remote("http://x", card, 1, "", Flaky(fails))
        assert network.forward(signal).tolist() == [[1.0]] * 3
    with pytest.raises(DataError, match="no answer in 4 attempts: HTTP 400 of a neighbour"):
        remote.Remote("http://x", card, 1, "", Flaky(4)).forward(signal)


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_a_server_that_is_slow_is_asked_about_fewer_at_once(api):
    card = dataclasses.replace(Card(("A",), ("I",), 100.0, 10, None, {}), input="x", output="y")
    with slow_server(Limits(seconds=1.2, batch_rows=1), 0.25) as running:
        place = running.grpc.split("/")[2]
        server = RestInterface(running.rest) if api == "rest" else GrpcInterface(place, "slow")
        network = remote.Remote(running.rest, card, 1, "0" * 64, server)
        asked = np.linspace(0, 1, 12, dtype=np.float32)[:, None]
        np.testing.assert_array_equal(network.forward(asked), asked)
        assert 1 <= network.rows <= 6  # and remembered


def test_one_ecg_that_is_late_is_asked_again_and_no_longer_halved(impatient):
    class Late(Flaky):
        def ask(self, version, card, signal):
            if len(signal) > 1:
                raise LateError("HTTP 504")
            return super().ask(version, card, signal)

    card = Card(("A",), ("I",), 100.0, 10, None, {})
    signal = np.zeros((5, 10, 1), np.float32)
    assert len(remote.Remote("http://x", card, 1, "", Late(3)).forward(signal)) == 5
    with pytest.raises(DataError, match="no answer in 4 attempts"):
        remote.Remote("http://x", card, 1, "", Late(4)).forward(signal)


def test_logits_of_a_server_are_no_probabilities():
    class Linear(Flaky):
        def ask(self, version, card, signal):
            return signal[:, 0], ""

    network = remote.Remote("http://x", Card(("A",), ("I",), 100.0, 1, None, {}), 1, "", Linear(0))
    rounded = np.array([0, 1 + 1e-7, np.nan, np.inf], np.float32).reshape(-1, 1, 1)
    np.testing.assert_array_equal(network.forward(rounded).ravel(), [0, 1, np.nan, np.inf])
    with pytest.raises(DataError, match=r"gives 1\.5, and a probability is between 0 and 1"):
        network.forward(np.full((1, 1, 1), 1.5, np.float32))


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_a_server_without_a_card_needs_one(versions, tmp_path, monkeypatch, api):
    shutil.copytree(versions, tmp_path / "plain")
    (tmp_path / "plain/1/assets/card.json").rename(tmp_path / "card.json")
    # as TensorFlow Serving, which knows no such path
    pattern = re.compile(
        r"models/(?P<name>\w+)(?:/versions/(?P<version>\d+))?(?P<verb>:predict)?(?P<label>)"
    )
    monkeypatch.setattr("ecg_keras.serving.rest._PATH", pattern)
    with running_server(tmp_path / "plain", **FREE) as server:
        url = getattr(server, api)
        with pytest.raises(ConfigError, match=f"{url}: the server says nothing of labels.*-card"):
            open_trained(url)
        trained = open_trained(url, card=tmp_path / "card.json")
        assert trained.thresholds is not None
        card = json.loads((tmp_path / "card.json").read_text())
        fewer = {"labels": trained.labels[1:], "thresholds": None, "sets": None}
        (tmp_path / "other.json").write_text(json.dumps(card | fewer))
        with pytest.raises(DataError, match=r"labels\. Give its own card with --model-card"):
            open_trained(url, card=tmp_path / "other.json")
        with pytest.raises(DataError, match=r"gone.json: can't be read"):
            open_trained(url, card=tmp_path / "gone.json")


@pytest.mark.parametrize(
    "url",
    ["http://host:8501", "ftp://h/v1/models/a", "grpc://host/ecg", "http://h/v1/models/a?b=c"],
)
def test_what_is_no_url_of_a_model_is_refused(url):
    with pytest.raises(ConfigError, match=r"a server's URL is http://HOST:PORT/v1/models/NAME"):
        open_trained(url)


def test_what_does_not_go_with_a_server_is_refused(lab, server):
    with pytest.raises(ConfigError, match="its card says its labels, leads and sampling rate"):
        open_trained(server.rest, labels=["A"])
    with pytest.raises(ConfigError, match="a SavedModel has no layers"):
        open_trained(server.rest, embedding=True)
    with pytest.raises(ConfigError, match=r"--model-card \(card\) is of a server's URL alone"):
        open_trained(lab.run, card="card.json")
    with pytest.raises(DataError, match="the server has no such model"):
        open_trained(server.rest.replace("/ecg", "/other"))
    with pytest.raises(DataError, match="the server has no such model"):
        open_trained(server.grpc.replace("/ecg", "/other"))


def test_a_server_that_speaks_something_else_is_refused(server):
    metrics = server.rest.replace("/v1/models/ecg", "/monitoring/v1/models/ecg")
    with pytest.raises(DataError, match="the server has no such model: HTTP 404"):
        open_trained(metrics)
