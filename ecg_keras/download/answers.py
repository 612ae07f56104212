"""What a server's answer says, and whether it can be so.

Source: RFC 9110, sections 10.2.3 (Retry-After), 14.4 (Content-Range), 15 (status codes).
"""

from __future__ import annotations

import re
import ssl

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry
from urllib3.util.ssl_match_hostname import CertificateError

from ecg_keras.errors import DataError

# what may pass: a timeout, too early, too many requests, and the faults of servers and their fronts
_PASSING = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}
LONGEST_PAUSE = 1e9  # of a server, in seconds, to be shown as a number
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class BrokenError(Exception):
    """An attempt failed in a way that may pass; ``pause`` is what the server asked to wait."""

    def __init__(self, message: str, pause: float = 0.0, hint: str = "") -> None:
        super().__init__(message)
        self.pause = pause
        self.hint = hint


def check_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status in _PASSING:
        raise BrokenError(f"the server answered {describe(response)}", _pause(response))
    if status not in (200, 206, 416):
        raise DataError(
            f"{url}: the server answered {describe(response)}. Compare with the publisher's page."
        )
    if response.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise DataError(f"{url}: the server compresses what was asked for as it is.")


def check_promise(url: str, promised: int | None, size: int | None, limit: int) -> int | None:
    """The length that a server announces, which must be the list's, and no more than can be."""
    if promised is not None and size is not None and promised != size:
        raise DataError(
            f"{url}: the server announces {promised:,} bytes, the publisher's list {size:,}."
        )
    if promised is not None and promised > limit:
        raise DataError(
            f"{url}: the server announces {promised:,} bytes; more than {limit:,} can't be."
        )
    return promised


def announced_length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if re.fullmatch(r"\d{1,18}", text) else None


def resumed_length(response: requests.Response, have: int) -> int | None:
    """The bytes of the whole file, where the answer is all of it from byte ``have`` on."""
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None:
        return None
    first, last, whole = map(int, match.groups())
    return whole if have and (first, last + 1) == (have, whole) else None


def _pause(response: requests.Response) -> float:
    """Seconds that the server asks to wait, as a number or a date."""
    try:
        seconds = Retry(0).parse_retry_after(response.headers.get("Retry-After", ""))
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0
    return float(min(seconds, LONGEST_PAUSE))


def describe(response: requests.Response) -> str:
    return f"{response.status_code} {response.reason or ''}".strip()


def is_about_a_certificate(error: BaseException) -> bool:
    """Whether a certificate is what an error of TLS is about, and no connection that broke."""
    causes = [error]
    for one in causes:
        if isinstance(one, (ssl.SSLCertVerificationError, CertificateError)):
            return True
        inside = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        causes += [x for x in inside if isinstance(x, BaseException) and x not in causes]
    return False


def describe_error(error: BaseException) -> str:
    """The cause that says most: requests wraps what urllib3 wrapped around what the system said."""
    inner: BaseException = error
    while inner.args and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None)
    text = str(reason if isinstance(reason, BaseException) else inner)
    return re.sub(r"^.*?(?:>|\)): ", "", text)[:160] or type(error).__name__
