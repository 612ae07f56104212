"""Prints the peak memory of each stage of the data road, for one database and twenty times as much.

    python tools/memory.py DATA                      # a few minutes on two cores

DATA is a folder with `ptbxl/` (its two tables and `records500/`); none takes the environment
variable ECG_KERAS_TEST_DATA. Nothing is written there. The larger database holds each recording
twenty times, under other ids and patients.

Each stage runs in a process of its own, and the largest resident memory is reported, of that
process or of the largest that it started. Python and its packages are most of it, TensorFlow among
them where a stage needs it; so they are measured alone, too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.databases import COPIES, find_recordings, make_shards, replicate, settings_of
from markdown_tables import table

# what a process is reported to have used begins with what its parent used: so the parent is small
LAUNCH = """
import os, sys
process = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ)
_, status, used = os.wait4(process, 0)
print(used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
PREPARE = """
from ecg_keras.config import Data
from ecg_keras.data import prepare
if __name__ == "__main__":
    raw, shards, workers = sys.argv[1:]
    data = Data(source="ptbxl", raw=raw, quarantine=0.05, workers=int(workers))
    prepare(data, shards, on_warning=lambda message: None)
"""
VERIFY = """
from ecg_keras.data import describe
describe(sys.argv[1], verify=True)
"""
VALIDATE = """
from ecg_keras.validation import validate
validate(sys.argv[1])
"""
LOAD = """
from ecg_keras.data import load
for _ in load(sys.argv[1], "train", batch_size=64, shuffle=True, cache=False, epochs=range(2)):
    pass
"""
# stage: the modules that it imports, its code, and whether it reads shards rather than the database
STAGES = {
    "`prepare`, one process": ("ecg_keras.data.preparation", PREPARE, ("1",)),
    "`prepare`, two processes": ("ecg_keras.data.preparation", PREPARE, ("2",)),
    "`describe --verify`": ("ecg_keras.data.dataset", VERIFY, None),
    "`validate`": ("tensorflow_data_validation, ecg_keras.validation", VALIDATE, None),
    "`load` from files": ("ecg_keras.data.pipeline", LOAD, None),
}


def peak(code: str, *arguments: str, folder: Path) -> int:
    """Megabytes of a process that runs this code, or of the largest that it started."""
    script = folder / "stage.py"
    script.write_text(f"import sys\n{code}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, str(script), *arguments],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"a stage failed:\n{done.stderr}")
    return int(done.stdout.split()[-1]) // 1024


def measure(data: Path, scratch: Path) -> str:
    """The table: a row for each stage."""
    once, often = settings_of(data, scratch), replicate(data, scratch)
    count = len(find_recordings(data / "ptbxl" / "records500"))
    shards = {
        settings.raw: make_shards(settings, scratch / f"shards-of-{settings.raw.name}")
        for settings in (once, often)
    }
    rows = []
    for stage, (modules, code, workers) in STAGES.items():
        sizes = [peak(f"import {modules}", folder=scratch)]
        for raw in (once.raw, often.raw):
            if workers is None:
                sizes.append(peak(code, str(shards[raw]), folder=scratch))
            else:
                written = tempfile.mkdtemp(dir=scratch)
                sizes.append(peak(code, str(raw), f"{written}/shards", *workers, folder=scratch))
        rows.append((stage, *map(str, sizes), f"{sizes[2] / sizes[1]:.2f}"))
    header = ("stage, peak in MB", "imports alone", f"{count} records", f"{COPIES * count:,}")
    return table((*header, "ratio"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with ptbxl/, or set ECG_KERAS_TEST_DATA")
    with tempfile.TemporaryDirectory() as scratch:
        print(measure(Path(arguments.data), Path(scratch)))


if __name__ == "__main__":
    main()
