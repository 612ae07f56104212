"""A run of a simulated hospital, and ECGs that it receives afterwards."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tiny import mean

from ecg_keras import models
from ecg_keras.config import Data
from ecg_keras.data import Dataset, prepare
from ecg_keras.evaluation import evaluate, predict
from ecg_keras.simulate import record_ecg, simulate

RECORDS = 240
RECEIVED = 80


@dataclass(frozen=True)
class Service:
    """A run, its shards, and ECGs of new patients of the hospital and of another."""

    run: Path
    shards: Path
    dataset: Dataset
    ours: np.ndarray
    theirs: np.ndarray


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Service:
    folder = tmp_path_factory.mktemp("service")
    simulate(folder / "raw", hospital="lakeside", records=RECORDS)
    settings = Data(
        source="ptbxl", raw=folder / "raw", sampling_rate=500, seconds=4,
        split={"method": "patients", "valid": 0.2, "test": 0.2},
    )  # fmt: skip
    dataset = prepare(settings, folder / "shards")
    run = folder / "run"
    (run / "predictions").mkdir(parents=True)
    model = models.classifier(mean(2000, 12, head="pooled", seed=0), dataset.labels)
    models.save_model(model, run / "model.keras")
    shutil.copy(folder / "shards/dataset.json", run)
    valid, test = (predict(model, folder / "shards", split) for split in ("valid", "test"))
    for split, predictions in (("valid", valid), ("test", test)):
        predictions.save(run / f"predictions/{split}.npz")
    evaluate(test, valid, bootstrap=100).save_json(run / "scores.json")
    (run / "status.json").write_text('{"shards": "../shards"}')
    ours, theirs = (
        np.stack([record_ecg(name, number, seed=7).values for number in range(RECEIVED)])
        for name in ("lakeside", "riverside")
    )
    return Service(run, folder / "shards", dataset, ours, theirs)
