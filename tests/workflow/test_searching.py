"""`ecg.train`: what a search of settings calls; the test split is left alone."""

import random
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_recipe import RECIPE, working_in

import ecg_keras as ecg
from ecg_keras.config import flatten_overrides
from ecg_keras.errors import ConfigError
from ecg_keras.training import Run, checkpoint

pytestmark = pytest.mark.usefixtures("without_tfdv")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a recipe of which one run is trained, and then no test shard is whole."""
    folder = tmp_path_factory.mktemp("search")
    evaluation = {"baseline": "mine.yaml", "bootstrap": 100}
    with working_in(folder, RECIPE | {"evaluation": evaluation}):
        ecg.train("mine.yaml")
        shards = list(Path("shards").glob("*/test-*"))
        assert shards
        for path in shards:
            path.write_bytes(bytes(path.stat().st_size))
    return folder


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


class Epochs(keras.callbacks.Callback):
    """Notes what an epoch logs, and raises after one of them."""

    def __init__(self, last=99):
        super().__init__()
        self.logs, self.last = {}, last

    def on_epoch_end(self, epoch, logs=None):
        self.logs[epoch] = dict(logs)
        if epoch == self.last:
            raise RuntimeError("pruned")


def test_test_shards_of_garbage_change_nothing(place):
    tried = ecg.train("mine.yaml", training={"seed": 1}, run="runs/one")
    assert tried.run == Path("runs/one")
    assert {"macro_auroc", "macro_f1", "calibrated_loss"} <= set(tried.scores)
    assert 0 <= tried.scores["macro_auroc"] <= 1
    run = Run(tried.run)
    assert run.read_status()["state"] == "trained"
    assert not run.scores.exists() and not run.predictions("test").exists()


def test_each_setting_has_a_run_of_its_own_and_is_trained_once(place):
    calls = [Epochs(), Epochs(), Epochs()]
    rate = {"training.phases.0.learning_rate": np.float64(0.01)}
    first, again, other = (
        ecg.train("mine.yaml", callbacks=[one], **settings)
        for one, settings in zip(calls, (rate, rate, {"training": {"seed": 3}}), strict=True)
    )
    assert first.run == again.run != other.run
    assert first.run.name.startswith("mine-")
    assert first.scores == again.scores
    assert [len(one.logs) for one in calls] == [2, 0, 2]
    assert "val_macro_auroc" in calls[0].logs[1]


def test_a_pruned_run_resumes(place, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0)
    settings = {"training": {"seed": 4}}
    with pytest.raises(RuntimeError, match="pruned"):
        ecg.train("mine.yaml", callbacks=[Epochs(last=0)], **settings)
    rest = Epochs()
    ecg.train("mine.yaml", callbacks=[rest], **settings)
    assert list(rest.logs) == [1]


def test_a_search_that_draws_from_global_generators_draws_on(place):
    def drawn():
        name, keys, *rest = np.random.get_state()  # noqa: NPY002
        return random.getstate(), name, keys.tolist(), rest

    before = drawn()
    with pytest.raises(RuntimeError, match="pruned"):
        ecg.train("mine.yaml", callbacks=[Epochs(last=0)], training={"seed": 6})
    assert drawn() == before


def test_what_would_choose_by_test_or_is_no_key_is_refused(place):
    with pytest.raises(ConfigError, match=r"training\.validate_on: a search on the test split"):
        ecg.train("mine.yaml", training={"validate_on": "test", "select": "last"})
    with pytest.raises(ConfigError, match=r"--set training\.sed=1"):
        ecg.train("mine.yaml", training={"sed": 1})


def test_sections_are_merged_and_other_values_are_whole():
    assert flatten_overrides(
        {
            "training": {"loss": {"focal": {"gamma": 3}}, "phases": {1: {"epochs": 2}}},
            "training.augment": {"gain": np.float32(0.5)},
            "initialise": {"set": {"training.seed": 1}},
            "data": {"split": {"test_folds": [1]}},
            "nowhere": {"a": 1},
        }
    ) == {
        "training.loss": {"focal": {"gamma": 3}},
        "training.phases.1.epochs": 2,
        "training.augment.gain": 0.5,
        "initialise.set": {"training.seed": 1},
        "data.split.test_folds": [1],
        "nowhere": {"a": 1},
    }
