import pytest

from ecg_keras import models
from ecg_keras.errors import ConfigError

RESNET = ("stem", "stage1", "stage2", "stage3", "stage4", "embedding", "head")


def test_stages_are_in_order_and_without_scaling(small):
    model = small("resnet1d18", scaling="standardise", mean=[0.0] * 3, std=[1.0] * 3, dropout=0.1)
    assert models.stages(model) == RESNET


def test_the_first_stage_lets_everything_train_again(small):
    model = small("resnet1d18", scaling="standardise", mean=[0.0] * 3, std=[1.0] * 3)
    everything = {variable.path for variable in model.trainable_variables}
    models.set_trainable(model, "head")
    assert {variable.path for variable in model.trainable_variables} == {
        "head/kernel",
        "head/bias",
    }
    models.set_trainable(model, "stem")
    assert {variable.path for variable in model.trainable_variables} == everything


def test_variables_by_stage_has_a_row_for_each_stage_and_none_that_is_frozen(small):
    model = small("resnet1d18")
    models.set_trainable(model, "embedding")
    by_stage = models.variables_by_stage(model)
    assert tuple(by_stage) == RESNET
    assert [len(variables) for variables in by_stage.values()] == [0, 0, 0, 0, 0, 2, 2]


def test_an_unknown_stage_is_answered_with_the_stages_and_changes_nothing(small):
    model = small("gru")
    with pytest.raises(
        ConfigError, match=r"no stage named 'steem'\. Allowed: head, stem\. Did you"
    ):
        models.set_trainable(model, "steem")
    assert len(model.trainable_variables) == 5
