"""The REST forms of TensorFlow Serving, and what gets no answer."""

import base64
import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from google.protobuf import json_format
from small_servers import Gate, gated_server, server_of, slow_server, wait_for
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from ecg_keras.serving import Limits


def post(server, content, **options):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return requests.post(f"{server.rest}:predict", data=body, timeout=30, **options)


def test_rows_and_columns_get_the_forms_of_tensorflow_serving(server, signals):
    expected = signals.mean(axis=1)
    rows = post(server, {"instances": [{"signal": one.tolist()} for one in signals]})
    bare = post(server, {"instances": signals.tolist()})
    columns = post(server, {"inputs": {"signal": signals.tolist()}})
    alone = post(server, {"signature_name": "serving_default", "inputs": signals.tolist()})
    assert {one.status_code for one in (rows, bare, columns, alone)} == {200}
    assert rows.headers["Content-Type"] == "application/json"
    assert rows.json() == bare.json() and columns.json() == alone.json()
    assert list(rows.json()) == ["predictions"] and list(columns.json()) == ["outputs"]
    for found in (rows.json()["predictions"], columns.json()["outputs"]):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_several_outputs_are_named_and_bytes_are_base64(server, signals):
    instances = [
        {"signal": signals[0].tolist(), "who": "Zoë"},
        {"signal": signals[1].tolist(), "who": {"b64": base64.b64encode(b"\x00\xff").decode()}},
    ]
    rows = post(server, {"signature_name": "named", "instances": instances}).json()["predictions"]
    assert rows[0]["who"] == "Zoë"
    assert [base64.b64decode(one["raw_bytes"]["b64"]) for one in rows] == [
        "Zoë".encode(), b"\x00\xff",
    ]  # fmt: skip
    inputs = {"signal": signals[:2].tolist(), "who": ["a", "b"]}
    columns = post(server, {"signature_name": "named", "inputs": inputs}).json()["outputs"]
    assert columns["who"] == ["a", "b"]
    np.testing.assert_allclose(columns["mean"], signals[:2].mean(axis=(1, 2)), atol=1e-6)
    np.testing.assert_allclose([one["mean"] for one in rows], columns["mean"])


def test_a_signature_without_a_batch_is_asked_in_columns(server):
    body = {"signature_name": "whole", "inputs": {"pair": [3, 4], "twice": True}}
    assert post(server, body).json() == {"outputs": 14}
    body["instances"] = [body.pop("inputs")]
    assert post(server, body).status_code == 400


def test_status_and_metadata_are_the_messages_of_tensorflow_serving(server, saved_models):
    answer = requests.get(server.rest, timeout=30).json()
    status = json_format.ParseDict(answer, get_model_status_pb2.GetModelStatusResponse())
    (one,) = status.model_version_status
    assert (one.version, one.state) == (10, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    answer = requests.get(f"{server.rest}/versions/10/metadata", timeout=30).json()
    assert answer["model_spec"] == {"name": "ecg", "signature_name": "", "version": "10"}
    found = get_model_metadata_pb2.SignatureDefMap()
    json_format.ParseDict(answer["metadata"]["signature_def"], found)
    file = (saved_models / "10" / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(file).meta_graphs
    assert dict(found.signature_def) == dict(graph.signature_def)


def test_health_and_counts(server, signals):
    post(server, {"instances": signals.tolist()})
    root = server.rest.partition("/v1/")[0]
    assert requests.get(f"{root}/healthz", timeout=30).status_code == 200
    counts = requests.get(server.metrics, timeout=30).text
    assert 'ecg_keras_requests_total{api="rest",code="OK"}' in counts
    assert 'ecg_keras_model{name="ecg",version="10"} 1.0' in counts
    assert "ecg_keras_batch_rows_bucket" in counts
    assert server.metrics.endswith("/monitoring/prometheus/metrics")


ECG = np.zeros((1, 4, 2)).tolist()
WRONG = {
    "no JSON": (b"{", "JSON Parse error"),
    "not text": (b"\xff\xfe{}", "JSON Parse error"),
    "no object": ([1], "must be an object"),
    "nothing": ({}, "Missing 'inputs' or 'instances' key"),
    "both": ({"inputs": ECG, "instances": ECG}, "only one of 'inputs' or 'instances'"),
    "no instance": ({"instances": []}, "a list of at least one"),
    "no row": ({"inputs": {"signal": []}}, "must have the shape (any, 4, 2). Received: (0,)"),
    "signature": ({"signature_name": "x", "inputs": ECG}, 'name: "x" not found in signature def'),
    "signature's type": ({"signature_name": 1, "inputs": ECG}, "must be a string value"),
    "surrogate": ({"signature_name": "\ud800", "inputs": ECG}, "\\ud800"),
    "name": ({"inputs": {"sinal": ECG}}, "takes the inputs signal. Received: sinal."),
    "row's name": ({"instances": [{"sinal": ECG[0]}]}, "element: 0 of 'instances' list"),
    "mixed rows": ({"instances": [{"signal": ECG[0]}, ECG[0]]}, "element: 1 of 'instances' list"),
    "shape": ({"inputs": np.zeros((1, 5, 2)).tolist()}, "Received: (1, 5, 2)."),
    "rank": ({"inputs": ECG[0]}, "Received: (4, 2)."),
    "ragged": ({"inputs": [[[0, 0], [0, 0], [0, 0], [0]]]}, "must have one length"),
    "text": ({"inputs": [[["0", "0"]] * 4]}, "must be of type float32. Received: str."),
    "null": ({"inputs": [[[None, 0]] * 4]}, "must be of type float32. Received: NoneType."),
    "truth": ({"inputs": [[[True, 0]] * 4]}, "must be of type float32. Received: bool."),
    "NaN": (b'{"inputs": [[[NaN, 0]]]}', "NaN is no JSON"),
    "infinity": (b'{"inputs": [[[-Infinity, 0]]]}', "-Infinity is no JSON"),
    "too large": ({"inputs": [[[1e39, 0]] * 4]}, "must be finite as float32"),
    "beyond double": (b'{"inputs": [[[1e999,0],[0,0],[0,0],[0,0]]]}', "must be finite as float32"),
    "digits": (b'{"inputs": [[[%s,0],[0,0],[0,0],[0,0]]]}' % (b"9" * 999), "too large"),
    "deep": (b"[" * 50_000, "JSON Parse error"),
    "one of two": ({"signature_name": "named", "inputs": ECG}, "must name them: signal, who"),
    "rows differ": (
        {"signature_name": "named", "inputs": {"signal": ECG, "who": ["a", "b"]}},
        "the same number of rows, at least one. Received: 1, 2.",
    ),
    "base64": (
        {"signature_name": "named", "inputs": {"signal": ECG, "who": [{"b64": "?"}]}},
        "who: ",
    ),
    "whole number": (
        {"signature_name": "whole", "inputs": {"pair": [1, 2**31], "twice": True}},
        "must be between -2147483648 and 2147483647",
    ),
    "fraction": (
        {"signature_name": "whole", "inputs": {"pair": [1, 1.5], "twice": True}},
        "must be of type int32. Received: float.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_gets_400_and_says_why(server, case):
    content, message = WRONG[case]
    answer = post(server, content)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        ("/v1/models/ecg/versions/2:predict", 404, "Specific(ecg, 2)"),
        ("/v1/models/ecg/labels/stable:predict", 400, "Unrecognized servable version label"),
        ("/v1/models/ecg:regress", 400, "Malformed request: POST /v1/models/ecg:regress"),
        ("/v1/models/ecg/metadata", 400, "Malformed request"),
        ("/v1/models/../../etc/passwd:predict", 400, "Malformed request"),
        ("/v1/models/%2e%2e%2fecg:predict", 400, "Malformed request"),
        ("/v2/models/ecg", 404, "Not Found"),
    ],
)
def test_a_wrong_place_gets_an_error_of_the_same_form(server, path, status, message):
    connection = http.client.HTTPConnection(server.rest.split("/")[2], timeout=30)
    connection.request("POST", path, b"{}")
    answer = connection.getresponse()
    assert answer.status == status
    assert message in json.load(answer)["error"]
    connection.close()


def test_a_card_that_is_missing_and_a_method_that_is_none(server):
    assert requests.get(f"{server.rest}/card", timeout=30).json() == {
        "error": "this SavedModel has no card"
    }
    answer = requests.delete(server.rest, timeout=30)
    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})


def test_a_request_that_is_too_large_gets_413_whole_or_in_chunks(server):
    large = b"[" + b"1," * 100_000 + b"1]"
    for body in (large, iter([large[:50_000], large[50_000:]])):
        answer = requests.post(f"{server.rest}:predict", data=body, timeout=30)
        assert answer.status_code == 413
        assert answer.json()["error"] == "a request has at most 100,000 bytes"
    answer = post(server, b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_too_many_at_once_get_429_and_too_slow_ones_408_or_504():
    limits = Limits(requests=2, seconds=2.5, batch_rows=1)
    with gated_server(limits) as (server, gate), ThreadPoolExecutor(2) as pool:
        body = {"inputs": [[1.0]]}
        # one is answered, one takes too long, and a third has no place
        first, second = (pool.submit(post, server, body) for _ in range(2))
        gate.wait_for_a_call()
        wait_for(server, "ecg_keras_requests_now 2.0")
        refused = post(server, body)
        gate.let_through()
        codes = sorted(one.result().status_code for one in (first, second))
        assert (refused.status_code, codes) == (429, [200, 504])
        assert refused.headers["Retry-After"] == "1"
        assert "2 requests at once" in refused.json()["error"]
        with socket.create_connection(server.rest.split("/")[2].split(":"), timeout=30) as slow:
            slow.sendall(b"POST /v1/models/slow:predict HTTP/1.1\r\nHost: a\r\n")
            slow.sendall(b"Content-Length: 100\r\n\r\n{")
            assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_request_whose_client_left_is_not_computed():
    body = b'{"inputs": [[1.0]]}'
    head = f"POST /v1/models/slow:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    with gated_server(Limits(batch_rows=1)) as (server, gate), ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, server, {"inputs": [[3.0]]})
        gate.wait_for_a_call()
        for _ in range(20):
            with socket.create_connection(server.rest.split("/")[2].split(":")) as leaving:
                leaving.sendall(head.encode() + b"\r\n" + body)
        wait_for(server, 'ecg_keras_requests_total{api="rest",code="CANCELLED"} 20.0')
        gate.let_through(2)
        assert first.result().status_code == post(server, {"inputs": [[4.0]]}).status_code == 200
        assert gate.calls == 2


def test_connections_that_ask_nothing_in_time_are_closed():
    with slow_server(Limits(seconds=2.5), 0) as server:
        place = server.rest.split("/")[2].split(":")
        silent, begun, again = (socket.create_connection(place, timeout=10) for _ in range(3))
        start = time.monotonic()
        again.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert again.recv(4096).startswith(b"HTTP/1.1 200 ")
        for _ in range(4):  # letters that come one by one do not prolong it
            for one in (begun, again):
                one.sendall(b"G")
            time.sleep(0.25)
        for one in (silent, begun, again):
            while one.recv(4096):  # the end of the answer
                pass
            one.close()
        assert 2.4 < time.monotonic() - start < 9
        # one that asks again and again is kept
        with requests.Session() as session:
            for _ in range(4):
                assert session.get(server.rest, timeout=10).status_code == 200
                time.sleep(0.5)
            assert post(server, {"inputs": [[3.0]]}).status_code == 200


def test_the_end_of_a_server_waits_for_what_it_has():
    found, gate = [], Gate()
    with server_of(gate, Limits()) as server:
        asked = threading.Thread(target=lambda: found.append(post(server, {"inputs": [[3.0]]})))
        asked.start()
        gate.wait_for_a_call()
        threading.Timer(0.5, gate.let_through).start()
    asked.join()
    assert found[0].json() == {"outputs": [[3.0]]}
    with pytest.raises(requests.ConnectionError):
        post(server, {"inputs": [[3.0]]})
