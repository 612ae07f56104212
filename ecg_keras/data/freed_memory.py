"""Memory that is freed and wanted again, batch after batch, stays with the process.

Each record that is read takes some 25 kB and is freed with its batch. The GNU C library gives such
memory back to the system at once, which clears each page before it lends it anew: a third of the
time of reading batches from files. A training frees as much as it takes, so there is no gain in it.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys

# of mallopt, in malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# free memory at the end of the heap that is kept: some batches of 256 records of 10 s at 500 Hz
_KEPT = 256 << 20
# smaller blocks come from the heap; the largest that is allowed, and what the library itself comes
# to when such blocks are freed
_FROM_HEAP = 32 << 20
# with these, users tell the library themselves
_OWN_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@functools.cache
def keep_freed_memory() -> None:
    """Asks the GNU C library to keep freed memory; does nothing with another or the user's own way.

    Source: GNU C Library manual, Malloc Tunable Parameters.

    Example:
        >>> keep_freed_memory()
    """
    if sys.platform != "linux" or any(name in os.environ for name in _OWN_SETTINGS):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
        library.mallopt(_MMAP_THRESHOLD, _FROM_HEAP)
