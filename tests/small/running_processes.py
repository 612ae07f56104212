"""Processes of this machine, for tests of what outlives a command."""

from contextlib import suppress
from pathlib import Path

CAN_TELL = Path("/proc/self/stat").exists()


def running_processes() -> dict[int, int]:
    """Each that runs, with its group: zombies have ended, and wait for who may never look."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if state not in "ZX":
                found[int(path.parent.name)] = int(group)
    return found
