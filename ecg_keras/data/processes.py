"""Work shared out to processes that start without TensorFlow and end with the one that asked.

Where there is a fork server, they start in milliseconds: it imports what they need once, while the
process that asked has something else to do. Elsewhere each imports it anew.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from ecg_keras.errors import DataError

# how often what the processes counted is looked at
SECONDS = 0.1

Item = TypeVar("Item")
Result = TypeVar("Result")

# of a process that works for another: how many steps all of them did, and whether to stop
_counter: Any = None
_stop: Any = None


def get_ready(*modules: str) -> None:
    """Begins to start what `run_in_processes` needs, and does not wait for it.

    Args:
        modules: names of those that the work imports; only the first call's count.
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
) -> Iterator[Result]:
    """The results of a function for each item, as they come.

    Args:
        work: takes an item and a function to call with the number of its further steps. It must be
            importable.
        items: each is done as a whole by one process.
        processes: how many.
        on_steps: called in this process, a few times a second, with how many steps were done.

    Raises:
        DataError: a process was killed.
        Exception: what ``work`` raises; the others stop at their next step.
    """
    context = _context()
    counter, stop = context.Value("q", 0), context.Event()
    pool = ProcessPoolExecutor(min(processes, len(items)) or 1, context, _begin, (counter, stop))
    seen = 0
    try:
        pending = {pool.submit(_work, work, item) for item in items}
        while pending:
            done, pending = wait(pending, SECONDS, FIRST_COMPLETED)
            if further := counter.value - seen:
                seen += further
                on_steps(further)
            for one in done:
                yield one.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process that reads records was killed, perhaps for want of memory. Run the same "
            "command again, which keeps the finished shards, with fewer data.workers."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _context() -> BaseContext:
    # a fork of this process would copy TensorFlow's threads and locks in whatever state they are in
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if forks else "spawn")


class _StoppedError(Exception):
    """Nobody waits for what this process does."""


def _begin(counter: Any, stop: Any) -> None:
    """What a new process does first."""
    global _counter, _stop
    _counter, _stop = counter, stop
    # a terminal sends Ctrl-C to all processes: the one that asked tells the others to stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process when the one that started it is killed, instead of waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(work: Callable[[Item, Callable[[int], None]], Result], item: Item) -> Result:
    return work(item, _count)


def _count(steps: int) -> None:
    if _stop.is_set():
        raise _StoppedError
    with _counter.get_lock():
        _counter.value += steps
