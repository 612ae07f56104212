"""How large pilots are, and which setting goes on."""

from pathlib import Path

import numpy as np
import pytest
from advice_parts import SCRATCH, dataset

from ecg_keras.advise import pilots
from ecg_keras.advise.pilots import Size
from ecg_keras.config import Tune
from ecg_keras.data import describe
from ecg_keras.errors import ConfigError
from ecg_keras.evaluation import Predictions
from ecg_keras.training import Run
from ecg_keras.training.begin import begin_run


class Costs(pilots._Costs):
    """A second for each record and epoch."""

    def seconds(self, way, size):
        return size.records * size.epochs


def costs(train: int) -> Costs:
    return Costs(dataset(train), Path("shards"), Path("runs"), seeds=2)


def test_the_setting_that_validation_prefers_goes_on():
    rng = np.random.default_rng(0)
    targets = rng.random((60, 1)) < 0.5
    ids = [f"r{number}" for number in range(60)]
    tried = [
        (way, Predictions(["MI"], ids, ids, targets, 1 / (1 + np.exp(-skill * (targets - 0.5)))))
        for way, skill in zip(SCRATCH.settings(Tune()), (0.0, -1.0, 2.0, 0.0), strict=True)
    ]
    assert pilots._prefer(tried).setting.name == "rate 1"


def test_pilots_are_as_large_as_there_is_time_for():
    two, one = [SCRATCH] * 5, [SCRATCH] * 3
    whole = 2 * 5 * 1000 * 40
    assert costs(1000).choose([two, one], whole, 1) == (0, Size(1000, 40))
    # two checkpoints with less rather than one with more
    assert costs(1000).choose([two, one], whole - 1, 1) == (0, Size(1000, 24))
    assert costs(1000).choose([two, one], 10 * 200 * 48, 1) == (0, Size(200, 48))
    assert costs(1000).choose([two, one], 10 * 200 * 48 - 1, 1) == (1, Size(250, 48))
    # and one with less rather than two with next to nothing
    assert costs(1000).choose([two, one], 6 * 200 * 48, 1) == (1, Size(200, 48))
    assert costs(1000).choose([two, one], 10 * 200 * 16, 1) == (0, Size(200, 16))
    # half the records are few, and few records have more epochs
    assert costs(1000).choose([one], 6 * 250 * 48, 1) == (0, Size(250, 48))
    assert costs(1000).choose([one], 6 * 200 * 16, 1) == (0, Size(200, 16))
    assert costs(60).choose([one], 6 * 60 * 80, 1) == (0, Size(60, 80))
    with pytest.raises(ConfigError, match=r"--pilot-minutes: the smallest pilot runs need about 3"):
        costs(1000).choose([two, one], 6 * 200 * 16 - 120, 1)


@pytest.mark.parametrize("upstream", ["what earlier versions wrote of it", None])
def test_a_pilot_that_an_earlier_version_left_half_trained_begins_again(
    upstream, shards, tmp_path, monkeypatch
):
    run, trained = Run(tmp_path / "pilot"), []
    recipe = Costs(describe(shards), shards, tmp_path, seeds=2).recipe(SCRATCH, Size(8, 2))
    begin_run(run, recipe, dataset=describe(shards).fingerprint, upstream=upstream)
    run.checkpoints.mkdir()
    (run.checkpoints / "progress.json").write_text("{}")

    def train(job, *actions):
        job.is_trained()  # as the guard and the training do: other settings are refused
        trained.append(run.holds_epochs())

    monkeypatch.setattr(pilots, "make_alone", train)
    monkeypatch.setattr(
        pilots, "predict_validation", lambda job: Predictions(["MI"], ["a"], ["a"], [[1]], [[0.5]])
    )
    pilots._train(recipe, "scratch", shards, run)
    assert trained == [upstream is None]  # this version's own resumes
    assert run.predictions("valid").is_file()
