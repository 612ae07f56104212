"""A publisher on this machine whose server can be told to misbehave, file by file."""

import hashlib
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from ecg_keras.download.receiving import Patience

HURRIED = Patience(retries=3, wait=0.01, longest_wait=1.5, connect=2, silence=2)


@dataclass
class Asked:
    """A request, and the bytes of the file that were sent for it so far."""

    path: str
    headers: dict[str, str]
    sent: int = 0


@dataclass
class Site:
    """What a server has and how it behaves.

    Args:
        url: of the server, with a slash at its end.
        files: path -> content.
        faults: path -> for each request the fault and its value, then none.
        asked: the requests so far.
        version: the ETag of every file; ``""`` leaves it out.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Iterator[tuple]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    version: str = '"one"'

    def fail(self, path: str, faults: Iterable[tuple]) -> None:
        self.faults[path] = iter(faults)

    def sent(self, ending: str = "", *, expected: int = 0) -> int:
        """The bytes that were sent, once as many as are expected were counted."""
        until = time.monotonic() + 5  # the client may be done before the server has counted
        while (sent := self._count(ending)) < expected and time.monotonic() < until:
            time.sleep(0.01)
        return sent

    def _count(self, ending: str) -> int:
        return sum(one.sent for one in self.asked if one.path.endswith(ending))

    def publish(self, place: str, files: dict[str, bytes]) -> None:
        """Files as PhysioNet has them, with their list."""
        self.files |= {f"{place}/{path}": content for path, content in files.items()}
        lines = [f"{hashlib.sha256(content).hexdigest()} {path}" for path, content in files.items()]
        self.files[f"{place}/SHA256SUMS.txt"] = ("\n".join(lines) + "\n").encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def site(self) -> Site:
        return self.server.site

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = unquote(urlsplit(self.path).path).lstrip("/")
        kind, value = next(self.site.faults.get(path, iter(())), ("", None))
        self.asked = Asked(path, dict(self.headers))
        self.site.asked.append(self.asked)
        try:
            self.answer(path, kind, value)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, path: str, kind: str, value) -> None:
        if kind == "status":
            self.empty(*value)
        elif kind == "redirect":
            self.empty(302, {"Location": value})
        elif path not in self.site.files:
            self.empty(404, {})
        else:
            self.answer_with(path, kind, value)

    def answer_with(self, path: str, kind: str, value) -> None:
        content = self.site.files[path]
        if kind == "corrupt":
            content = bytes([content[0] ^ 1]) + content[1:]
        first = self.first_byte(content, kind)
        if first is not None and first >= len(content):
            self.empty(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        body = content[first or 0 :]
        self.send_response(200 if first is None else 206)
        if first is not None:
            last = len(content) - 1
            shift = value if kind == "shifted" else 0
            self.send_header("Content-Range", f"bytes {first + shift}-{last}/{len(content)}")
        if self.site.version:
            self.send_header("ETag", self.site.version)
        if kind == "packed":
            self.send_header("Content-Encoding", "gzip")
        if kind == "endless":
            self.end_headers()
            self.send_endlessly()
            return
        announced = len(body) + (value if kind == "announce" else 0)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        if kind in ("drop", "half"):
            body = body[: value or len(body) // 2]
        broken = kind in ("drop", "half", "announce")
        self.send(body, value if kind == "slow" else 0, broken=broken)

    def first_byte(self, content: bytes, kind: str) -> int | None:
        """Where a range begins that is granted."""
        asked = self.headers.get("Range", "")
        if not asked or kind in ("no range", "half"):
            return None
        if self.headers.get("If-Range") not in (None, self.site.version):
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def empty(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, body: bytes, pause: float, *, broken: bool) -> None:
        for start in range(0, len(body), 1 << 14):
            piece = body[start : start + (1 << 14)]
            self.wfile.write(piece)
            self.asked.sent += len(piece)
            if pause:
                time.sleep(pause)
        self.close_connection = self.close_connection or broken

    def send_endlessly(self) -> None:
        self.close_connection = True
        for _ in range(2000):
            self.asked.sent += self.wfile.write(bytes(1 << 14))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A server for as long as the block lasts, by https where there is a certificate."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        scheme = "http" if context is None else "https"
        server.site = Site(f"{scheme}://127.0.0.1:{server.server_address[1]}/")
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.site
        finally:
            server.shutdown()
            thread.join()
