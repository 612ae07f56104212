"""Memory of this process: what it may still take, whether a split fits, and what it keeps."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecg_keras.data.dataset import Dataset
from ecg_keras.errors import DataError
from ecg_keras.text import file_size

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


class _MemoryStatus(ctypes.Structure):
    """What Windows says of its memory, in bytes: MEMORYSTATUSEX of sysinfoapi.h."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        *((name, ctypes.c_uint64) for name in ("pages", "free_pages", "virtual", "free_virtual")),
        ("extended", ctypes.c_uint64),
    )


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
    if (windows := getattr(ctypes, "windll", None)) is not None:
        return _free_of_windows(windows.kernel32)
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _ASSUMED


def _free_of_windows(kernel: Any) -> int:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    done = kernel.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.available) if done else _ASSUMED


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


def fits_in_memory(dataset: Dataset, records: int, *, share: float = 0.25) -> bool:
    """Whether `load` would keep that many records in memory now: by what is free at this moment.

    Args:
        dataset: as `describe` returns it.
        records: of the split, as far as they are loaded.
        share: of the free memory that they may take; they are there two or three times while they
            are read.

    Returns:
        Whether they take no more than this share of the memory that is free, in this container or
        job too. What is kept is shuffled as a whole, and what is not in another order, so a script
        whose training may resume keeps this answer, and gives it to ``load`` as ``cache``.

    Example:
        >>> dataset = describe("shards/ptbxl")
        >>> fits = fits_in_memory(dataset, dataset.splits["train"].records)
        >>> cache = "always" if fits else False
    """
    return _bytes_in_memory(dataset, records) <= share * free_memory()


def check_memory(where: str, dataset: Dataset, records: int, otherwise: str) -> None:
    """Refuses what can't be in memory before the system ends this process for it.

    The `DataError` begins with ``where``, and says what else can be done: ``otherwise``.
    """
    # TensorFlow copies what was read before that is given back
    needed, free = 2 * _bytes_in_memory(dataset, records), free_memory()
    if needed > free:
        raise DataError(
            f"{where} is to be in memory and takes {file_size(needed)} while it is read, of which "
            f"{file_size(free)} are free. End other programs, or use a machine or job with more "
            f"memory{otherwise}."
        )


def _bytes_in_memory(dataset: Dataset, records: int) -> int:
    return records * 2 * dataset.num_samples * len(dataset.leads)
