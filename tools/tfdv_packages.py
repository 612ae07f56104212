"""Says whether all pinned packages can be installed on this Python and system, for the Makefile.

    python tools/tfdv_packages.py

Prints nothing where they can, and one line otherwise. The exit code is 3 where everything but
TensorFlow Data Validation can, which shards are then checked without, and 1 where TensorFlow can't.
What is where was found by tools/platforms.py.
"""

from __future__ import annotations

import platform
import sys

WITHOUT_TFDV, NOTHING = 3, 1


def find(system: str, machine: str, python: tuple[int, int], libc: tuple[str, str]) -> int:
    """0, `WITHOUT_TFDV` or `NOTHING`.

    Args:
        system: as `sys.platform`.
        machine: as `platform.machine()`.
        python: major and minor version.
        libc: as `platform.libc_ver()`.
    """
    new = python >= (3, 12)
    intel = machine.lower() in ("x86_64", "amd64")
    if system == "darwin" and intel:
        return NOTHING if new else 0
    if system == "darwin":
        return 0 if new else WITHOUT_TFDV
    if system == "win32":
        return WITHOUT_TFDV if new else NOTHING
    name, version = libc
    if name != "glibc":
        return NOTHING
    numbers = tuple(int(part) for part in version.split(".")[:2])
    return 0 if intel and numbers >= ((2, 39) if new else (2, 17)) else WITHOUT_TFDV


def advise(system: str, machine: str, python: tuple[int, int]) -> str:
    """What to install where nothing can be."""
    here = f"Python {python[0]}.{python[1]} on {system} ({machine})"
    if system in ("darwin", "win32"):
        other = {"darwin": "3.11", "win32": "3.12"}[system]
        what = f"Python {other}, and name it: make ... PYTHON=python{other}"
    else:
        what = "a system with glibc, such as Debian or Ubuntu, or a container of one"
    return f"TensorFlow has no package for {here}: install {what}"


def main() -> int:
    python = sys.version_info[:2]
    found = find(sys.platform, platform.machine(), python, platform.libc_ver())
    if found == WITHOUT_TFDV:
        print(
            "TensorFlow Data Validation has no package for this Python and system: it is left out, "
            "and shards are checked without it (docs/dependencies.md)"
        )
    elif found == NOTHING:
        print(advise(sys.platform, platform.machine(), python), file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
