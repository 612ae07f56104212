"""One file over HTTP into a partial file, however often the connection breaks.

What a server says is checked before it is believed: a range must begin where the partial file ends,
lengths must agree with the list, and nobody gets to send more than was promised. What came is not
judged here: the checksum does that.

Sources: RFC 9110, sections 13.1.5 (If-Range), 14.2 (Range).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import requests

from ecg_keras.download.answers import (
    BrokenError,
    announced_length,
    check_amount,
    check_end,
    check_promise,
    describe,
    resumed_length,
)
from ecg_keras.download.asking import ask, new_session
from ecg_keras.errors import DataError
from ecg_keras.text import plural

PIECE = 1 << 15
# a connection that broke after so many bytes was worth it: patience starts anew
PROGRESS = 1 << 20


@dataclass(frozen=True)
class Patience:
    """How long to put up with a server.

    Args:
        retries: how often one file is asked for again without getting anywhere.
        wait: seconds before the first of these; each further wait is twice as long.
        longest_wait: seconds; a server that asks for a longer pause is given up.
        connect, silence: seconds for a connection to stand, and between two pieces of a file.
    """

    retries: int = 5
    wait: float = 1.0
    longest_wait: float = 120.0
    connect: float = 15.0
    silence: float = 30.0


class Stopped(Exception):
    """Nothing went wrong: the download was stopped from outside."""


class Receiver:
    """Fetches files; one for each thread, because it keeps its connection open.

    Args:
        patience: with servers.
        stop: when set, everything ends with `Stopped`.
        on_bytes: called with the number of bytes of each piece that came, and with a negative
            number where pieces had to be thrown away.
        on_wait: called with the reason before each pause.
    """

    def __init__(
        self,
        patience: Patience,
        stop: threading.Event,
        on_bytes: Callable[[int], None] = lambda count: None,
        on_wait: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.patience = patience
        self.stop = stop
        self.on_bytes = on_bytes
        self.on_wait = on_wait
        self.session = new_session()

    def close(self) -> None:
        """Gives the connections back."""
        self.session.close()

    def receive(self, url: str, part: Path, *, size: int | None, limit: int) -> None:
        """Fetches a file, going on where the partial file ends.

        Args:
            url: of the file.
            part: the partial file; afterwards it is as long as the server says the file is.
            size: in bytes, where the publisher's list tells.
            limit: bytes that are never exceeded, whatever the server promises.

        Raises:
            DataError: the file isn't there, the server contradicts itself or the list, or patience
                is at an end. The message names the URL.
            Stopped: the download was stopped.
            OSError: the partial file can't be written.
        """
        limit = limit if size is None else size
        self._persist(url, part, lambda: self._attempt(url, part, size, limit))

    def read(self, url: str, limit: int) -> bytes:
        """The bytes behind a URL, at most ``limit`` of them.

        Raises:
            DataError, Stopped: as `receive`.
        """
        content = b""

        def attempt() -> None:
            nonlocal content
            with self._ask(url, {}) as response:
                if response.status_code != 200:
                    raise BrokenError(f"the server answered {describe(response)}")
                promised = announced_length(response)
                check_promise(url, promised, None, limit)
                pieces, have = [], 0
                for piece in self._pieces(response):
                    have += len(piece)
                    check_amount(url, have, promised, limit)
                    pieces.append(piece)
                check_end(have, promised)
                content = b"".join(pieces)

        self._persist(url, None, attempt)
        return content

    def _persist(self, url: str, part: Path | None, attempt: Callable[[], None]) -> None:
        failures, wait = 0, self.patience.wait
        while True:
            before = _size(part)
            try:
                attempt()
                return
            except BrokenError as error:
                if _size(part) - before >= PROGRESS:
                    failures, wait = 0, self.patience.wait
                failures += 1
                pause = max(min(wait, self.patience.longest_wait), error.pause)
                if failures > self.patience.retries or pause > self.patience.longest_wait:
                    asked = f" and asks for {error.pause:.0f} s" if error.pause else ""
                    raise DataError(
                        f"{url}: {error}{asked}. Given up after "
                        f"{plural(failures, 'try', 'tries')}.{error.hint}"
                    ) from error
                self.on_wait(f"{url}: {error}; again in {pause:.0f} s")
            if self.stop.wait(pause):
                raise Stopped
            wait *= 2

    def _attempt(self, url: str, part: Path, size: int | None, limit: int) -> None:
        have = _size(part)
        if size is not None and have > size:
            have = self._throw_away(part)
        if have and have == size:
            return
        with self._ask(url, _rest(part, have)) as response:
            status = response.status_code
            if status == 416:  # there is nothing after what we have: all of it, or of another file
                if response.headers.get("Content-Range") != f"bytes */{have}":
                    self._throw_away(part)
                    raise BrokenError("the server has changed the file, or refuses to continue")
                check_promise(url, have, size, limit)
                return
            if status == 206:
                promised = resumed_length(response, have)
                if promised is None:
                    self._throw_away(part)
                    raise BrokenError("the server sent another range than was asked for")
            else:
                promised = announced_length(response)
                have = self._throw_away(part)
            check_promise(url, promised, size, limit)
            if have == 0:
                _remember_version(part, response)
            with part.open("ab") as stream:
                for piece in self._pieces(response):
                    have += len(piece)
                    check_amount(url, have, promised, limit)
                    stream.write(piece)
                    self.on_bytes(len(piece))
            check_end(have, promised if size is None else size)

    def _ask(self, url: str, headers: dict[str, str]) -> AbstractContextManager[requests.Response]:
        timeout = (self.patience.connect, self.patience.silence)
        return ask(self.session, url, headers, timeout)

    def _throw_away(self, part: Path) -> int:
        if lost := _size(part):
            self.on_bytes(-lost)
        forget_part(part)
        return 0

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        for piece in response.iter_content(PIECE):
            if self.stop.is_set():
                raise Stopped
            yield piece


def _rest(part: Path, have: int) -> dict[str, str]:
    if not have:
        return {}
    headers = {"Range": f"bytes={have}-"}
    if _version_file(part).is_file():
        headers["If-Range"] = _version_file(part).read_text(encoding="latin-1")
    return headers


def _remember_version(part: Path, response: requests.Response) -> None:
    """Keeps what tells this version of the file from another, so that no two are joined."""
    version = response.headers.get("ETag", "")
    if not version or version.startswith("W/"):
        version = response.headers.get("Last-Modified", "")
    if version:
        _version_file(part).write_text(version, encoding="latin-1")


def forget_part(part: Path) -> None:
    """Deletes a partial file, and what `Receiver.receive` keeps beside it."""
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)


def _version_file(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def _size(part: Path | None) -> int:
    try:
        return part.stat().st_size if part is not None else 0
    except FileNotFoundError:
        return 0
