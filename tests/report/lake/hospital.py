"""A user's own source whose labels need care in a page; its ECGs are made from the record's id."""

from pathlib import Path

import numpy as np

from ecg_keras.data import RecordInfo, Signal
from ecg_keras.signals import LEADS
from ecg_keras.simulate.electrodes import twelve_leads

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
    phase = (time * rate) % 1
    # P wave, QRS complex and T wave
    beat = sum(
        size * np.exp(-((phase - place) ** 2) / width)
        for size, place, width in ((0.15, 0.3, 0.0008), (1, 0.5, 0.0002), (0.3, 0.8, 0.003))
    )
    noise = np.random.default_rng(number).normal(0, 0.02, (1000, 8))
    # I, II, V1 to V6; the other limb leads follow
    independent = beat[:, None] * (0.8, 1.2, -0.6, -0.3, 0.3, 1.2, 1.6, 1.3) + noise
    return Signal(twelve_leads(independent).astype(np.float32), 100.0, LEADS)
