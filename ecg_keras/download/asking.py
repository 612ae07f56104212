"""A question over HTTP, and where its answer is allowed to come from.

Certificates are verified. Redirects are followed here, one by one: to http or https, never from
https to http, and not for ever.

Source: RFC 9110, section 15.4 (redirects).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import requests

from ecg_keras import __version__
from ecg_keras.download.answers import BrokenError, check_status, describe_error
from ecg_keras.errors import DataError

REDIRECTS = 5
# the identity: sizes and ranges are of the file, not of a compressed form of it
_HEADERS = {"User-Agent": f"ecg-keras/{__version__}", "Accept-Encoding": "identity"}


class _Session(requests.Session):
    """Leaves redirects alone: requests would read their bodies, however long, and follow them."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def new_session() -> requests.Session:
    """Connections that stay open from one question to the next; for one thread."""
    session = _Session()
    session.headers.update(_HEADERS)
    return session


@contextmanager
def ask(
    session: requests.Session, url: str, headers: dict[str, str], timeout: tuple[float, float]
) -> Iterator[requests.Response]:
    """Asks for a URL, and where that leads, and gives an answer whose body is not read yet.

    Args:
        session: from `new_session`.
        url: of a file.
        headers: besides the session's.
        timeout: seconds for the connection to stand, and between two pieces.

    Raises:
        BrokenError: the connection failed, then or while the body is read, or the server has a
            fault that may pass.
        DataError: the server isn't who it says, refuses, or leads elsewhere than it may.
    """
    try:
        with _follow(session, url, headers, timeout) as response:
            check_status(url, response)
            yield response
    except requests.exceptions.SSLError as error:
        raise DataError(
            f"{url}: the server can't prove that it is who it says: {describe_error(error)}. "
            "If a proxy stands between, name its certificate in REQUESTS_CA_BUNDLE."
        ) from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
    ) as error:
        raise DataError(f"{url}: not an address that can be fetched: {error}.") from error
    except requests.exceptions.RequestException as error:
        message = f"the connection failed: {describe_error(error)}"
        raise BrokenError(message, hint=" Behind a proxy, set HTTPS_PROXY.") from error


def _follow(
    session: requests.Session, url: str, headers: dict[str, str], timeout: tuple[float, float]
) -> requests.Response:
    here = url
    for _ in range(REDIRECTS + 1):
        response = session.get(here, headers=headers, stream=True, timeout=timeout)
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
