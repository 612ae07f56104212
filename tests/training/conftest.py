"""A small simulated dataset for training tests."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import data, simulate
from ecg_keras.config import Data, Recipe, Simulate


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> Data:
    raw = tmp_path_factory.mktemp("raw") / "lakeside"
    wanted = Simulate(hospital="lakeside", records=60)
    simulate.simulate(raw, **wanted.model_dump())
    return Data(
        source="simulated",
        raw=raw,
        label_set="superdiagnostic",
        sampling_rate=50.0,
        seconds=4.0,
        simulate=wanted,
    )


@pytest.fixture(scope="session")
def shards(settings, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "lakeside"
    data.prepare(settings, folder)
    return folder


@pytest.fixture(scope="session")
def recipe(settings) -> Recipe:
    return Recipe.model_validate(
        {
            "mode": "scratch",
            "data": settings,
            "model": {"backbone": "gru", "head": "pooled", "dropout": 0.1},
            "training": {
                "batch_size": 16,
                "augment": {"crop": 2.0, "gain": 0.1},
                "phases": [
                    {"epochs": 2, "learning_rate": 1e-2, "train_from": "head"},
                    {"epochs": 3, "learning_rate": 1e-2, "stage_decay": 0.5},
                ],
            },
        }
    )


@pytest.fixture
def signals() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 20, 3)).astype(np.float32)


@pytest.fixture
def targets(signals) -> np.ndarray:
    return (signals.mean(axis=1)[:, :2] > 0).astype(np.float32)


@pytest.fixture
def valid(signals, targets) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((signals, targets)).batch(16)
