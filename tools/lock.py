"""Pins every dependency for each supported Python: writes constraints/py<version>.txt.

    python tools/lock.py            # all of them; each takes seconds
    python tools/lock.py 3.11       # one

Run it after changing a dependency in setup.cfg. uv resolves for Linux on x86-64 from any machine;
it goes into a temporary environment and uses the package index you configured for it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# The oldest C library with wheels of every dependency. TensorFlow Data Validation 1.21, for
# Python 3.12 and newer, is built for glibc 2.39.
PLATFORMS = {
    "3.10": "x86_64-manylinux_2_28",
    "3.11": "x86_64-manylinux_2_28",
    "3.12": "x86_64-manylinux_2_39",
    "3.13": "x86_64-manylinux_2_39",
}
# packages that some systems have none of, and the systems that have: pip leaves the others out
INTEL_LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"
TFDV_OLD = f"{INTEL_LINUX} or sys_platform == 'darwin' and platform_machine == 'x86_64'"
TFDV_NEW = f"{INTEL_LINUX} or sys_platform == 'darwin' and platform_machine == 'arm64'"
TFDV = {"3.10": TFDV_OLD, "3.11": TFDV_OLD, "3.12": TFDV_NEW, "3.13": TFDV_NEW}
NOT_ON_INTEL_MACS = "sys_platform != 'darwin' or platform_machine != 'x86_64'"
# Intel Macs have earlier versions of onnxruntime and openvino, which pip takes where none is pinned
LATEST_NOT_ON_INTEL_MACS = ("ai-edge-litert", "onnxruntime", "openvino", "ray")
HEADER = "# Python {python}, {platform}, with the extra dev. Written by tools/lock.py.\n"


def install_uv(folder: Path) -> Path:
    """The path of a uv of its own, installed from the user's package index."""
    venv.create(folder, with_pip=True)
    program = folder / "bin" / "python"
    subprocess.run([program, "-m", "pip", "install", "--quiet", "uv"], check=True)
    return folder / "bin" / "uv"


def resolve(uv: Path, python: str) -> str:
    """One pinned requirement a line, sorted, without comments or index addresses."""
    options = ["--python-version", python, "--python-platform", PLATFORMS[python]]
    options += ["--extra", "dev", "--no-header", "--no-annotate", "--upgrade", "--quiet"]
    command = [uv, "pip", "compile", "setup.cfg", *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(
            f"Python {python}: the dependencies in setup.cfg don't resolve; uv says why above."
        )
    pins = [line for line in done.stdout.splitlines() if line and line[0] not in "#-"]
    marks = dict.fromkeys(("tensorflow-data-validation", "tfx-bsl", "pyfarmhash"), TFDV[python])
    marks |= dict.fromkeys(LATEST_NOT_ON_INTEL_MACS, NOT_ON_INTEL_MACS)
    pins = [
        f"{pin} ; {marks[name]}" if (name := pin.partition("==")[0]) in marks else pin
        for pin in pins
    ]
    return HEADER.format(python=python, platform=PLATFORMS[python]) + "\n".join(pins) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", nargs="*", help="versions to pin; none pins all")
    pythons = parser.parse_args().python or list(PLATFORMS)
    unknown = set(pythons) - set(PLATFORMS)
    if unknown:
        parser.error(f"supported: {', '.join(PLATFORMS)}. Received: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        uv = install_uv(Path(folder))
        for python in pythons:
            path = ROOT / "constraints" / f"py{python}.txt"
            path.write_text(resolve(uv, python), encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: {len(path.read_text().splitlines()) - 1} packages")


if __name__ == "__main__":
    main()
