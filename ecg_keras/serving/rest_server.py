"""uvicorn, which serves REST in a thread: how many connections, how long they may take, its end."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from dataclasses import dataclass

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ecg_keras.errors import ConfigError
from ecg_keras.serving.desk import Desk
from ecg_keras.serving.rest import make_app

# connections that are open at once, also those that ask nothing
_CONNECTIONS = 1000
# seconds that a connection is kept on which nothing is asked: longer than by proxies, which would
# else ask on one that is just being closed
_KEPT = 75


@dataclass(frozen=True)
class RestServer:
    """A server that answers."""

    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        """Takes no new request."""
        self.server.should_exit = True

    def wait(self, seconds: float | None = None) -> None:
        """Until it has ended, or for so long."""
        self.thread.join(seconds)


def start_rest(desk: Desk, listening: socket.socket, grace: float) -> RestServer:
    """A server that answers for a desk; at its end requests are cut off after ``grace`` seconds."""
    config = uvicorn.Config(
        make_app(desk),
        http=_make_protocol(desk.limits.seconds),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEPT,
        timeout_graceful_shutdown=math.ceil(grace),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="rest", daemon=True
    )
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    if not server.started:
        host, port = listening.getsockname()[:2]
        raise ConfigError(
            f"REST did not start on {host}, port {port}: is another server on its port?"
        )
    return RestServer(server, thread)


def _make_protocol(seconds: float) -> type[asyncio.Protocol]:
    """HTTP of which a connection is closed where its first request, or the headers of one that was
    begun, do not come within ``seconds``.

    uvicorn waits for ever for the headers of a first request, and for those of later ones where
    a byte comes now and then: that many connections as it takes would lock everyone out.
    """

    class PunctualProtocol(H11Protocol):
        late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._unwatch()

        def _watch(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._unwatch()
            elif self.late is None and not self.transport.is_closing():
                self.late = self.loop.call_later(seconds, self.transport.close)

        def _unwatch(self) -> None:
            if self.late is not None:
                self.late.cancel()
                self.late = None

    return PunctualProtocol
