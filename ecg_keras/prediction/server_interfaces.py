"""A server asked in TensorFlow Serving's REST or gRPC, and what may go wrong there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import requests
import urllib3

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import DataError, printable, shortened
from ecg_keras.export import Card
from ecg_keras.text import without_user

_SIGNATURE = "serving_default"
# a server's own limit is below the last
_CONNECT, _ANSWER = 10, 120
_ANSWER_BYTES = 64 << 20
# what both servers say of a request that is too large: of one with more ECGs than a batch of
# TensorFlow Serving takes, as of a wrong one, with INVALID_ARGUMENT and 400
_TOO_MANY = b"larger than max"


class AgainError(Exception):
    """It may be right later: a server restarts, is busy, or merged us with a bad neighbour."""


class LateError(AgainError):
    """The server did not answer in time: it is busy, or there is too much to answer."""


class TooLargeError(Exception):
    """The server takes less at once."""


class MissingError(Exception):
    """The server has no such thing."""


class Server(Protocol):
    """What a network on a server is asked by, in either interface."""

    bytes_per_sample: int

    def find_version(self) -> int: ...

    def read_card(self, version: int) -> bytes: ...

    def ask(self, version: int, card: Card, signal: Float32Array) -> tuple[Float32Array, str]: ...


class RestInterface:
    """https://www.tensorflow.org/tfx/serving/api_rest"""

    bytes_per_sample = 24  # at most, as text

    def __init__(self, url: str) -> None:
        self._url, self._session = url, requests.Session()
        self._place = without_user(url)

    def find_version(self) -> int:
        listed, _ = self._get("")
        with _understood(self._place):
            states = json.loads(listed)["model_version_status"]
            return _newest(int(one["version"]) for one in states if one["state"] == "AVAILABLE")

    def read_card(self, version: int) -> bytes:
        try:
            return self._get(f"/versions/{version}/card")[0]
        except AgainError as error:
            if "Malformed" in str(error):  # what TensorFlow Serving says of a path that it lacks
                raise MissingError(str(error)) from error
            raise

    def ask(self, version: int, card: Card, signal: Float32Array) -> tuple[Float32Array, str]:
        body = {"signature_name": _SIGNATURE, "inputs": {card.input: signal.tolist()}}
        text, mark = self._get(f"/versions/{version}:predict", json.dumps(body).encode())
        with _understood(self._place):
            outputs = json.loads(text)["outputs"]
            values = outputs[card.output] if isinstance(outputs, dict) else outputs
            return np.asarray(values, np.float32), mark

    def _get(self, path: str, body: bytes | None = None) -> tuple[bytes, str]:
        try:
            with self._session.request(
                "GET" if body is None else "POST",
                self._url + path,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=(_CONNECT, _ANSWER),
                stream=True,
                allow_redirects=False,
            ) as response:
                text = response.raw.read(_ANSWER_BYTES + 1, decode_content=True)
        except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise LateError(_describe(error)) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise AgainError(_describe(error)) from error
        if len(text) > _ANSWER_BYTES:
            raise DataError(f"{self._place}: answers with more than {_ANSWER_BYTES:,} bytes.")
        if response.status_code == 200:
            return text, response.headers.get("X-Model-Mark", "")
        reply = f"HTTP {response.status_code} {shortened(text.decode(errors='replace'), 300)}"
        if response.status_code == 413 or (response.status_code == 400 and _TOO_MANY in text):
            raise TooLargeError(reply)
        if response.status_code == 504:
            raise LateError(reply)
        if response.status_code in (400, 408, 429, 500, 502, 503):
            raise AgainError(reply)
        if response.status_code == 404:
            raise MissingError(reply)
        raise DataError(f"{self._place}: {printable(reply)}")


class GrpcInterface:
    """PredictionService and ModelService of TensorFlow Serving. A channel lives as long as a call:
    one that lost its server would wait longer and longer before it looks for it again.
    """

    bytes_per_sample = 4

    def __init__(self, host: str, name: str) -> None:
        self._host, self._name = host, name

    def find_version(self) -> int:
        from tensorflow_serving.apis import (  # type: ignore[import-untyped]
            get_model_status_pb2 as status_pb2,
            model_service_pb2_grpc,
        )

        request = status_pb2.GetModelStatusRequest()
        answer, _ = self._call(model_service_pb2_grpc.ModelServiceStub, "GetModelStatus", request)
        with _understood(self._host):
            available = status_pb2.ModelVersionStatus.AVAILABLE
            states = answer.model_version_status
            return _newest(int(one.version) for one in states if one.state == available)

    def read_card(self, version: int) -> bytes:
        from google.protobuf import wrappers_pb2
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["card"])
        try:
            answer, _ = self._predict("GetModelMetadata", request, version)
        except AgainError as error:
            if "not supported" in str(error):  # what TensorFlow Serving says of a field it lacks
                raise MissingError(str(error)) from error
            raise
        card = wrappers_pb2.BytesValue()
        answer.metadata["card"].Unpack(card)
        return bytes(card.value)

    def ask(self, version: int, card: Card, signal: Float32Array) -> tuple[Float32Array, str]:
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = _SIGNATURE
        request.inputs[card.input].CopyFrom(tf.make_tensor_proto(signal, tf.float32))
        answer, mark = self._predict("Predict", request, version)
        with _understood(self._host):
            return np.asarray(tf.make_ndarray(answer.outputs[card.output]), np.float32), mark

    def _predict(self, method: str, request: Any, version: int) -> tuple[Any, str]:
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        request.model_spec.version.value = version
        return self._call(prediction_service_pb2_grpc.PredictionServiceStub, method, request)

    def _call(self, stub: Any, method: str, request: Any) -> tuple[Any, str]:
        import grpc

        request.model_spec.name = self._name
        options = [("grpc.max_receive_message_length", _ANSWER_BYTES)]
        try:
            with grpc.insecure_channel(self._host, options) as channel:
                call = getattr(stub(channel), method).with_call
                answer, reply = call(request, timeout=_ANSWER)
        except grpc.RpcError as error:
            code, words = error.code(), f"{error.code().name} {error.details()}"
            if _TOO_MANY.decode() in words:
                raise TooLargeError(words) from error
            if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise LateError(words) from error
            if code is grpc.StatusCode.NOT_FOUND:
                raise MissingError(words) from error
            if code.name in ("UNIMPLEMENTED", "PERMISSION_DENIED", "UNAUTHENTICATED"):
                raise DataError(f"{self._host}: {printable(words)}") from error
            raise AgainError(words) from error
        return answer, dict(reply.trailing_metadata() or ()).get("x-model-mark", "")


def _describe(error: Exception) -> str:
    return without_user(f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _understood(place: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        what = shortened(f"{type(error).__name__}: {error}")
        raise DataError(f"{place}: not the answer of TensorFlow Serving: {what}") from error


def _newest(versions: Iterable[int]) -> int:
    newest = max(versions, default=None)
    if newest is None:
        raise AgainError("no version of it is available: it is being loaded, or could not be")
    return newest
