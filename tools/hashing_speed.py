"""Prints how fast a database is identified: the first time against cat, later against a listing.

    python tools/hashing_speed.py FOLDER            # a database
    python tools/hashing_speed.py --make 1000       # files of 1,000 MB in a temporary folder

Ours and the other take turns. Where the disk is measured, the system is asked before each reading
to forget the files. A ratio is the other's time by ours, the median of the rounds with the smallest
and largest behind it: above 1 ours is faster.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.timing import take_turns, times_as_fast
from markdown_tables import table

from ecg_keras.data import raw_files
from ecg_keras.data.raw_files import raw_digest

MB = 1_000_000
ROUNDS = 3
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


def measure(root: Path) -> str:
    """A table with what was asked, seconds of ours and of the other, and their ratio."""
    paths = list_files(root)
    size = sum(path.stat().st_size for path in paths)

    def forget_all() -> None:
        raw_files._read.clear()
        forget(paths)

    with tempfile.TemporaryDirectory() as memory:
        raw_digest(root, memory=Path(memory))
        first = partial(raw_digest, root)
        later = partial(raw_digest, root, memory=Path(memory))
        plain, listing = partial(cat, root), partial(list_once, root)
        rows = []
        for name, ours, other, before in (
            ("first, from the disk; cat", first, plain, forget_all),
            ("first, files in memory; cat", first, plain, raw_files._read.clear),
            ("later; a listing", later, listing, raw_files._read.clear),
        ):
            own, theirs = take_turns(ours, other, rounds=ROUNDS, before=before)
            medians = (f"{statistics.median(one):.2g}" for one in (own, theirs))
            rows.append((name, *medians, times_as_fast(own, theirs)))
    header = ("call; beside", "ours, s", "the other, s", "times as fast")
    return f"{len(paths):,} files, {size / MB:,.0f} MB\n\n{table(header, rows)}"


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
