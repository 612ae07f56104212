"""The gRPC interface of TensorFlow Serving: Predict, GetModelMetadata and GetModelStatus.

The card is one more field of the metadata, ``card``: the bytes of a JSON object.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import (
    CancelledError,
    ThreadPoolExecutor,
    TimeoutError as LateError,
)
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import wrappers_pb2
from tensorflow_serving.apis import (  # type: ignore[import-untyped]
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from ecg_keras.errors import ConfigError
from ecg_keras.serving.desk import Desk, client_left, too_late
from ecg_keras.serving.served import RefusedError
from ecg_keras.serving.tensor_forms import check_wanted, parse_tensors, print_tensors

# of a message besides its tensors
_REST = 1 << 16


class _Services(
    prediction_service_pb2_grpc.PredictionServiceServicer,  # type: ignore[misc]
    model_service_pb2_grpc.ModelServiceServicer,  # type: ignore[misc]
):
    """What a desk answers; other calls of these services are unimplemented."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def Predict(self, request: Any, context: Any) -> Any:
        with self._refusing(context), self._desk.admitted("grpc") as until:
            served, limits = self._desk.served, self._desk.limits
            self._check(request.model_spec)
            signature = served.signature(request.model_spec.signature_name)
            wanted = tuple(request.output_filter)
            check_wanted(signature, wanted)
            inputs = parse_tensors(request.inputs, signature, limits.request_bytes)
            future = self._desk.batcher.submit(signature, inputs)
            if not context.add_callback(future.cancel):
                future.cancel()
            left = until - time.monotonic()
            try:
                outputs = future.result(min(left, context.time_remaining() or left))
            except CancelledError as error:
                raise client_left() from error
            except LateError as error:
                future.cancel()
                raise too_late(limits) from error
            answer = predict_pb2.PredictResponse()
            self._name(answer.model_spec, signature.name)
            print_tensors(outputs, signature, wanted, answer.outputs)
            return answer

    def GetModelMetadata(self, request: Any, context: Any) -> Any:
        with self._refusing(context):
            self._check(request.model_spec)
            served, answer = self._desk.served, get_model_metadata_pb2.GetModelMetadataResponse()
            self._name(answer.model_spec, "")
            known: dict[str, Any] = {}
            known["signature_def"] = get_model_metadata_pb2.SignatureDefMap()
            for name, definition in served.definitions.items():
                known["signature_def"].signature_def[name].CopyFrom(definition)
            if served.card is not None:
                known["card"] = wrappers_pb2.BytesValue(value=json.dumps(served.card).encode())
            for name in request.metadata_field:
                if name not in known:
                    raise RefusedError(f"Metadata field {name} is not supported")
                answer.metadata[name].Pack(known[name])
            return answer

    def GetModelStatus(self, request: Any, context: Any) -> Any:
        with self._refusing(context):
            self._check(request.model_spec)
            answer = get_model_status_pb2.GetModelStatusResponse()
            one = answer.model_version_status.add()
            one.version = self._desk.served.version
            one.state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
            return answer

    def _check(self, spec: Any) -> None:
        version = spec.version.value if spec.HasField("version") else None
        self._desk.served.check(spec.name, version, spec.version_label)

    def _name(self, spec: Any, signature: str) -> None:
        served = self._desk.served
        spec.name, spec.version.value, spec.signature_name = served.name, served.version, signature

    @contextmanager
    def _refusing(self, context: Any) -> Iterator[None]:
        context.set_trailing_metadata((("x-model-mark", self._desk.served.mark),))
        try:
            yield
        except RefusedError as error:
            context.abort(grpc.StatusCode[error.code], str(error))


def start_grpc(desk: Desk, host: str, port: int) -> tuple[grpc.Server, int]:
    """A server that answers for a desk, and its port."""
    most = desk.limits.requests
    # else another server on the same port would take every other request
    options = [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", desk.limits.request_bytes + _REST),
    ]
    server = grpc.server(
        ThreadPoolExecutor(most, "grpc"), options=options, maximum_concurrent_rpcs=most
    )
    services = _Services(desk)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    try:
        bound = server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        raise ConfigError(
            f"gRPC can't listen on port {port} of {host}: is another server there? Choose another "
            "port: --grpc-port (grpc_port)."
        ) from error
    server.start()
    return server, bound
