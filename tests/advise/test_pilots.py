"""How large pilots are, and which setting goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from advice_parts import PROBE, SCRATCH, dataset

from ecg_keras import data
from ecg_keras.advise import pilots
from ecg_keras.advise.pilot_sizes import PilotCosts, Size
from ecg_keras.config import Tune
from ecg_keras.data import describe
from ecg_keras.errors import ConfigError, DataError, DivergedError
from ecg_keras.evaluation import Predictions
from ecg_keras.training import Run
from ecg_keras.training.begin import begin_run


class Costs(PilotCosts):
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


def said_by(skill):
    rng = np.random.default_rng(0)
    targets = rng.random((60, 1)) < 0.5
    ids = [f"r{number}" for number in range(60)]
    noise = 0.1 * rng.random(targets.shape)
    return Predictions(
        ["MI"], ids, ids, targets, 1 / (1 + np.exp(-skill * (targets + noise - 0.5)))
    )


@pytest.mark.parametrize(
    ("extend", "best", "expected"),
    [
        (True, "rate 1", ("rate 1", None, False)),
        (False, "rate 3", ("rate 3", "highest", False)),
        (True, "rate 3", ("rate 3", None, True)),
        (True, "rate 9", ("rate 9", "highest", True)),
    ],
)
def test_a_choice_at_the_edge_tries_one_more_and_says_so(extend, best, expected):
    tune = Tune(extend=extend)
    arm = costs(60).recipe(SCRATCH, Size(60, 4)).model_copy(update={"tune": tune})
    # more is better up to the best, and what is higher diverges
    rates = [0.1, 0.3, 1.0, 3.0, 9.0]
    limit, trained = float(best.removeprefix("rate ")), []

    def train(way):
        trained.append(way.tuned_to)
        return said_by(rates.index(way.setting.rate) - 2) if way.setting.rate <= limit else None

    way, edge, is_extended = pilots._tune(SCRATCH, arm, train)
    assert (way.tuned_to, edge, is_extended) == expected
    assert ("rate 9" in trained) == (extend and limit >= 3)


def test_the_score_that_is_asked_for_chooses():
    tune = Tune.model_validate({"by": "calibrated_loss", "extend": False})
    arm = costs(60).recipe(SCRATCH, Size(60, 4)).model_copy(update={"tune": tune})
    asked = []

    def choose(scores, by):
        asked.append(by)
        return next(iter(scores))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pilots.evaluation, "choose", choose)
        pilots._tune(SCRATCH, arm, lambda way: said_by(1.0))
    assert asked == ["calibrated_loss"]
    with pytest.raises(DataError, match=r"scratch: all settings diverged \(rate 0\.1, rate 0\.3"):
        pilots._tune(SCRATCH, arm, lambda way: None)


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


@pytest.mark.parametrize(("tune", "expected"), [(None, [0, 1]), (Tune(), [1, 2])])
def test_frozen_heads_have_the_seeds_of_the_pilots(tmp_path, monkeypatch, tune, expected):
    checkpoint = tmp_path / "up.keras"
    checkpoint.touch()
    way, seeds, heads = replace(PROBE, checkpoint=str(checkpoint)), [], []

    def train(recipe, name, shards, run, **_):
        seeds.append(recipe.training.seed)
        run.write_status(seconds=1.0)
        return Predictions(["MI", "HYP"], ["a"], ["a"], [[1, 0]], [[0.5, 0.5]])

    monkeypatch.setattr(pilots, "PilotCosts", Costs)
    monkeypatch.setattr(Costs, "settle", lambda self, ways, *_: (Size(60, 4), ways[0]))
    monkeypatch.setattr(data, "describe", lambda shards: dataset())
    monkeypatch.setattr(pilots, "_train", train)
    monkeypatch.setattr(pilots, "_tune", lambda way, *_: (way, None, False))
    monkeypatch.setattr(pilots, "fit_frozen_heads", lambda *given: heads.extend(given[2]))
    settings = {"minutes": 1.0, "seeds": 2, "tune": tune, "report": lambda *_: None}
    pilots.run_pilots([[way]], Path("shards"), tmp_path, **settings)
    assert seeds == heads == expected


def test_a_setting_whose_network_answers_no_numbers_has_diverged(shards, tmp_path, monkeypatch):
    run = Run(tmp_path / "pilot")
    recipe = Costs(describe(shards), shards, tmp_path, seeds=2).recipe(SCRATCH, Size(8, 2))

    def train(job, *actions):
        begin_run(run, recipe, dataset=describe(shards).fingerprint, upstream=None)
        run.write_status(state="trained", best_epoch=2)
        run.model.touch()
        run.log.write_text("epoch,loss,val_loss\n1,0.7,0.7\n2,0.6,nan\n")

    monkeypatch.setattr(pilots, "make_alone", train)
    with pytest.raises(DivergedError):
        pilots._train(recipe, "scratch", shards, run, tried=True)


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
