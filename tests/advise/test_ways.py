"""The ways of training that advice chooses from."""

from dataclasses import replace
from pathlib import Path

import pytest
from advice_parts import FINETUNE, PROBE, SCRATCH, SETTINGS

from ecg_keras import workflow
from ecg_keras.advise import pilots
from ecg_keras.advise.ways import Way, epochs_for
from ecg_keras.config import Model, Tune


def phases(way: Way, epochs: int = 40) -> list[tuple[int, float, str, float]]:
    recipe = way.recipe(SETTINGS, raw=Path("raw"), epochs=epochs)
    return [
        (one.epochs, one.learning_rate, one.train_from, one.stage_decay)
        for one in recipe.training.phases
    ]


def test_fine_tuning_and_scratch_differ_in_their_first_weights_alone():
    assert phases(SCRATCH) == phases(FINETUNE) == [(40, 3e-3, "stem", 1.0)]
    assert phases(PROBE) == [(40, 3e-3, "head", 1.0)]


def test_a_network_that_takes_a_lower_rate_is_tried_at_that():
    ways = [replace(one, network=Model(backbone="vit1d")) for one in (SCRATCH, PROBE, FINETUNE)]
    assert [phases(one)[0][1] for one in ways] == [3e-4] * 3
    assert [
        workflow.rate_warning(one.recipe(SETTINGS, raw=Path("raw"), epochs=9)) for one in ways
    ] == [None] * 3


def test_each_way_is_tried_with_as_many_settings():
    tune = Tune()
    assert {len(way.settings(tune)) for way in (SCRATCH, PROBE, FINETUNE)} == {4}
    first, *others = FINETUNE.settings(tune)
    assert phases(first) == [(40, 3e-4, "stem", 0.7)]
    assert [phases(one)[0][1] for one in others] == [9e-4, 3e-3, 9e-3]
    assert phases(SCRATCH.settings(tune)[0]) == [(40, 3e-4, "stem", 1.0)]
    names = {pilots._slug(one) for way in (SCRATCH, PROBE) for one in (way, *way.settings(tune))}
    assert len(names) == 10


def test_few_records_have_more_epochs():
    assert (epochs_for(200), epochs_for(20_000)) == (80, 40)


def test_they_share_everything_else():
    recipes = [
        way.recipe(SETTINGS, raw=Path("raw"), epochs=10, train_records=50, seed=3)
        for way in (SCRATCH, PROBE, FINETUNE)
    ]
    assert [one.mode for one in recipes] == ["scratch", "finetune", "finetune"]
    assert recipes[0].initialise is None
    assert recipes[1].initialise.from_ == recipes[2].initialise.from_ == "runs/up"
    assert recipes[1].initialise.head == "new"
    kept = replace(PROBE, keeps_head=True).recipe(SETTINGS, raw=Path("raw"), epochs=10)
    assert kept.initialise.head == "keep"
    for one in recipes:
        assert one.data == recipes[0].data
        assert one.data.train_records == 50
        assert one.model == recipes[0].model
        assert one.training.seed == 3
        # validation scores the pilots, so no epoch may be chosen on it
        assert one.training.select == "last"
        assert one.training.validate_on == "valid"


@pytest.mark.parametrize(
    ("backbone", "head", "crop"),
    [
        ("resnet1d18", "as_published", 2.5),
        ("resnet1d18", "flattened", None),
        ("gru", "as_published", None),
        ("gru", "pooled", 2.5),
        ("gru", "attention", 2.5),
        ("gru", "mean_max", 2.5),
        ("my.module:network", "as_published", None),
    ],
)
def test_only_networks_that_pool_are_trained_on_crops(backbone, head, crop):
    way = Way("scratch", Model(backbone=backbone, head=head))
    assert way.recipe(SETTINGS, raw=Path("raw"), epochs=5).training.augment.crop == crop
