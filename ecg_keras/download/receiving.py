"""One file over HTTP into a partial file, however often the connection breaks.

requests and urllib3 do the transport; what a server says is checked before it is believed: a range
must begin where the partial file ends, redirects lead to the web only, and nobody sends more than
was promised. The checksum decides about what came.

Source: RFC 9110, sections 13.1.5 (If-Range), 14.2 (Range), 15.4 (redirects).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from ecg_keras import __version__
from ecg_keras.download.answers import (
    BrokenError,
    announced_length,
    check_promise,
    check_status,
    describe,
    describe_error,
    is_about_a_certificate,
    resumed_length,
)
from ecg_keras.errors import DataError
from ecg_keras.text import plural, without_user

MOST_JOBS = 16
REDIRECTS = 5
PIECE = 1 << 15
# a connection that broke after this many bytes was worth it: patience starts again
PROGRESS = 1 << 20
# the identity: sizes and ranges are of the file, not of a compressed form of it
_HEADERS = {"User-Agent": f"ecg-keras/{__version__}", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Patience:
    """How long to put up with a server, in seconds."""

    retries: int = 5  # of one file, without getting anywhere
    wait: float = 1.0  # before the first retry; each further wait is twice as long
    longest_wait: float = 120.0  # a server that asks for a longer pause is given up
    connect: float = 15.0
    silence: float = 30.0  # between two pieces of a file


class Stopped(Exception):
    """Nothing went wrong: the download was stopped from outside."""


class _Session(requests.Session):
    """Leaves redirects alone: requests would read their bodies, however long, and follow them."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Receiver:
    """Fetches files, for several threads at once; ``stop`` ends all of it with `Stopped`.

    ``on_bytes`` is called with the size of each piece that came, negative where pieces had to be
    thrown away, and ``on_wait`` with the reason before each pause. ``mirror`` has the user and
    password, if any, that URLs below it are asked with; they are in no message.
    """

    def __init__(
        self,
        patience: Patience,
        stop: threading.Event,
        on_bytes: Callable[[int], None] = lambda count: None,
        on_wait: Callable[[str], None] = lambda reason: None,
        mirror: str | None = None,
    ) -> None:
        self._mirror = mirror.rstrip("/") + "/" if mirror else ""
        self.patience = patience
        self.stop = stop
        self.on_bytes = on_bytes
        self.on_wait = on_wait
        self._session = _Session()
        self._session.headers.update(_HEADERS)
        # nothing is kept from one answer to the next, so threads can share the connections
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=MOST_JOBS))

    def close(self) -> None:
        self._session.close()

    def receive(self, url: str, part: Path, *, size: int | None, limit: int) -> None:
        """Fetches a file from where the partial file ends.

        ``size`` is the list's, and ``limit`` is never exceeded, whatever the server promises.
        """
        limit = limit if size is None else size
        self._persist(url, part, lambda: self._attempt(url, part, size, limit))

    def read(self, url: str, limit: int) -> bytes:
        """The bytes behind a URL, at most ``limit`` of them."""
        content = b""

        def attempt() -> None:
            nonlocal content
            with self._ask(url, {}) as response:
                if response.status_code != 200:
                    raise BrokenError(f"the server answered {describe(response)}")
                promised = check_promise(url, announced_length(response), None, limit)
                content = b"".join(self._body(url, response, 0, promised, limit))

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
                    request = f" and asks for {error.pause:.0f} s" if error.pause else ""
                    raise DataError(
                        f"{url}: {error}{request}. Given up after "
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
                for piece in self._body(url, response, have, promised, limit, size):
                    stream.write(piece)
                    self.on_bytes(len(piece))

    def _body(
        self,
        url: str,
        response: requests.Response,
        have: int,
        promised: int | None,
        limit: int,
        size: int | None = None,
    ) -> Iterator[bytes]:
        """The pieces of a body, no more than were promised and no fewer."""
        most = limit if promised is None else promised
        for piece in response.iter_content(PIECE):
            if self.stop.is_set():
                raise Stopped
            have += len(piece)
            if have > most:
                raise DataError(
                    f"{url}: the server sends more than the {most:,} bytes that can be."
                )
            yield piece
        end = promised if size is None else size
        if end is not None and have < end:
            raise BrokenError(f"the connection broke after {have:,} of {end:,} bytes")

    @contextmanager
    def _ask(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        """An answer that has the file, the rest of it, or says that there is no rest."""
        try:
            with self._follow(url, headers) as response:
                check_status(url, response)
                yield response
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
        ) as error:
            why = without_user(str(error))
            raise DataError(f"{url}: not an address that can be fetched: {why}.") from error
        except requests.exceptions.RequestException as error:
            if isinstance(error, requests.exceptions.SSLError) and is_about_a_certificate(error):
                raise DataError(
                    f"{url}: the server can't prove that it is who it says: "
                    f"{describe_error(error)}. If a proxy is between, name its certificate in "
                    "REQUESTS_CA_BUNDLE."
                ) from error
            message = f"the connection failed: {describe_error(error)}"
            raise BrokenError(message, hint=" Behind a proxy, set HTTPS_PROXY.") from error

    def _follow(self, url: str, headers: dict[str, str]) -> requests.Response:
        root = without_user(self._mirror)
        here = self._mirror + url[len(root) :] if url.startswith(root) else url
        timeout = (self.patience.connect, self.patience.silence)
        for _ in range(REDIRECTS + 1):
            response = self._session.get(here, headers=headers, stream=True, timeout=timeout)
            if not response.is_redirect:
                return response
            response.close()
            location = response.headers["Location"]
            try:
                there = urljoin(here, location)
                schemes = urlsplit(here).scheme, urlsplit(there).scheme
            except ValueError as error:
                raise DataError(f"{url}: leads on to {location!r}: {error}.") from error
            if schemes[1] not in ("http", "https") or schemes == ("https", "http"):
                raise DataError(
                    f"{url}: leads on to {there}, and only https may follow https. Nothing was "
                    "fetched from there."
                )
            here = there
        raise DataError(f"{url}: leads on and on: more than {REDIRECTS} redirects.")

    def _throw_away(self, part: Path) -> int:
        if lost := _size(part):
            self.on_bytes(-lost)
        forget_part(part)
        return 0


def _rest(part: Path, have: int) -> dict[str, str]:
    if not have:
        return {}
    headers = {"Range": f"bytes={have}-"}
    if _version_file(part).is_file():
        headers["If-Range"] = _version_file(part).read_text(encoding="latin-1")
    return headers


def _remember_version(part: Path, response: requests.Response) -> None:
    """Keeps what this version of the file is known by, so that no two are joined."""
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
