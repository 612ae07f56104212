"""Makes a golden folder: a working folder as a user of one version of the package leaves it.

It holds recordings, recipes, shards, runs (from scratch, fine-tuned and compared with it, and
stopped after an epoch), a study and an export. Run it with the package of that version, and give
the archive its name::

    PYTHONPATH=CHECKOUT python tests/golden/make.py FOLDER tests/golden/COMMIT.tar.xz

A new one is due when a version changes the layout or the identity of something that it writes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

RATE, SECONDS = 100, 3
# of the recordings: whole seconds, which every archive keeps
CHANGED = 1_600_000_000
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# large, and made again by the tests
LEFT_OUT = ("tensorboard", "__pycache__", ".lock", ".claim", "workers.log")

BACKBONE = '''"""A backbone that builds and trains at once."""

import keras


def mean(num_samples, num_leads, *, head, seed):
    signal = keras.Input((num_samples, num_leads), name="signal")
    x = keras.layers.Conv1D(4, 5, strides=4, name="stem_conv")(signal)
    return keras.Model(signal, keras.layers.GlobalAveragePooling1D(name="embedding_pool")(x))
'''
SOURCE = '''"""A source: the recordings of another hospital, whose labels are in the same table."""

import csv

import numpy as np

from ecg_keras.data import RecordInfo, Signal
from ecg_keras.signals import LEADS

LABEL_SETS = {"both": ("AF", "MI")}
OFFICIAL_FOLDS = False
CITATION = LICENCE = "none"


def list_records(root, *, label_set, sampling_rate):
    with (root / "labels.csv").open() as file:
        return [
            RecordInfo(
                record_id=row["file"],
                patient_id=row["patient_id"],
                path=root / f"{row['file']}.dat",
                labels=tuple(label for label in ("AF", "MI") if row[label] == "1"),
            )
            for row in csv.DictReader(file)
        ]


def read_signal(info):
    values = np.fromfile(info.path, "<i2").reshape(-1, 12) / np.float32(1000)
    return Signal(values.astype(np.float32), 100.0, LEADS)
'''
DATA = """\
  sampling_rate: 100
  seconds: 3
  verify: "off"
  anomalies: warn
  split: {valid: 0.25, test: 0.25}
"""
MODEL = "model: {backbone: 'golden_net:mean'}\n"
TRAINING = "training: {batch_size: 16, phases: [{epochs: 2, learning_rate: 0.01}]}\n"


def recipe(mode: str, source: str, raw: str, more: str = "") -> str:
    return (
        f"mode: {mode}\ndata:\n  source: {source}\n  raw: {raw}\n{DATA}{MODEL}{TRAINING}"
        f"evaluation: {{bootstrap: 100{more}}}\n"
    )


RECIPES = {
    "pretrain": recipe("pretrain", "golden_lab.source", "other"),
    "scratch": recipe("scratch", "folder", "own"),
    "finetune": recipe("finetune", "folder", "own", ", baseline: scratch.yaml")
    + "initialise: {from: pretrain.yaml}\nexport: true\n",
    "stopped": recipe("scratch", "folder", "own") + "run: runs/stopped\n",
    "study": f"base:\n  data:\n{DATA.replace('  ', '    ')}  {TRAINING}"
    """\
upstreams: {other: {data: {source: golden_lab.source, raw: other}}}
downstreams: {own: {data: {source: folder, raw: own}}}
modes: {scratch: {start: random}, finetune: {start: upstream}}
grid: {backbones: ['golden_net:mean'], seeds: [0]}
question: {bootstrap: 100}
""",
}


def record(seed: int, fast: bool, tall: bool) -> np.ndarray:
    """Twelve leads in microvolts that obey the identities of the limb leads to the integer."""
    random = np.random.default_rng(seed)
    time = np.arange(RATE * SECONDS) / RATE
    rate = random.uniform(1.5, 1.8) if fast else random.uniform(0.9, 1.2)
    phase = (time * rate + random.uniform()) % 1
    waves = [(0.15, 0.03, 80), (0.3, 0.012, 800), (0.55, 0.06, 250 if tall else 120)]
    beats = sum(
        height * random.uniform(0.7, 1.3, 8) * np.exp(-0.5 * ((phase - at) / width)[:, None] ** 2)
        for at, width, height in waves
    )
    one, two, *chest = (2 * np.round(beats)).T
    two = two + 2 * np.round(beats[:, 1] * 0.4)
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack([*limb, *chest], axis=1).astype("<i2")


def write_recordings(root: Path, records: int, seed: int) -> None:
    """A hospital's folder: WFDB files and their table, two ECGs of every third patient."""
    root.mkdir()
    rows = ["file,patient_id,AF,MI"]
    for number in range(records):
        fast, tall = number % 2, int(number % 5 < 2)
        record(seed + number, bool(fast), bool(tall)).tofile(root / f"r{number:02}.dat")
        lines = [f"r{number:02} 12 {RATE} {RATE * SECONDS}"]
        lines += [f"r{number:02}.dat 16 1000/mV 16 0 0 0 0 {lead}" for lead in LEADS]
        (root / f"r{number:02}.hea").write_text("\n".join(lines) + "\n")
        rows.append(f"r{number:02},p{number - (number % 3 == 2)},{fast},{tall}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    for path in root.iterdir():
        os.utime(path, (CHANGED, CHANGED))


def train_and_stop(name: str) -> None:
    """Trains a recipe and leaves what a process that was killed after an epoch leaves."""
    import keras

    from ecg_keras import workflow
    from ecg_keras.training import checkpoint

    checkpoint.SECONDS_BETWEEN = 0.0

    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    class Stopping(workflow.Watcher):
        def callbacks(self) -> Any:
            return [Stop()]

    job = workflow.make_job(workflow.load(Path(name)))
    try:
        workflow.run_plan(workflow.make_plan(job), Stopping())
    except KeyboardInterrupt:
        return
    raise RuntimeError(f"{name}: was not stopped")


def main(folder: Path, archive: Path) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    archive = archive.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    sys.path.insert(0, str(folder.resolve()))
    Path("golden_net.py").write_text(BACKBONE)
    Path("golden_lab").mkdir()
    Path("golden_lab/source.py").write_text(SOURCE)
    for name, text in RECIPES.items():
        Path(f"{name}.yaml").write_text(text)
    write_recordings(Path("own"), 48, seed=0)
    write_recordings(Path("other"), 32, seed=1000)

    from ecg_keras.cli import cli

    for command, name in (("train", "scratch"), ("train", "finetune"), ("study", "study")):
        cli([command, f"{name}.yaml"], standalone_mode=False)
    train_and_stop("stopped.yaml")

    pack(archive)


def pack(archive: Path) -> None:
    """Puts the current folder into an archive."""

    def choose(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return None if Path(entry.name).name in LEFT_OUT else entry

    with tarfile.open(archive, "w:xz", preset=9) as file:
        file.add(".", "work", filter=choose)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
