"""A network on a server that speaks TensorFlow Serving's REST or gRPC: our own, or that one.

One version is asked from the first batch to the last, so that answers of two are never mixed.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import requests
import urllib3

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import ConfigError, DataError, printable, shortened
from ecg_keras.export import Card, parse_card
from ecg_keras.prediction.trained import as_probabilities

Result = TypeVar("Result")
URL = re.compile(
    r"(?P<base>https?://[^/?#\s]+(?:/[^?#\s]*?)?/v1/models)/(?P<name>[^/:?#\s]+)/?"
    r"|grpc://(?P<host>[^/?#\s]+:\d+)/(?P<rpc>[^/:?#\s]+)"
)
SIGNATURE = "serving_default"
# seconds before each further attempt, while a server is asked and while it is opened
_PAUSES, _FIRST_PAUSES = (0.5, 1, 2, 4, 8, 15, 15), (0.5, 1)
# a server's own limit is below the last
_CONNECT, _ANSWER = 10, 120
# of a request's samples, of one ECG where that is more, and of an answer
_REQUEST_BYTES, _LARGEST_ECG, _ANSWER_BYTES = 16 << 20, 64 << 20, 64 << 20


class _AgainError(Exception):
    """It may be right later: a server restarts, is busy, or merged us with a bad neighbour."""


class _LateError(_AgainError):
    """The server did not answer in time: it is busy, or there is too much to answer."""


class _TooLargeError(Exception):
    """The server takes less at once."""


class _NoneError(Exception):
    """The server has no such thing."""


class _Server(Protocol):
    bytes_per_sample: int

    def find_version(self) -> int: ...

    def read_card(self, version: int) -> bytes: ...

    def ask(self, version: int, card: Card, signal: Float32Array) -> tuple[Float32Array, str]: ...


@dataclass(eq=False)
class Remote:
    """A network on a server: its card, its version, and how it is asked."""

    url: str
    card: Card
    version: int
    mark: str  # of the SavedModel, where the server gives it
    server: _Server
    rows: int = field(init=False)  # of a request; fewer once they were too many

    def __post_init__(self) -> None:
        values = self.card.num_samples * len(self.card.leads)
        self.rows = max(1, _REQUEST_BYTES // (values * self.server.bytes_per_sample))

    def forward(self, signal: Float32Array) -> Float32Array:
        """Probabilities of signals, asked in requests that a server takes."""
        parts, start = [], 0
        while start < len(signal):
            part = signal[start : start + self.rows]
            try:
                parts.append(self._ask(part))
                start += len(part)
            except _TooLargeError as error:
                if len(part) == 1:
                    raise DataError(f"{self.url}: one ECG is too large for the server.") from error
                self.rows = len(part) // 2
        return np.concatenate(parts)

    def _ask(self, signal: Float32Array) -> Float32Array:
        def work() -> tuple[Float32Array, str]:
            try:
                return self.server.ask(self.version, self.card, signal)
            except _LateError as error:
                if len(signal) > 1:
                    raise _TooLargeError(str(error)) from error
                raise

        try:
            values, mark = _retry(self.url, work, _PAUSES)
        except _NoneError as error:
            raise DataError(
                f"{self.url}: version {self.version} is no longer served, and answers of two are "
                "not mixed. Write to another --out, or serve it again."
            ) from error
        values = _check(self.url, values, len(signal), self.card)
        if self.mark != mark:
            raise DataError(
                f"{self.url}: another SavedModel is served as version {self.version} now, and "
                "answers of two are not mixed. Write to another --out, or serve the former again."
            )
        return values


def connect(url: str, card: Path | None) -> Remote:
    """The network at a URL, with the card that the server has, or else the one in a file."""
    found = URL.fullmatch(url)
    if found is None:
        raise ConfigError(
            f"{url}: a server's URL is http://HOST:PORT/v1/models/NAME, with http or https, or "
            "grpc://HOST:PORT/NAME."
        )
    server: _Server = (
        _Grpc(found["host"], found["rpc"])
        if found["host"]
        else _Rest(f"{found['base']}/{found['name']}")
    )
    try:
        version = _retry(url, server.find_version, _FIRST_PAUSES)
    except _NoneError as error:
        raise DataError(f"{url}: the server has no such model: {error}") from error
    if card is not None:
        try:
            text, place = card.read_bytes(), str(card)
        except OSError as error:
            raise DataError(f"{card}: can't be read: {error.strerror}.") from error
    else:
        try:
            text, place = _retry(url, lambda: server.read_card(version), _FIRST_PAUSES), url
        except _NoneError as error:
            raise ConfigError(
                f"{url}: the server says nothing of labels, leads, rate and thresholds. Name the "
                "assets/card.json of the SavedModel with --model-card (card)."
            ) from error
    known = parse_card(text, place)
    size = known.num_samples * len(known.leads) * server.bytes_per_sample
    if size > _LARGEST_ECG:
        raise DataError(
            f"{place}: says that an ECG has {known.num_samples:,} samples of {len(known.leads)} "
            f"leads, and a request has at most {_LARGEST_ECG:,} bytes. Ask by gRPC, or where the "
            "SavedModel is."
        )
    # a first answer shows that the card is of this network, and which SavedModel it is
    flat = np.zeros((1, known.num_samples, len(known.leads)), np.float32)
    try:
        values, mark = _retry(url, lambda: server.ask(version, known, flat), _FIRST_PAUSES)
    except (_NoneError, _TooLargeError) as error:
        raise DataError(f"{url}: does not answer an ECG as its card says: {error}") from error
    _check(url, values, 1, known)
    return Remote(url, known, version, mark, server)


def _check(url: str, values: Float32Array, rows: int, card: Card) -> Float32Array:
    if values.shape != (rows, len(card.labels)):
        raise DataError(
            f"{url}: {rows} ECGs get answers of the shape {values.shape}, and its card says "
            f"{len(card.labels)} labels. Give its own card with --model-card."
        )
    return as_probabilities(url, values)


def _newest(versions: Iterable[int]) -> int:
    newest = max(versions, default=None)
    if newest is None:
        raise _AgainError("no version of it is available: it is being loaded, or could not be")
    return newest


def _retry(url: str, work: Callable[[], Result], pauses: tuple[float, ...]) -> Result:
    for pause in pauses:
        with contextlib.suppress(_AgainError):
            return work()
        time.sleep(pause)
    try:
        return work()
    except _AgainError as error:
        raise DataError(
            f"{url}: no answer in {len(pauses) + 1} attempts: {shortened(printable(f'{error}'))}. "
            "Once it answers, the same command resumes."
        ) from error


class _Rest:
    """https://www.tensorflow.org/tfx/serving/api_rest"""

    bytes_per_sample = 24  # at most, as text

    def __init__(self, url: str) -> None:
        self._url, self._session = url, requests.Session()

    def find_version(self) -> int:
        listed, _ = self._get("")
        with _understood(self._url):
            states = json.loads(listed)["model_version_status"]
            return _newest(int(one["version"]) for one in states if one["state"] == "AVAILABLE")

    def read_card(self, version: int) -> bytes:
        try:
            return self._get(f"/versions/{version}/card")[0]
        except _AgainError as error:
            if "Malformed" in str(error):  # what TensorFlow Serving says of a path that it lacks
                raise _NoneError(str(error)) from error
            raise

    def ask(self, version: int, card: Card, signal: Float32Array) -> tuple[Float32Array, str]:
        body = {"signature_name": SIGNATURE, "inputs": {card.input: signal.tolist()}}
        text, mark = self._get(f"/versions/{version}:predict", json.dumps(body).encode())
        with _understood(self._url):
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
            raise _LateError(f"{type(error).__name__}: {error}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _AgainError(f"{type(error).__name__}: {error}") from error
        if len(text) > _ANSWER_BYTES:
            raise DataError(f"{self._url}: answers with more than {_ANSWER_BYTES:,} bytes.")
        if response.status_code == 200:
            return text, response.headers.get("X-Model-Mark", "")
        reply = f"HTTP {response.status_code} {shortened(text.decode(errors='replace'), 300)}"
        if response.status_code == 504:
            raise _LateError(reply)
        if response.status_code in (400, 408, 429, 500, 502, 503):
            raise _AgainError(reply)
        if response.status_code == 413:
            raise _TooLargeError(reply)
        if response.status_code == 404:
            raise _NoneError(reply)
        raise DataError(f"{self._url}: {printable(reply)}")


class _Grpc:
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
        except _AgainError as error:
            if "not supported" in str(error):  # what TensorFlow Serving says of a field it lacks
                raise _NoneError(str(error)) from error
            raise
        card = wrappers_pb2.BytesValue()
        answer.metadata["card"].Unpack(card)
        return bytes(card.value)

    def ask(self, version: int, card: Card, signal: Float32Array) -> tuple[Float32Array, str]:
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = SIGNATURE
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
            if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in words:
                raise _TooLargeError(words) from error
            if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise _LateError(words) from error
            if code is grpc.StatusCode.NOT_FOUND:
                raise _NoneError(words) from error
            if code.name in ("UNIMPLEMENTED", "PERMISSION_DENIED", "UNAUTHENTICATED"):
                raise DataError(f"{self._host}: {printable(words)}") from error
            raise _AgainError(words) from error
        return answer, dict(reply.trailing_metadata() or ()).get("x-model-mark", "")


@contextlib.contextmanager
def _understood(place: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        what = shortened(f"{type(error).__name__}: {error}")
        raise DataError(f"{place}: not the answer of TensorFlow Serving: {what}") from error
