"""Prints how fast reading, preparing and loading ECGs and comparing scores are beside plain ways.

    python tools/benchmark.py DATA                   # everything
    python tools/benchmark.py DATA --only reading

DATA is a folder with `ptbxl/` (`ptbxl_database.csv`, `scp_statements.csv`, `records500/`,
`records100/`) and `challenge/` (any folders with `.hea` files); none takes the environment variable
ECG_KERAS_TEST_DATA. Nothing is written there.

Each pair of ways does the same work in the same process, in turns (A B A B), after one round that
does not count: files are in the page cache and graphs are traced. A rate is the median of five
rounds (three where a round takes long), a ratio the median of the rounds' own ratios with the
smallest and largest behind it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import comparing, data_stage, networks
from benchmarks.timing import take_turns, times_as_fast
from markdown_tables import table

PACKAGES = ("ecg_keras", "tensorflow", "keras", "numpy", "scipy", "wfdb")
# what decides how fast a CPU multiplies matrices
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
IMPORT_TENSORFLOW = [sys.executable, "-c", "import tensorflow"]
BARE_PYTHON = [sys.executable, "-c", ""]


def starting(data: Path, scratch: Path) -> str:
    """Seconds until `ecg-keras --help` is done, against importing TensorFlow and bare Python."""
    command = [str(Path(sysconfig.get_path("scripts")) / "ecg-keras"), "--help"]
    commands = [command, IMPORT_TENSORFLOW, BARE_PYTHON]
    ours, tensorflow, bare = take_turns(
        *(lambda one=one: subprocess.run(one, check=True, capture_output=True) for one in commands)
    )
    seconds = (f"{statistics.median(own):.2f}" for own in (ours, tensorflow, bare))
    row = (*seconds, times_as_fast(ours, tensorflow))
    header = ("help of ecg-keras, s", "import tensorflow, s", "Python alone, s", "ratio")
    return table(header, [row])


SECTIONS: dict[str, Callable[[Path, Path], str]] = {
    "reading": data_stage.reading,
    "prepare": data_stage.preparing,
    "processes": data_stage.processes,
    "pipeline": data_stage.loading,
    "steps": networks.steps,
    "comparing": comparing.comparing,
    "startup": starting,
}


def describe_machine() -> str:
    """Cores, what the CPU can do, memory, load and versions; no names of machines."""
    cpuinfo, meminfo = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.is_file() else set()
    can = ", ".join(flag.upper() for flag in FLAGS if flag in flags) or "none of those asked for"
    memory = f"{int(meminfo.read_text().split()[1]) / 2**20:.0f} GiB" if meminfo.is_file() else "?"
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    versions = [f"Python {platform.python_version()}", *versions]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}; {can}), {memory}; {', '.join(versions)}; "
        f"load average before {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--only", choices=SECTIONS, help="one part; none runs all")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with ptbxl/ and challenge/, or set ECG_KERAS_TEST_DATA")
    print(describe_machine())
    for name in [arguments.only] if arguments.only else SECTIONS:
        with tempfile.TemporaryDirectory() as scratch:
            section = SECTIONS[name]
            print(f"\n## {name}\n\n{section.__doc__.splitlines()[0]}\n", flush=True)
            print(section(Path(arguments.data), Path(scratch)), flush=True)
    print(f"\nload average after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
