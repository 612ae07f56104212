"""Kills `ecg-keras prepare`, takes its disk away, and compares what it leaves with a calm run.

    python tools/crash_safety.py DATA                # about ten minutes on two cores
    python tools/crash_safety.py DATA --kills 5

DATA is a folder with `ptbxl/` (its two tables and `records500/`); none takes the environment
variable ECG_KERAS_TEST_DATA. Nothing is written there. The table is read with each recording
listed six times, under other ids, so that a run takes long enough to be killed at any part of it. A
full disk and one that can't be written are small file systems in memory, which only root may make;
without, these two are left out, and the table says so.

Every folder of shards must end with the bytes of the calm run: shards, descriptions and all.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from markdown_tables import print_table

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "recipes" / "ptbxl_scratch.yaml"
LOCK = ".lock"
# how often each recording is listed
COPIES = 6
COMMAND = "from ecg_keras.cli import main; main()"

Row = tuple[str, str, str]


class Preparation:
    """One way to call `ecg-keras prepare`, again and again.

    Attributes:
        raw: the database.
        workers: processes that convert.
    """

    def __init__(self, raw: Path, workers: int) -> None:
        self.raw, self.workers = raw, workers

    def start(self, shards: Path) -> subprocess.Popen[str]:
        """Begins to prepare in a process group of its own."""
        settings = (f"data.raw={self.raw}", f"data.shards={shards}", f"data.workers={self.workers}")
        command = [sys.executable, "-c", COMMAND, "prepare", str(RECIPE)]
        command += [part for one in settings for part in ("--set", one)]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, shards: Path) -> str:
        """Prepares to the end and returns what it printed."""
        process = self.start(shards)
        printed, _ = process.communicate()
        if process.returncode:
            sys.exit(f"prepare failed:\n{printed}")
        return printed

    def kill_after(self, seconds: float, shards: Path) -> bool:
        """Begins, kills all of its processes at that moment; whether there was one left to kill."""
        process = self.start(shards)
        time.sleep(seconds)
        was_running = process.poll() is None
        if was_running:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return was_running


def list_often(ptbxl: Path, raw: Path) -> None:
    """The 500 Hz files of a PTB-XL in a new folder, each of them listed `COPIES` times."""
    raw.mkdir()
    for name in ("scp_statements.csv", "records500"):
        (raw / name).symlink_to((ptbxl / name).resolve())
    with (ptbxl / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (raw / "ptbxl_database.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        for copy in range(COPIES):
            for row in rows:
                ids = {
                    key: int(float(row[key])) + 100_000 * copy for key in ("ecg_id", "patient_id")
                }
                table.writerow({**row, **ids})


def contents(shards: Path) -> dict[str, str]:
    """The sha256 of each file below a folder of datasets, but for locks and remembered hashes."""
    return {
        str(path.relative_to(shards)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(shards.rglob("*"))
        if path.is_file() and path.name != LOCK and path.parent != shards
    }


def bytes_written(shards: Path) -> int:
    """The bytes of all shards so far, those that are being written too."""
    files = (path for path in shards.rglob("*.tfrecord*") if ".json" not in path.name)
    return sum(path.stat().st_size for path in files)


def same(found: dict[str, str], expected: dict[str, str]) -> str:
    """``"equal"``, or the files that differ."""
    names = sorted(
        {*found, *expected} - {name for name in found if found[name] == expected.get(name)}
    )
    return f"DIFFERENT: {', '.join(names[:5])}" if names else "equal"


def kill_at_random(
    preparation: Preparation, expected: dict[str, str], seconds: float, kills: int, scratch: Path
) -> Iterator[Row]:
    """Kills each in a folder of its own, and then as many in one folder, again and again."""
    moments = random.Random(preparation.workers)
    full = bytes_written(scratch / "calm")
    shares, unequal = [], 0
    for number in range(kills):
        shards = scratch / f"killed-{preparation.workers}-{number}"
        while not preparation.kill_after(moments.uniform(0, seconds), shards):
            shutil.rmtree(shards)  # it had ended before
        shares.append(bytes_written(shards) / full)
        preparation.finish(shards)
        unequal += same(contents(shards), expected) != "equal"
    what = f"{kills} runs killed once each, {preparation.workers} process(es)"
    state = f"each was running, with {min(shares):.0%} to {max(shares):.0%} written"
    yield what, state, f"{kills - unequal} of {kills} equal"

    shards, running = scratch / f"killed-{preparation.workers}-often", 0
    for _ in range(kills):
        running += preparation.kill_after(moments.uniform(0, seconds), shards)
    preparation.finish(shards)
    what = f"one run killed {kills} times, {preparation.workers} process(es)"
    yield what, f"{running} killed while running", same(contents(shards), expected)


def run_together(preparation: Preparation, expected: dict[str, str], scratch: Path) -> Row:
    """Three processes that prepare the same dataset at once."""
    shards = scratch / "together"
    started = [preparation.start(shards) for _ in range(3)]
    printed = [process.communicate()[0] for process in started]
    codes = [process.returncode for process in started]
    waited = sum("waiting for it" in text for text in printed)
    state = f"exit codes {codes}, {waited} waited and said so"
    return "three at once", state, same(contents(shards), expected)


@contextmanager
def small_disk(place: Path, options: str) -> Iterator[bool]:
    """A file system in memory; false where this user may not make one."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


def fill_the_disk(preparation: Preparation, expected: dict[str, str], scratch: Path) -> Row:
    """A disk that is full before the end, and gets larger."""
    what, disk = "the disk is full", scratch / "small"
    with small_disk(disk, "size=40m") as mounted:
        if not mounted:
            return what, "left out: only root can try it", "-"
        process = preparation.start(disk / "shards")
        printed = process.communicate()[0].strip()
        subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
        preparation.finish(disk / "shards")
        state = f"exit code {process.returncode}: {short(printed)}"
        return what, state, f"with more room: {same(contents(disk / 'shards'), expected)}"


def lock_the_disk(preparation: Preparation, scratch: Path) -> Row:
    """A disk that can only be read."""
    what, disk = "the disk is read-only", scratch / "locked"
    with small_disk(disk, "ro") as mounted:
        if not mounted:
            return what, "left out: only root can try it", "-"
        process = preparation.start(disk / "shards")
        printed = process.communicate()[0].strip()
        left = list(disk.iterdir())
        state = f"exit code {process.returncode}: {short(printed)}"
        return what, state, "nothing written" if not left else f"LEFT {left}"


def short(printed: str) -> str:
    """The error among what was printed, without the folder that it names."""
    error = next(
        (line for line in printed.splitlines() if line.startswith("ecg-keras: ")), printed[-200:]
    )
    return error.partition("can't be written: ")[2].partition(" Finished")[0] or error[:120]


def take_away(
    raw: Path, expected: dict[str, str], seconds: float, kills: int, scratch: Path
) -> Iterator[Row]:
    """Every part, one row after the other."""
    for workers in (1, 2):
        yield from kill_at_random(Preparation(raw, workers), expected, seconds, kills, scratch)
    yield run_together(Preparation(raw, 1), expected, scratch)
    yield fill_the_disk(Preparation(raw, 1), expected, scratch)
    yield lock_the_disk(Preparation(raw, 1), scratch)


def main() -> None:
    """Runs every part and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name DATA, or set ECG_KERAS_TEST_DATA")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        raw = scratch / "raw"
        list_often(given.data / "ptbxl", raw)
        begun = time.perf_counter()
        Preparation(raw, 1).finish(scratch / "calm")
        seconds = time.perf_counter() - begun
        expected = contents(scratch / "calm")
        rows = print_table(
            ("what happened", "what was seen", "files, against a calm run"),
            take_away(raw, expected, seconds, given.kills, scratch),
            left=3,
        )
    sys.exit(any("DIFFERENT" in row[2] or "LEFT" in row[2] for row in rows))


if __name__ == "__main__":
    main()
