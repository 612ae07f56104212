"""The REST interface of TensorFlow Serving, with the card beside it.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from tensorflow.core.framework import types_pb2

from ecg_keras.serving.desk import Desk, client_left, too_late
from ecg_keras.serving.served import Arrays, RefusedError
from ecg_keras.serving.tensor_forms import parse_json, print_json

_PATH = re.compile(
    r"models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d{1,18})|/labels/(?P<label>[^/:]+))?"
    r"(?P<verb>:predict|/metadata|/card)?"
)
_METHODS = {":predict": "POST"}
# parsing JSON takes many times the memory of its text, and holds the interpreter anyway
_PARSERS = 2


def make_app(desk: Desk) -> Starlette:
    """The application that answers for a desk."""
    parsers = ThreadPoolExecutor(_PARSERS, "json")

    async def models(request: Request) -> Response:
        path = f"{request.method} {request.url.path}"
        found = _PATH.fullmatch(request.path_params["path"])
        if found is None or request.method != _METHODS.get(found["verb"], "GET"):
            raise RefusedError(f"Malformed request: {path}")
        version = None if found["version"] is None else int(found["version"])
        desk.served.check(found["name"], version, found["label"] or "")
        if found["verb"] == ":predict":
            return await _predict(desk, request, parsers)
        if found["verb"] == "/metadata":
            return JSONResponse(_metadata(desk))
        if found["verb"] == "/card":
            if desk.served.card is None:
                raise RefusedError("this SavedModel has no card", "NOT_FOUND")
            return JSONResponse(desk.served.card)
        return JSONResponse(_status(desk))

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def count(request: Request) -> Response:
        return PlainTextResponse(desk.count(), media_type="text/plain; version=0.0.4")

    async def refuse(request: Request, error: Exception) -> Response:
        status, headers = 500, {"X-Model-Mark": desk.served.mark}
        if isinstance(error, RefusedError):
            status = error.status
        elif isinstance(error, HTTPException):
            status = error.status_code
        if status in (429, 503):
            headers["Retry-After"] = "1"
        known = isinstance(error, RefusedError | HTTPException)
        message = getattr(error, "detail", str(error)) if known else "internal error"
        return JSONResponse({"error": message}, status, headers)

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/monitoring/prometheus/metrics", count),
            Route("/v1/{path:path}", models, methods=["GET", "POST"]),
        ],
        exception_handlers={RefusedError: refuse, HTTPException: refuse, Exception: refuse},
    )


async def _predict(desk: Desk, request: Request, parsers: ThreadPoolExecutor) -> Response:
    in_thread = functools.partial(asyncio.get_running_loop().run_in_executor, parsers)
    with desk.admitted("rest") as until:
        body = await _read_body(desk, request)
        signature, inputs, in_rows = await in_thread(parse_json, body, desk.served)
        del body
        future = asyncio.wrap_future(desk.batcher.submit(signature, inputs))
        outputs = await _wait(desk, request, future, until)
        answer = await in_thread(print_json, outputs, in_rows)
    headers = {"X-Model-Mark": desk.served.mark}
    return Response(answer, media_type="application/json", headers=headers)


async def _wait(
    desk: Desk, request: Request, future: asyncio.Future[Arrays], until: float
) -> Arrays:
    """The outputs, unless time is up or the client leaves: then the network isn't asked."""
    # behind a whole body nothing else comes
    leaves: asyncio.Future[Any] = asyncio.ensure_future(request.receive())
    either: set[asyncio.Future[Any]] = {future, leaves}
    try:
        seconds = until - time.monotonic()
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        raise too_late(desk.limits) if not leaves.done() else client_left()
    finally:
        leaves.cancel()
        future.cancel()


async def _read_body(desk: Desk, request: Request) -> bytes:
    """The body, of which no more is kept than is allowed: the rest is read and dropped, so that
    the client learns why.
    """
    most = desk.limits.request_bytes
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError("the body must not be compressed", status=415)

    async def read() -> list[bytes]:
        parts, length = [], 0
        async for part in request.stream():
            length += len(part)
            if length <= most:
                parts.append(part)
            else:
                parts.clear()
        if length > most:
            raise RefusedError(f"a request has at most {most:,} bytes", status=413)
        return parts

    try:
        return b"".join(await asyncio.wait_for(read(), desk.limits.seconds))
    except asyncio.TimeoutError as error:
        what = f"the request did not arrive within {desk.limits.seconds:g} s"
        raise RefusedError(what, "DEADLINE_EXCEEDED", 408) from error
    except ClientDisconnect as error:
        raise client_left() from error


def _status(desk: Desk) -> dict[str, Any]:
    return {
        "model_version_status": [
            {
                "version": f"{desk.served.version}",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def _metadata(desk: Desk) -> dict[str, Any]:
    """As protocol buffers are written as JSON, with fields at their defaults."""
    served = desk.served
    signatures = {
        name: {
            "inputs": {key: _describe(one) for key, one in definition.inputs.items()},
            "outputs": {key: _describe(one) for key, one in definition.outputs.items()},
            "method_name": definition.method_name,
        }
        for name, definition in served.definitions.items()
    }
    spec = {"name": served.name, "signature_name": "", "version": f"{served.version}"}
    return {
        "model_spec": spec,
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _describe(tensor: Any) -> Mapping[str, Any]:
    shape = tensor.tensor_shape
    return {
        "dtype": types_pb2.DataType.Name(tensor.dtype),
        "tensor_shape": {
            "dim": [{"size": f"{one.size}", "name": one.name} for one in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": tensor.name,
    }
