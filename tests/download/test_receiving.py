"""One file from servers that break off, lie, stall and change their minds."""

import contextlib
import itertools
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
import requests
from download_server import HURRIED, serving
from urllib3.exceptions import MaxRetryError, SSLError
from urllib3.util.ssl_match_hostname import CertificateError

from ecg_keras.download.answers import is_about_a_certificate
from ecg_keras.download.receiving import Receiver, Stopped
from ecg_keras.errors import DataError

CONTENT = bytes(range(256)) * 1024  # 256 KiB
ROOM = 1 << 22


@pytest.fixture
def site():
    with serving() as site:
        site.files["file"] = CONTENT
        yield site


@pytest.fixture
def receive(site, tmp_path):
    """Fetches `file` into a partial file and gives its content."""

    def run(**settings):
        part = tmp_path / "file.part"
        receiver = Receiver(HURRIED, threading.Event())
        receiver.receive(site.url + "file", part, **{"size": None, "limit": ROOM, **settings})
        return part.read_bytes()

    return run


def test_a_whole_file_comes_in_one_request(receive, site):
    assert receive() == CONTENT
    (asked,) = site.asked
    assert asked.headers["Accept-Encoding"] == "identity"
    assert asked.headers["User-Agent"].startswith("ecg-keras/")


def test_a_dropped_connection_goes_on_where_it_broke(receive, site):
    site.fail("file", [("drop", 100_000), ("drop", 100_000)])
    assert receive() == CONTENT
    starts = [one.headers.get("Range") for one in site.asked]
    assert starts[0] is None
    assert all(start.startswith("bytes=") for start in starts[1:])
    assert site.sent() < len(CONTENT) + 3 * 65_536
    assert {one.headers.get("If-Range") for one in site.asked[1:]} == {'"one"'}


def test_a_part_of_an_earlier_run_is_gone_on_with(receive, site, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT[:200_000])
    assert receive(size=len(CONTENT)) == CONTENT
    missing = len(CONTENT) - 200_000
    assert site.sent(expected=missing) == missing


def test_a_part_that_is_whole_is_not_asked_for(receive, site, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert receive(size=len(CONTENT)) == CONTENT
    assert site.asked == []


def test_a_part_that_is_whole_is_noticed_where_the_list_tells_no_size(receive, site, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert receive() == CONTENT
    assert site.sent() == 0


def test_a_part_that_is_too_long_is_thrown_away(receive, site, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    assert receive(size=len(CONTENT)) == CONTENT
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    assert receive() == CONTENT


def test_a_server_that_ignores_ranges_starts_over(receive, site, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 200_000)
    site.fail("file", [("no range", None)])
    assert receive() == CONTENT
    assert site.sent() == len(CONTENT)


def test_a_server_that_sends_another_range_is_asked_for_all(receive, site, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    site.fail("file", [("shifted", 5)])
    assert receive() == CONTENT


def test_two_versions_of_a_file_are_never_joined(receive, site, tmp_path):
    site.fail("file", [("drop", 100_000), ("status", (404, {}))])
    with pytest.raises(DataError, match="404"):
        receive()
    assert (tmp_path / "file.part").stat().st_size > 0
    site.files["file"], site.version = CONTENT[::-1], '"two"'
    assert receive() == CONTENT[::-1]
    assert site.asked[-1].headers["If-Range"] == '"one"'


def test_faults_of_the_server_pass(receive, site):
    site.fail("file", [("status", (500, {})), ("status", (503, {})), ("status", (429, {}))])
    assert receive() == CONTENT
    assert len(site.asked) == 4


def test_a_server_that_asks_for_a_pause_gets_it(site, tmp_path):
    waits = []

    class Watch(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            return False

    site.fail("file", [("status", (429, {"Retry-After": "1"}))])
    receiver = Receiver(HURRIED, Watch())
    receiver.receive(site.url + "file", tmp_path / "part", size=None, limit=ROOM)
    assert waits == [1.0]


def test_a_server_that_asks_for_too_long_a_pause_is_given_up(receive, site):
    site.fail("file", [("status", (503, {"Retry-After": "7200"}))])
    with pytest.raises(DataError, match=r"/file: the server answered 503 .* asks for 7200 s\. Giv"):
        receive()
    assert len(site.asked) == 1
    site.fail("file", [("status", (503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}))])
    with pytest.raises(DataError, match="asks for"):
        receive()
    # more than a float holds; what is made of it depends on the version of urllib3
    site.fail("file", [("status", (503, {"Retry-After": "9" * 400}))])
    with pytest.raises(DataError, match=r"asks for \d{5,10} s"):
        receive()
    site.fail("file", [("status", (503, {"Retry-After": "soon"}))])
    assert receive() == CONTENT


def test_patience_has_an_end(receive, site):
    site.fail("file", itertools.repeat(("status", (502, {}))))
    with pytest.raises(DataError, match=r"/file: the server answered 502 .*Given up after 4 tries"):
        receive()
    assert len(site.asked) == 4


def test_patience_is_new_after_progress(receive, site):
    site.files["file"] = CONTENT * 40  # 10 MiB
    site.fail("file", itertools.repeat(("drop", 1_500_000), 6))
    assert receive(limit=1 << 30) == CONTENT * 40
    assert len(site.asked) == 7


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_there_is_not_asked_for_again(receive, site, status):
    site.fail("file", [("status", (status, {}))])
    with pytest.raises(DataError, match=rf"http://127.*/file: the server answered {status} "):
        receive()
    assert len(site.asked) == 1


def test_a_server_that_promises_more_than_it_sends_is_noticed(receive, site):
    site.fail("file", itertools.repeat(("announce", 5)))
    assert receive() == CONTENT  # asked for the rest it says that there is none


def test_a_server_that_never_sends_what_it_promises_is_given_up(receive, site):
    site.fail("file", itertools.repeat(("half", None)))
    with pytest.raises(DataError, match=r"/file: the connection failed: .*Given up after 4 tries"):
        receive()


def test_a_server_that_announces_another_size_than_the_list_is_refused(receive, site):
    for lie in (-5, 5):
        site.fail("file", [("announce", lie)])
        with pytest.raises(DataError, match=r"announces 262,1.. bytes, the publisher's list 262,1"):
            receive(size=len(CONTENT))


def test_nobody_sends_more_than_can_be(receive, site):
    with pytest.raises(DataError, match="announces 262,144 bytes; more than 1,000 can't be"):
        receive(limit=1000)
    site.fail("file", [("endless", None)])
    with pytest.raises(DataError, match="sends more than the 500,000 bytes that can be"):
        receive(limit=500_000)
    assert site.sent() < 30_000_000


def test_a_server_that_is_not_there_is_named(tmp_path):
    receiver = Receiver(HURRIED, threading.Event())
    with pytest.raises(DataError, match=r"^http://127.0.0.1:9/x: the connection .*refused.*PROXY"):
        receiver.receive("http://127.0.0.1:9/x", tmp_path / "part", size=None, limit=ROOM)


def test_a_redirect_is_followed(receive, site):
    site.files["elsewhere"] = CONTENT[::-1]
    site.fail("file", [("redirect", "/elsewhere")])
    assert receive() == CONTENT[::-1]


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "http://[bad"]
)
def test_a_redirect_leads_only_to_the_web(receive, site, target):
    site.fail("file", [("redirect", target)])
    with pytest.raises(DataError, match="leads on to "):
        receive()
    assert len(site.asked) == 1


def test_a_server_that_cannot_prove_who_it_is_gets_no_question(site, tmp_path, monkeypatch):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate that nobody signed")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {tmp_path}/key -out {tmp_path}/certificate"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with serving(context) as secure:
        secure.files["file"] = CONTENT
        receiver = Receiver(HURRIED, threading.Event())
        with pytest.raises(DataError, match=r"can't prove that it is who it says: .*certificate"):
            receiver.read(secure.url + "file", ROOM)
        assert secure.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate"))
        assert receiver.read(secure.url + "file", ROOM) == CONTENT
        site.files["file"] = CONTENT
        secure.fail("file", [("redirect", site.url + "file")])
        with pytest.raises(DataError, match="only https may follow https"):
            receiver.read(secure.url + "file", ROOM)
        assert site.asked == []
        receiver.close()


def test_a_connection_that_breaks_in_the_handshake_is_tried_again():
    accepted = []

    def drop(listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                accepted.append(connection.recv(1 << 16))
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drop, args=(listener,), daemon=True)
        thread.start()
        receiver = Receiver(HURRIED, threading.Event())
        with pytest.raises(DataError, match=r"the connection failed: .*Given up after 4 tries"):
            receiver.read(f"https://127.0.0.1:{listener.getsockname()[1]}/file", ROOM)
        receiver.close()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert len(accepted) == 4


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), True),
        (CertificateError("hostname 'a' doesn't match 'b'"), True),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), False),
        (ssl.SSLError(1, "[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] bad record mac"), False),
    ],
)
def test_a_certificate_is_told_from_a_broken_connection(inner, found):
    wrapped = MaxRetryError(None, "/file", SSLError(inner))
    assert is_about_a_certificate(requests.exceptions.SSLError(wrapped)) is found


def test_redirects_end(receive, site):
    site.fail("file", itertools.repeat(("redirect", "/file")))
    with pytest.raises(DataError, match="more than 5 redirects"):
        receive()
    assert len(site.asked) == 6


def test_a_compressed_answer_is_refused(receive, site):
    site.fail("file", [("packed", None)])
    with pytest.raises(DataError, match="compresses what was asked for as it is"):
        receive()


def test_a_silent_server_is_left(site, tmp_path):
    patience = type(HURRIED)(retries=1, wait=0.01, silence=0.2)
    site.fail("file", itertools.repeat(("slow", 0.6)))
    with pytest.raises(DataError, match=r"connection failed.*timed out"):
        Receiver(patience, threading.Event()).receive(
            site.url + "file", tmp_path / "part", size=None, limit=ROOM
        )


def test_a_stop_ends_it_at_once(site, tmp_path):
    stop = threading.Event()
    receiver = Receiver(HURRIED, stop, lambda count: stop.set())
    with pytest.raises(Stopped):
        receiver.receive(site.url + "file", tmp_path / "part", size=None, limit=ROOM)
    assert 0 < (tmp_path / "part").stat().st_size < len(CONTENT)


def test_what_came_is_counted(site, tmp_path):
    counts = []
    (tmp_path / "part").write_bytes(b"x" * 1000)
    site.fail("file", [("no range", None)])
    receiver = Receiver(HURRIED, threading.Event(), counts.append)
    receiver.receive(site.url + "file", tmp_path / "part", size=None, limit=ROOM)
    assert counts[0] == -1000
    assert sum(counts) == len(CONTENT) - 1000


def test_a_text_is_read_whole_or_not_at_all(site):
    receiver = Receiver(HURRIED, threading.Event())
    site.fail("file", [("drop", 1000), ("status", (500, {}))])
    assert receiver.read(site.url + "file", ROOM) == CONTENT
    with pytest.raises(DataError, match="more than 10 can't be"):
        receiver.read(site.url + "file", 10)
    site.fail("file", [("endless", None)])
    with pytest.raises(DataError, match="sends more than the 300,000 bytes"):
        receiver.read(site.url + "file", 300_000)
    with pytest.raises(DataError, match="/none: the server answered 404 Not Found"):
        receiver.read(site.url + "none", ROOM)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "nonsense", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(DataError, match="not an address that can be fetched"):
        Receiver(HURRIED, threading.Event()).read(url, ROOM)
