"""A slow source: it lists simulated ECGs once there is no file `wait` beside their folder."""

import time
from pathlib import Path

from ecg_keras.records import RecordInfo
from ecg_keras.sources import simulated
from ecg_keras.sources.simulated import *  # noqa: F403


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    while (root.parent / "wait").exists():
        time.sleep(0.1)
    return simulated.list_records(root, label_set=label_set, sampling_rate=sampling_rate)
