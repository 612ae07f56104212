"""A server from its start to its end."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2  # type: ignore[import-untyped]

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.serving.desk import Desk, Limits
from ecg_keras.serving.grpc_services import start_grpc
from ecg_keras.serving.rest_server import start_rest
from ecg_keras.serving.served import RefusedError, open_model
from ecg_keras.serving.tensor_forms import parse_tensors

# seconds for refusals to be sent, when the requests have had theirs
_LAST = 1
# as many as TensorFlow Serving takes
_WARMUP_REQUESTS, _WARMUP_BYTES = 1000, 1 << 30


@dataclass(frozen=True)
class Addresses:
    """A server that answers.

    Attributes:
        rest: the URL of its model, which `ecg_keras.predict` takes.
        grpc: the same for gRPC.
        metrics: the URL of what it counts.
        version: of the SavedModel.
        signatures: names of what it may be asked for.
    """

    rest: str
    grpc: str
    metrics: str
    version: int
    signatures: tuple[str, ...]


@contextmanager
def running_server(
    place: str | Path,
    *,
    name: str = "ecg",
    host: str = "127.0.0.1",
    port: int = 8501,
    grpc_port: int = 8500,
    limits: Limits | None = None,
    mark: str | None = None,
) -> Iterator[Addresses]:
    """A server of a SavedModel that runs while the block does, in threads of this process.

    Args:
        place: a version folder of a SavedModel, or the folder of its versions: the highest counts.
        name: by which clients ask for it.
        host: the address to listen on; by default this machine alone can ask.
        port, grpc_port: of REST and gRPC; 0 takes one that is free.
        limits: what it takes upon itself at most; the defaults of `Limits` if not given.
        mark: 64 hex digits that are others for another network, by which clients see that it is
            still the same; by default those of the SavedModel's files.

    Yields:
        Where it is. At the end it takes no new request, and those that it has get `Limits.grace`
        seconds; then they are refused.

    Raises:
        ConfigError: a port is taken, or the name is none.
        DataError: there is no SavedModel that opens.

    Example:
        >>> with running_server("runs/quickstart/saved_model") as server:  # doctest: +SKIP
        ...     answers = ecg_keras.predict(server.rest, "incoming/")
    """
    if not name or set(name) & set("/:%?#") or not name.isprintable():
        raise ConfigError(f"a model's name has none of / : % ? #. Received: {name!r}.")
    listening = _listen(host, port)
    with closing(listening):
        desk = Desk(open_model(Path(place), name, mark), limits or Limits())
        with answering(desk, listening, host, grpc_port) as running:
            yield running


@contextmanager
def answering(
    desk: Desk, listening: socket.socket, host: str, grpc_port: int
) -> Iterator[Addresses]:
    """Both interfaces of a desk, after its warm-up requests and until what it has is answered."""
    limits, served = desk.limits, desk.served
    with closing(desk.batcher):
        _warm_up(desk)
        grpc_server, grpc_bound = start_grpc(desk, host, grpc_port)
        try:
            rest_server = start_rest(desk, listening, limits.grace + _LAST)
        except ConfigError:
            grpc_server.stop(None).wait()
            raise
        place = f"[{host}]" if ":" in host else host
        url = f"http://{place}:{listening.getsockname()[1]}"
        try:
            yield Addresses(
                f"{url}/v1/models/{served.name}",
                f"grpc://{place}:{grpc_bound}/{served.name}",
                f"{url}/monitoring/prometheus/metrics",
                served.version,
                tuple(sorted(served.signatures)),
            )
        finally:
            until = time.monotonic() + limits.grace
            rest_server.stop()
            grpc_end = grpc_server.stop(limits.grace + _LAST)
            grpc_end.wait(limits.grace)
            rest_server.wait(max(0.0, until - time.monotonic()))
            desk.batcher.close()
            grpc_end.wait()
            rest_server.wait()


def _warm_up(desk: Desk) -> None:
    """Asks what a SavedModel brings to be asked first, so that no client waits for it."""
    served = desk.served
    file = served.folder / "assets.extra" / "tf_serving_warmup_requests"
    if not file.is_file():
        return
    try:
        for record in tf.data.TFRecordDataset(str(file)).take(_WARMUP_REQUESTS):
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            request = log.predict_log.request
            signature = served.signature(request.model_spec.signature_name)
            inputs = parse_tensors(request.inputs, signature, _WARMUP_BYTES)
            desk.batcher.submit(signature, inputs).result()
    except (RefusedError, DecodeError, tf.errors.OpError) as error:
        raise DataError(f"{file}: a warm-up request gets no answer: {error}. Export again.") from (
            error
        )


def serve(
    place: str | Path,
    *,
    name: str = "ecg",
    host: str = "127.0.0.1",
    port: int = 8501,
    grpc_port: int = 8500,
    limits: Limits | None = None,
    mark: str | None = None,
    on_start: Callable[[Addresses], None] = print,
) -> None:
    """Serves a SavedModel until the process gets SIGTERM or Ctrl-C, then ends in order.

    Args:
        place, name, host, port, grpc_port, limits, mark: as of `running_server`.
        on_start: called when it answers.

    Raises:
        ConfigError, DataError: as of `running_server`.

    Example:
        >>> serve("runs/quickstart/saved_model", port=9001)  # doctest: +SKIP
    """
    stop = threading.Event()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def end(kind: int, frame: FrameType | None) -> None:
        stop.set()
        for one in kinds:  # a second one ends it at once
            signal.signal(one, signal.SIG_DFL)

    for kind in kinds:
        signal.signal(kind, end)
    try:
        with running_server(
            place, name=name, host=host, port=port, grpc_port=grpc_port, limits=limits, mark=mark
        ) as running:
            on_start(running)
            stop.wait()
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers without a delay only where a socket says that it is of TCP
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would share the port with another server
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))  # clients are refused, not kept waiting, until it answers
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"REST can't listen on port {port} of {host}: {error.strerror}. Choose another port: "
            "--port (port)."
        ) from error
    return listening
