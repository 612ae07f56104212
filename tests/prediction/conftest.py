"""A tiny network of a simulated hospital as a run, and its recordings in every format."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import pytest
from tiny import mean

from ecg_keras import models
from ecg_keras.config import Data
from ecg_keras.data import Dataset, prepare
from ecg_keras.evaluation import Predictions, calibrate, evaluate, predict
from ecg_keras.simulate import simulate

RECORDS = 24


@dataclass(frozen=True)
class Lab:
    """What a hospital has: recordings, shards of them, and a run of a network."""

    raw: Path
    shards: Path
    run: Path
    dataset: Dataset

    @property
    def headers(self) -> list[Path]:
        """The recordings that the shards were made of, at 500 Hz."""
        return sorted(self.raw.glob("records500/**/*.hea"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Lab:
    folder = tmp_path_factory.mktemp("lab")
    simulate(folder / "raw", hospital="lakeside", records=RECORDS)
    data = Data(
        source="ptbxl",
        raw=folder / "raw",
        sampling_rate=500,
        seconds=4,
        split={"method": "patients", "valid": 0.3, "test": 0.3},
    )
    dataset = prepare(data, folder / "shards")
    run = folder / "run"
    (run / "predictions").mkdir(parents=True)
    keras.utils.set_random_seed(1)
    backbone = mean(2000, 12, head="pooled", seed=0)
    model = models.classifier(backbone, dataset.labels)
    # so far from zero that decisions differ
    head = model.get_layer("head")
    head.set_weights([40 * head.get_weights()[0], head.get_weights()[1]])
    models.save_model(model, run / "model.keras")
    shutil.copy(folder / "shards/dataset.json", run)
    valid, test = (predict(model, folder / "shards", split) for split in ("valid", "test"))
    scores = evaluate(test, valid, calibration="platt", bootstrap=100)
    scores.save_json(run / "scores.json")
    calibrate(valid, "platt").apply(test).save(run / "predictions/test.npz")
    return Lab(folder / "raw", folder / "shards", run, dataset)


@pytest.fixture(scope="session")
def answered(lab) -> Predictions:
    """What `evaluate` scored of the run."""
    return Predictions.load(lab.run / "predictions/test.npz")
