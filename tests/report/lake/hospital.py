"""A user's own source whose labels need care in a page; its ECGs are made from the record's id."""

from pathlib import Path

import numpy as np

from ecg_keras.data import RecordInfo, Signal
from ecg_keras.signals import LEADS

LABELS = ("NORM", '<b class="x">T & U</b>', "心筋 $x$", "never")
LABEL_SETS = {"superdiagnostic": LABELS}
OFFICIAL_FOLDS = True
CITATION = "simulated for tests"
LICENCE = "none"
FOLDS = {"train": (1, 20), "valid": (9, 60), "test": (10, 60)}


def list_records(root, *, label_set, sampling_rate):
    rng = np.random.default_rng(0)
    records = []
    for split, (fold, count) in sorted(FOLDS.items()):
        present = rng.random((count, len(LABELS))) < (0.5, 0.3, 0.2, 0)
        records += [
            RecordInfo(
                record_id=f"{split}{number:02d}",
                patient_id=f"{split}-p{number // 2}",
                path=Path(root) / "made",
                labels=tuple(np.array(LABELS)[row].tolist()),
                age=40.0 + number % 40,
                sex="female",
                fold=fold,
            )
            for number, row in enumerate(present)
        ]
    return records


def read_signal(info):
    time = np.arange(1000) / 100
    number = sum(map(ord, info.record_id))
    rate = 1 + 0.01 * (number % 50)
    beat = np.exp(-((((time * rate) % 1) - 0.5) ** 2) / 0.0008)
    noise = np.random.default_rng(number).normal(0, 0.02, (1000, 12))
    values = beat[:, None] * np.linspace(-1, 2, 12) + noise
    return Signal(values.astype(np.float32), 100.0, LEADS)
