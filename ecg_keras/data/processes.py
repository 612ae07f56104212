"""Work shared out to processes without TensorFlow, which end with this one."""

from __future__ import annotations

import ctypes
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from types import FrameType
from typing import Any, TypeVar

from ecg_keras.errors import DataError

# how often what the processes counted is looked at
_SECONDS = 0.1
# seconds that a process which was asked to end waits for the one that asked it to work
_GRACE = 5.0

Item = TypeVar("Item")
Result = TypeVar("Result")

# of a process that works for another: how many steps all of them did, and whether to stop
_counter: Any = None
_stop: Any = None


def get_ready(*modules: str) -> None:
    """Begins to start what `run_in_processes` needs, and does not wait for it. ``modules`` are
    those that the work imports; only the first call's count.
    """
    context = _context()
    if context.get_start_method() == "forkserver":
        from multiprocessing import forkserver  # not there on every system

        context.set_forkserver_preload(list(modules))
        forkserver.ensure_running()


def run_in_processes(
    work: Callable[[Item, Callable[[int], None]], Result],
    items: Sequence[Item],
    processes: int,
    on_steps: Callable[[int], None],
) -> list[Result]:
    """The results of an importable function for each item; where one raises, the others stop. It is
    called with an item, and with what reports further steps: ``on_steps`` is called here.
    """
    seen = 0
    results = []
    advice = "which keeps the finished shards, with fewer data.workers"
    with _pool(min(processes, len(items)) or 1, advice) as (pool, counter):
        pending = {pool.submit(work, item, _count) for item in items}
        while pending:
            done, pending = wait(pending, _SECONDS, FIRST_COMPLETED)
            if steps := counter.get_obj().value - seen:
                seen += steps
                on_steps(steps)
            results += [one.result() for one in done]
    return results


def stream_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Iterator[Result]:
    """The results of an importable function for each item, in their order, while it is called with
    the next ones in that many processes: no more than two a process are done and not yet taken,
    and items are taken as they are needed. With one process it is called here.

    Raises:
        DataError: a process was killed.

    Example:
        >>> list(stream_in_processes(len, ["a", "bc"], 1))
        [1, 2]
    """
    if processes == 1:
        yield from map(work, items)
        return
    left, pending = iter(items), deque[Future[Result]]()
    with _pool(processes, "with fewer workers") as (pool, _):
        while True:
            for item in itertools.islice(left, 2 * processes - len(pending)):
                pending.append(pool.submit(work, item))
            if not pending:
                return
            yield pending.popleft().result()


@contextmanager
def _pool(processes: int, advice: str) -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    """Processes that end with the block and with this process, and the counter of their steps."""
    context = _context()
    # read and written here without a lock, which a process that is killed may hold, or wait for,
    # for ever
    counter, stop = context.Value("q", 0), context.RawValue(ctypes.c_bool, False)
    pool = ProcessPoolExecutor(processes, context, _begin, (counter, stop))
    try:
        yield pool, counter
    except BrokenProcessPool as error:
        raise DataError(
            "a process that reads records was killed, perhaps for want of memory. Run the same "
            f"command again, {advice}."
        ) from error
    finally:
        stop.value = True
        pool.shutdown(cancel_futures=True)


def _context() -> BaseContext:
    # from a fork server they start in milliseconds: it imports what they need once, while the
    # process that asked has something else to do; elsewhere each imports it again
    # a fork of this process would copy TensorFlow's threads and locks in whatever state they are in
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if forks else "spawn")


class _StoppedError(Exception):
    """Nobody waits for what this process does."""


def _begin(counter: Any, stop: Any) -> None:
    """What a new process does first."""
    global _counter, _stop
    _counter, _stop = counter, stop
    # a terminal sends Ctrl-C to all processes, and a cluster its request to end: the one that asked
    # makes the others stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_soon)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_soon(number: int, frame: FrameType | None) -> None:
    """Ends this process when it is stopped, and after a while where it is asked alone."""

    def end() -> None:
        last = time.monotonic() + _GRACE
        while not _stop.value and time.monotonic() < last:
            time.sleep(_SECONDS)
        os._exit(128 + number)

    # not here: whatever was interrupted continues until then
    threading.Thread(target=end, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process when the one that started it is killed, instead of waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _count(steps: int) -> None:
    """What the work calls in its process."""
    if _stop.value:
        raise _StoppedError
    with _counter.get_lock():
        _counter.value += steps
