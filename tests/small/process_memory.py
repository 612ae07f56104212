"""How much memory something takes at most, whatever took more before it."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def noting_memory() -> Iterator[Callable[[], int]]:
    """A function of the KiB that this process held at most since, beyond those of before."""
    try:
        RESET.write_text("5")
        read = _read_peak
    except OSError:  # not Linux: a former peak stays, and hides whatever takes less
        read = _read_peak_of_life
    before = read()
    yield lambda: read() - before


def _read_peak() -> int:
    (line,) = [one for one in STATUS.read_text().splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1])


def _read_peak_of_life() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
