"""A network on a server that speaks TensorFlow Serving's REST or gRPC: our own, or that one.

One version is asked from the first batch to the last, so that answers of two are never mixed.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import ConfigError, DataError, printable, shortened
from ecg_keras.export import Card, parse_card
from ecg_keras.prediction.server_interfaces import (
    AgainError,
    GrpcInterface,
    LateError,
    MissingError,
    RestInterface,
    Server,
    TooLargeError,
)
from ecg_keras.prediction.trained import as_probabilities
from ecg_keras.text import without_user

Result = TypeVar("Result")
# no @ but that behind a user and password
URL = re.compile(
    r"(?P<base>https?://(?:[^/?#\s]*@)?(?:\[[^/?#\s@]+\]|[^/?#\s@:]+)(?::\d+)?(?:/[^?#\s@]*?)?"
    r"/v1/models)/(?P<name>[^/:?#\s@]+)/?"
    r"|grpc://(?P<host>[^/?#\s@]+:\d+)/(?P<rpc>[^/:?#\s@]+)"
)
# seconds before each further attempt, while a server is asked and while it is opened
_PAUSES, _FIRST_PAUSES = (0.5, 1, 2, 4, 8, 15, 15), (0.5, 1)
# of a request's samples, and of one ECG where that is more
_REQUEST_BYTES, _LARGEST_ECG = 16 << 20, 64 << 20


@dataclass(eq=False)
class Remote:
    """A network on a server: its card, its version, and how it is asked."""

    url: str  # without user and password
    card: Card
    version: int
    mark: str  # of the SavedModel, where the server gives it
    server: Server
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
            except TooLargeError as error:
                if len(part) == 1:
                    raise DataError(f"{self.url}: one ECG is too large for the server.") from error
                self.rows = len(part) // 2
        return np.concatenate(parts)

    def _ask(self, signal: Float32Array) -> Float32Array:
        def work() -> tuple[Float32Array, str]:
            try:
                return self.server.ask(self.version, self.card, signal)
            except LateError as error:
                if len(signal) > 1:
                    raise TooLargeError(str(error)) from error
                raise

        try:
            values, mark = _retry(self.url, work, _PAUSES)
        except MissingError as error:
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
        advice = ""
        if "@" in url:
            advice = (
                " gRPC takes no user and password: leave them out, or ask by https."
                if url.startswith("grpc:")
                else " In a user or password, / is written as %2F, # as %23, ? as %3F and @ as %40."
            )
        raise ConfigError(
            f"{without_user(url)}: a server's URL is http://HOST:PORT/v1/models/NAME, with http or "
            f"https, or grpc://HOST:PORT/NAME.{advice}"
        )
    server: Server = (
        GrpcInterface(found["host"], found["rpc"])
        if found["host"]
        else RestInterface(f"{found['base']}/{found['name']}")
    )
    url = without_user(url)
    try:
        version = _retry(url, server.find_version, _FIRST_PAUSES)
    except MissingError as error:
        raise DataError(f"{url}: the server has no such model: {error}") from error
    if card is not None:
        try:
            text, place = card.read_bytes(), str(card)
        except OSError as error:
            raise DataError(f"{card}: can't be read: {error.strerror}.") from error
    else:
        try:
            text, place = _retry(url, lambda: server.read_card(version), _FIRST_PAUSES), url
        except MissingError as error:
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
    except (MissingError, TooLargeError) as error:
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


def _retry(url: str, work: Callable[[], Result], pauses: tuple[float, ...]) -> Result:
    for pause in pauses:
        with contextlib.suppress(AgainError):
            return work()
        time.sleep(pause)
    try:
        return work()
    except AgainError as error:
        raise DataError(
            f"{url}: no answer in {len(pauses) + 1} attempts: {shortened(printable(f'{error}'))}. "
            "Once it answers, the same command resumes."
        ) from error
