"""Memory of this process: what it may still take, and what it keeps when batches are freed."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

# of mallopt, in malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# free memory at the end of the heap that is kept: some batches of 256 records of 10 s at 500 Hz
_KEPT = 256 << 20
# smaller blocks come from the heap; the largest that is allowed, and what the library itself comes
# to when such blocks are freed
_FROM_HEAP = 32 << 20
# with these, users set the library themselves
_OF_USERS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
# of a system that says nothing of its memory
_ASSUMED = 4 << 30
# of a group of processes, in cgroups of version 2 and 1: its limit, what it uses, and what of that
# are files that were read and not used again, which the system gives back where memory is short
_LIMITS = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@functools.cache
def keep_freed_memory() -> None:
    """Memory that is freed and wanted again, batch after batch, stays with this process. Source:
    GNU C Library manual, Malloc Tunable Parameters.
    """
    # each record that is read takes some 25 kB and is freed with its batch; the GNU C library gives
    # such memory back at once, and the system clears each page before it lends it again: a third of
    # the time of reading batches from files, for no gain, as a training frees as much as it takes
    if sys.platform != "linux" or any(name in os.environ for name in _OF_USERS):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
        library.mallopt(_MMAP_THRESHOLD, _FROM_HEAP)


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that a process may still take on this machine and in its container or job. Source:
    Linux kernel documentation, Control Group v2, and Memory Resource Controller (v1).
    """
    return max(0, min([_free_of_machine(root), *_free_of_groups(root)]))


def _free_of_machine(root: Path) -> int:
    """What is available; where the system does not say, all that there is."""
    meminfo = root / "proc/meminfo"
    if meminfo.is_file():
        entries = dict(line.split(":") for line in meminfo.read_text().splitlines())
        return int(entries["MemAvailable"].split()[0]) * 1024
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:  # not on Windows
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _ASSUMED


def _free_of_groups(root: Path) -> Iterator[int]:
    """What is left of each limit of the groups that this process is in, inner ones first."""
    own = root / "proc/self/cgroup"
    for line in own.read_text().splitlines() if own.is_file() else ():
        _, controllers, inside = line.split(":", 2)
        for kind, names in _LIMITS.items():
            if kind not in controllers.split(","):
                continue
            top = root / "sys/fs/cgroup" / kind
            group = top / inside.lstrip("/")
            # a container sees its own group as the top, under a path that is not there
            for folder in (group, *group.parents):
                if folder.is_relative_to(top):
                    yield from _left_of(folder, *names)


def _left_of(folder: Path, limit_name: str, used_name: str, idle_name: str) -> Iterator[int]:
    try:
        limit = (folder / limit_name).read_text().strip()
        used = int((folder / used_name).read_text())
        entries = (folder / "memory.stat").read_text().splitlines()
    except OSError:  # the top has no limit, and another may not be visible
        return
    if limit != "max":
        stat: Mapping[str, str] = dict(line.split(maxsplit=1) for line in entries)
        yield int(limit) - used + int(stat.get(idle_name, 0))
