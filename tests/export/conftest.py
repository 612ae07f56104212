"""Small networks, built with plain Keras, and one exported SavedModel of each."""

import functools
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from ecg_keras.export import export_saved_model

LAYERS = keras.layers


def build_cnn(dtype: str = "float32") -> keras.Model:
    signal = keras.Input((200, 2), name="signal")
    x = LAYERS.Conv1D(8, 7, strides=2, activation="relu", dtype=dtype, name="stem_conv")(signal)
    x = LAYERS.BatchNormalization(dtype=dtype, name="stem_norm")(x)
    x = LAYERS.MaxPooling1D(2, dtype=dtype, name="stem_pool")(x)
    x = LAYERS.Dropout(0.5, dtype=dtype, name="embedding_dropout")(x)
    x = LAYERS.GlobalAveragePooling1D(dtype=dtype, name="embedding_pool")(x)
    return keras.Model(signal, LAYERS.Dense(3, "sigmoid", dtype="float32", name="head")(x))


def build_rnn(dtype: str = "float32") -> keras.Model:
    signal = keras.Input((50, 2), name="signal")
    x = LAYERS.Bidirectional(LAYERS.GRU(4, dtype=dtype), dtype=dtype, name="stem_gru")(signal)
    return keras.Model(signal, LAYERS.Dense(3, "sigmoid", dtype="float32", name="head")(x))


BUILDERS = {"cnn": build_cnn, "rnn": build_rnn}


@pytest.fixture(scope="session")
def facts() -> dict:
    """What `export_saved_model` is told about both networks; of the signatures the quickest."""
    return {
        "labels": ("CD", "MI", "NORM"),
        "leads": ("I", "II"),
        "sampling_rate": 100,
        "signatures": ("serving_default",),
    }


@pytest.fixture(scope="session", params=BUILDERS)
def build(request) -> Callable[..., keras.Model]:
    return BUILDERS[request.param]


@pytest.fixture(scope="session")
def export_once(facts, tmp_path_factory) -> Callable[..., tuple[keras.Model, Path]]:
    """A function that gives the network of a builder and its SavedModel, the same in every file."""

    @functools.cache
    def export(build: Callable[..., keras.Model]) -> tuple[keras.Model, Path]:
        keras.utils.set_random_seed(0)
        model = build()
        folder = tmp_path_factory.mktemp("export") / "saved_model" / "1"
        thresholds = {"CD": 0.2, "MI": 0.3, "NORM": 0.6}
        export_saved_model(model, folder, thresholds=thresholds, **{**facts, "signatures": None})
        return model, folder

    return export


@pytest.fixture(scope="session")
def exported(build, export_once) -> tuple[keras.Model, Path]:
    """A network and its SavedModel."""
    return export_once(build)
