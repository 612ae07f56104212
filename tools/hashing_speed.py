"""How fast a database is identified: the first time against cat, later against a listing.

    python tools/hashing_speed.py FOLDER            # a database
    python tools/hashing_speed.py --make 1000       # files of 1,000 MB in a temporary folder

Before each reading the system is asked to forget the files, so that the disk is measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ecg_keras.data import raw_files
from ecg_keras.data.raw_files import raw_digest

MB = 1_000_000
# a recording of ten seconds and twelve leads at 500 Hz, and its header
SMALL, HEADER = 120_000, 600


def make_files(root: Path, megabytes: int) -> None:
    """Half of it as recordings with headers, half as one large file."""
    for number in range(megabytes * MB // 2 // (SMALL + HEADER)):
        folder = root / f"{number // 1000:05d}"
        folder.mkdir(exist_ok=True, parents=True)
        (folder / f"{number:05d}.dat").write_bytes(os.urandom(SMALL))
        (folder / f"{number:05d}.hea").write_bytes(os.urandom(HEADER))
    with (root / "exams.hdf5").open("wb") as file:
        for _ in range(megabytes // 2):
            file.write(os.urandom(MB))
    os.sync()


def list_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def forget(paths: list[Path]) -> None:
    """Asks the system to drop what it keeps of the files in memory."""
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cat(root: Path) -> None:
    command = ["find", str(root), "-type", "f", "-exec", "cat", "{}", "+"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def list_once(root: Path) -> None:
    """The least that a second call must do: the size and the times of every file."""
    for folder, _, _ in os.walk(root):
        with os.scandir(folder) as entries:
            for entry in entries:
                entry.stat()


def seconds(act: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """The least of three."""
    took = []
    for _ in range(3):
        before()
        begun = time.perf_counter()
        act()
        took.append(time.perf_counter() - begun)
    return min(took)


def measure(root: Path) -> str:
    """The figures as lines of text."""
    paths = list_files(root)
    size = sum(path.stat().st_size for path in paths)

    def forget_all() -> None:
        raw_files._read.clear()
        forget(paths)

    with tempfile.TemporaryDirectory() as memory:
        lines = [f"{len(paths):,} files, {size / MB:,.0f} MB"]
        for name, act, before in (
            ("cat, from the disk", lambda: cat(root), forget_all),
            ("the first call, from the disk", lambda: raw_digest(root), forget_all),
            ("cat, from memory", lambda: cat(root), lambda: None),
            ("the first call, from memory", lambda: raw_digest(root), raw_files._read.clear),
        ):
            took = seconds(act, before)
            lines.append(f"{name:<32}{took:8.2f} s {size / MB / took:8,.0f} MB/s")
        raw_digest(root, memory=Path(memory))
        lines.append(f"{'a listing':<32}{seconds(lambda: list_once(root)):8.2f} s")
        later = seconds(lambda: raw_digest(root, memory=Path(memory)), raw_files._read.clear)
        lines.append(f"{'a second call':<32}{later:8.2f} s")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--make", type=int, metavar="MB")
    arguments = parser.parse_args()
    if (arguments.folder is None) == (arguments.make is None):
        parser.error("give a folder or --make MB")
    if arguments.folder is not None:
        print(measure(arguments.folder))
        return
    with tempfile.TemporaryDirectory() as scratch:
        make_files(Path(scratch), arguments.make)
        time.sleep(raw_files.TICK / 1e9)
        print(measure(Path(scratch)))


if __name__ == "__main__":
    main()
