"""Prints on which Pythons and systems the pinned packages can be installed.

    python tools/platforms.py

A row for each, as docs/dependencies.md shows it: `all`, `all but TensorFlow Data Validation`, or
the first package that is missing. uv resolves for a system's tags from any machine.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from lock import PLATFORMS, ROOT, install_uv
from markdown_tables import print_table

SYSTEMS = {
    "Linux, glibc 2.39 (Ubuntu 24.04)": "x86_64-manylinux_2_39",
    "Linux, glibc 2.35 (Ubuntu 22.04)": "x86_64-manylinux_2_35",
    "Linux on ARM, glibc 2.39": "aarch64-manylinux_2_39",
    "macOS, Apple silicon": "aarch64-apple-darwin",
    "macOS, Intel": "x86_64-apple-darwin",
    "Windows, 64 bit": "x86_64-pc-windows-msvc",
}
OF_TFDV = re.compile(r"(tensorflow-data-validation|tfx-bsl|pyfarmhash)==")


def resolve(uv: Path, python: str, system: str, pins: list[str], folder: Path) -> tuple[str, str]:
    """The packages that would be installed, and the first that is missing, if any."""
    path = folder / "pins.txt"
    path.write_text("\n".join(pins), encoding="utf-8")
    command = [uv, "pip", "compile", path, "--no-deps", "--quiet", "--no-header"]
    command += ["--python-version", python, "--python-platform", system]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout, ""
    named = re.search(r"[Bb]ecause (\S+?)==", done.stderr)
    return "", named[1] if named else "uv can't resolve"


def describe(uv: Path, python: str, system: str, folder: Path) -> str:
    """What of a Python's pins can be installed on a system."""
    pins = (ROOT / "constraints" / f"py{python}.txt").read_text(encoding="utf-8").splitlines()
    found, lacking = resolve(uv, python, system, pins, folder)
    if lacking:
        without = [pin for pin in pins if not OF_TFDV.match(pin)]
        found, lacking = resolve(uv, python, system, without, folder)
    if lacking:
        return f"no package of {lacking}"
    return "all" if OF_TFDV.search(found) else "all but TensorFlow Data Validation"


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        uv = install_uv(folder / "uv")
        rows = (
            (name, *(describe(uv, python, system, folder) for python in PLATFORMS))
            for name, system in SYSTEMS.items()
        )
        print_table(("on this system", *PLATFORMS), rows, left=1 + len(PLATFORMS))


if __name__ == "__main__":
    main()
