"""docs/serving.md: every Python block runs, against stand-ins for TensorFlow Serving's two ports.

The stand-ins speak the documented REST forms and the real gRPC service; they are not the server.
"""

import ast
import json
import re
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from ecg_keras.models import save_model

DOCS = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)


class Predictor(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, signature):
        self.signature = signature

    def Predict(self, request, context):
        asked = request.model_spec
        if (asked.name, asked.signature_name) != ("ecg", "serving_default"):
            context.abort(grpc.StatusCode.NOT_FOUND, "no such model or signature")
        inputs = {name: tf.constant(tf.make_ndarray(t)) for name, t in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for name, tensor in self.signature(**inputs).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(tensor))
        return response


@pytest.fixture
def grpc_port(exported):
    signature = tf.saved_model.load(str(exported[1])).signatures["serving_default"]
    server = grpc.server(futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Predictor(signature), server
    )
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield port
    server.stop(None).wait()


@pytest.fixture
def rest_port(exported):
    signature = tf.saved_model.load(str(exported[1])).signatures["serving_default"]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = self.path == "/v1/models/ecg:predict"
            signal = tf.constant([row["signal"] for row in body["instances"]], tf.float32)
            rows = signature(signal=signal)["probabilities"].numpy().tolist()
            answer = json.dumps({"predictions": rows}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with HTTPServer(("localhost", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "build", ["cnn", pytest.param("rnn", marks=pytest.mark.long)], indirect=True, scope="session"
)
def test_every_block_runs_and_agrees_with_keras(
    exported, rest_port, grpc_port, tmp_path, monkeypatch, capsys
):
    model, _ = exported
    monkeypatch.chdir(tmp_path)
    Path("runs/quickstart").mkdir(parents=True)
    save_model(model, "runs/quickstart/model.keras")
    export, plain, rest, remote = (
        block.replace("localhost:8501", f"localhost:{rest_port}").replace(
            "localhost:8500", f"localhost:{grpc_port}"
        )
        for block in BLOCKS
    )
    names: dict = {}
    exec(export + plain, names)
    expected = model(names["signal"].astype(np.float32)).numpy()
    lines = capsys.readouterr().out.splitlines()
    printed = [list(ast.literal_eval(line).values()) for line in lines]
    np.testing.assert_allclose(printed, expected, atol=6e-4)
    for client in (rest, remote):
        names.pop("probabilities", None)
        exec(client, names)
        np.testing.assert_allclose(names["probabilities"], expected, atol=1e-6)
