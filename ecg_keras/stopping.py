"""A request to end, such as a cluster's or a container's, stops what runs as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


@contextmanager
def stopping() -> Iterator[None]:
    """While the block lasts, SIGTERM raises `Terminated` in it, unless it has a meaning already.

    It has one where somebody set a handler, or asked for it to be ignored; and nothing is changed
    outside of the main thread, which alone may.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
