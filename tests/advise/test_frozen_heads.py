"""Whether a checkpoint is better than a random network, by ridge heads on the frozen weights."""

from dataclasses import replace

import numpy as np
import pytest
from advice_parts import FINETUNE, NETWORK, arm, piloted

from ecg_keras import data, models, simulate
from ecg_keras.advise import pilots
from ecg_keras.advise.advice import weigh
from ecg_keras.advise.frozen_heads import FrozenHeads, doubt_checkpoint, fit_frozen_heads
from ecg_keras.advise.pilot_sizes import PilotCosts, Size
from ecg_keras.config import Data, Simulate
from ecg_keras.errors import DataError
from ecg_keras.training import Run

NO_BETTER = "runs/up is not shown to be better than a random network on the target: a ridge head"


def heads(upstream, random):
    return FrozenHeads(arm("up", upstream), arm("random", random))


@pytest.mark.parametrize(("skill", "doubted"), [(0.3, True), (0.2, True), (1.0, False)])
def test_a_checkpoint_no_better_than_a_random_network_is_named(skill, doubted):
    drawn = {"level": 0.95, "bootstrap": 300, "seed": 0}
    found = doubt_checkpoint(heads(skill, 0.3), "runs/up", **drawn)
    assert [one.startswith(NO_BETTER) for one in found] == [True] * doubted
    assert doubt_checkpoint(None, "runs/up", **drawn) == ()


def test_it_is_said_once_with_the_advice_and_changes_no_verdict():
    ways = piloted(scratch=0.3, probe=0.5, finetune=1.0)
    same = [replace(one, heads=heads(0.3, 0.3) if one.way.checkpoint else None) for one in ways]
    settings = {"margin": 0.02, "level": 0.95, "bootstrap": 300, "seed": 0}
    (trials, word, choice), (_, plain, chosen) = weigh(same, **settings), weigh(ways, **settings)
    assert (word, choice.way) == (plain, chosen.way) == ("better", FINETUNE)
    named = [[line for line in one.diagnostics if line.startswith(NO_BETTER)] for one in trials]
    assert [len(lines) for lines in named] == [0, 1, 1]
    assert named[1] == named[2]


def test_heads_are_fitted_on_the_checkpoint_and_on_random_weights_and_kept(tmp_path):
    wanted = Simulate(hospital="lakeside", records=60)
    simulate.simulate(tmp_path / "raw", **wanted.model_dump())
    settings = Data(source="simulated", raw=tmp_path / "raw", label_set="superdiagnostic",
                    sampling_rate=50.0, seconds=4.0)  # fmt: skip
    shards, checkpoint = tmp_path / "shards", tmp_path / "up.keras"
    data.prepare(settings, shards)
    network = NETWORK.model_copy(update={"backbone": "fcn_wang", "scaling": "none"})
    backbone = models.find_backbone("fcn_wang")(num_samples=200, num_leads=12)
    models.save_model(models.classifier(backbone, ("AFIB",)), checkpoint)
    dataset = data.describe(shards)
    size = Size(dataset.splits["train"].records, 4)
    costs = PilotCosts(dataset, shards, tmp_path, 2)

    def recipe_of(start, seed):
        return costs.recipe(start, size, seed)

    def fit(way, train):
        return fit_frozen_heads(way, "up", range(2), recipe_of, train)

    way = replace(FINETUNE, network=network, checkpoint=str(checkpoint))
    found = fit(way, lambda recipe, name: pilots._train(recipe, name, shards, Run(tmp_path / name)))
    assert isinstance(found, FrozenHeads), found
    frozen, random = ([one.probabilities for (one,) in found_arm.predictions]
                      for found_arm in (found.upstream, found.random))  # fmt: skip
    np.testing.assert_allclose(frozen[0], frozen[1], atol=1e-5)  # all records: seeds are equal
    assert np.abs(random[0] - random[1]).max() > 1e-3
    folders = sorted(path.name for path in tmp_path.glob("frozen-*"))
    assert len(folders) == 4 and folders[-2:] == ["frozen-up-seed0", "frozen-up-seed1"]
    for name in folders:
        phases = Run(tmp_path / name).read_status()["settings"]["training"]["phases"]
        assert [phase["fit"] for phase in phases] == ["ridge"]

    def refuse(recipe, name):
        raise DataError("its embedding is not finite")

    why = fit(way, refuse)
    (line,) = doubt_checkpoint(why, "runs/up", level=0.95, bootstrap=300, seed=0)
    assert line.endswith("a random network is not known: its embedding is not finite")
