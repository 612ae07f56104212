"""What both interfaces share: the model, its limits, its batches, and what is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ecg_keras.errors import ConfigError
from ecg_keras.serving.batching import Batcher
from ecg_keras.serving.served import RefusedError, ServedModel

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Limits:
    """What a server takes upon itself at most.

    Attributes:
        request_bytes: of the body of a request, also of each tensor in it; more gets 413.
        seconds: for a request to arrive and be answered; more gets 408 or 504.
        requests: at once, in REST and gRPC together; more get 429.
        batch_rows: ECGs in one batch; requests of several clients are merged up to it.
        batch_delay: seconds that a request waits for others. Those that arrive while a batch is
            computed are merged without any.
        grace: seconds that requests have to finish when the server is stopped.

    Raises:
        ConfigError: one is not above 0; ``batch_delay`` may be 0.

    Example:
        >>> Limits(requests=8).batch_rows
        64
    """

    request_bytes: int = 64 << 20
    seconds: float = 30.0
    requests: int = 64
    batch_rows: int = 64
    batch_delay: float = 0.0
    grace: float = 10.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (0 < value < 1e12 or (value == 0 and one.name == "batch_delay")):
                raise ConfigError(f"{one.name} must be above 0. Received: {value}.")


class Desk:
    """Takes requests as far as the limits allow, and counts them; the batcher answers them."""

    def __init__(self, served: ServedModel, limits: Limits) -> None:
        self.served, self.limits = served, limits
        self.registry = CollectorRegistry()
        self._places = threading.BoundedSemaphore(limits.requests)
        into = self.registry
        self._answered = Counter(
            "ecg_keras_requests", "Requests to predict.", ["api", "code"], registry=into
        )
        self._seconds = Histogram(
            "ecg_keras_request_seconds", "From a request to its answer.", ["api"], registry=into
        )
        self._now = Gauge("ecg_keras_requests_now", "Requests being answered.", registry=into)
        rows = Histogram(
            "ecg_keras_batch_rows", "ECGs in each batch.", registry=into, buckets=_ROWS
        )
        model = Gauge("ecg_keras_model", "The model.", ["name", "version"], registry=into)
        model.labels(served.name, f"{served.version}").set(1)
        self.batcher = Batcher(limits.batch_rows, limits.batch_delay, rows.observe)

    @contextmanager
    def admitted(self, api: str) -> Iterator[float]:
        """Counts a request, which has until the time that is returned; too many are refused."""
        start, code = time.monotonic(), "INTERNAL"
        try:
            if not self._places.acquire(blocking=False):
                most = self.limits.requests
                raise RefusedError(
                    f"the server answers {most} requests at once: try later", "RESOURCE_EXHAUSTED"
                )
            try:
                with self._now.track_inprogress():
                    yield start + self.limits.seconds
            finally:
                self._places.release()
            code = "OK"
        except RefusedError as error:
            code = error.code
            raise
        finally:
            self._answered.labels(api, code).inc()
            self._seconds.labels(api).observe(time.monotonic() - start)

    def count(self) -> bytes:
        """What was counted, in the text format of Prometheus."""
        return generate_latest(self.registry)


def too_late(limits: Limits) -> RefusedError:
    """What a request gets that is not answered in time."""
    return RefusedError(f"not answered within {limits.seconds:g} s", "DEADLINE_EXCEEDED")


def client_left() -> RefusedError:
    """What a request counts as whose client no longer waits."""
    return RefusedError("the client left", "CANCELLED")
