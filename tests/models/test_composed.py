"""Networks as parts of a user's own model: stages, weights, and one node for each layer."""

import keras
import numpy as np
import pytest

from ecg_keras.config import Phase, Training
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.models import (
    classifier,
    find_backbone,
    load_backbone,
    load_model,
    save_model,
    set_trainable,
    stages,
    variables_by_stage,
)
from ecg_keras.training import compile_phase

STAGES = ("stem", "stage1", "stage2", "stage3", "stage4", "embedding", "head")
SIGNALS = np.random.default_rng(0).normal(size=(4, 64, 12)).astype(np.float32)


def build(head="pooled", seed=0):
    return find_backbone("resnet1d18")(num_samples=64, num_leads=12, head=head, seed=seed)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    path = tmp_path_factory.mktemp("upstream") / "model.keras"
    save_model(classifier(build(seed=5), ["A", "B", "C"]), path)
    return path


def sequential():
    return keras.Sequential([build(), keras.layers.Dense(2, "sigmoid", name="head")])


def two_inputs(nested):
    backbone, age = build(), keras.Input((1,), name="age")
    signal = keras.Input((64, 12), name="signal") if nested else backbone.input
    embedding = backbone(signal) if nested else backbone.output
    branch = keras.layers.Dense(3, "relu", name="age_dense")(age)
    joined = keras.layers.Concatenate(name="joined")([embedding, branch])
    outputs = {
        "diagnosis": keras.layers.Dense(2, "sigmoid", name="diagnosis")(joined),
        "sex": keras.layers.Dense(1, "sigmoid", name="sex")(joined),
    }
    return keras.Model([signal, age], outputs)


MODELS = {
    "sequential": sequential,
    "nested, two inputs": lambda: two_inputs(nested=True),
    "flat, two inputs": lambda: two_inputs(nested=False),
}


class OwnCall(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.network = sequential()

    def call(self, signal):
        return self.network(signal)


def test_a_model_with_a_call_of_its_own_is_put_into_one_of_layers(upstream):
    model = OwnCall()
    model(SIGNALS)
    before = model.get_weights()
    with pytest.raises(ConfigError, match=r"mine does not say what it takes.*model\(inputs\)\)"):
        load_backbone(model, upstream)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    inputs = keras.Input((64, 12))
    load_backbone(keras.Model(inputs, model(inputs)), upstream)
    np.testing.assert_array_equal(
        model.network.layers[0].get_layer("stem_conv").get_weights()[0],
        load_model(upstream).get_layer("stem_conv").get_weights()[0],
    )


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_stages_freeze_and_weights_load_wherever_the_network_is(make, upstream):
    model = make()
    assert stages(model)[:5] == STAGES[:5]
    source = load_model(upstream)
    done = load_backbone(model, upstream)
    inner = next((one for one in model.layers if isinstance(one, keras.Model)), model)
    assert len(done.copied) == len([x for x in source.layers if x.weights]) - 1
    for name in done.copied:
        theirs, ours = (one.get_layer(name).get_weights() for one in (source, inner))
        for one, other in zip(theirs, ours, strict=True):
            np.testing.assert_array_equal(one, other)
    assert set(done.kept) <= {"head", "age_dense", "diagnosis", "sex"}

    inner.trainable = False  # as users freeze a network
    set_trainable(model, from_stage="stage3")
    assert not inner.get_layer("stage2_block1_conv1").trainable
    assert inner.get_layer("stage3_block1_conv1").trainable
    trained = {stage for stage, found in variables_by_stage(model).items() if found}
    assert not trained & set(STAGES[:3])
    assert {"stage3", "stage4"} <= trained
    if model is not inner or len(model.inputs) > 1:
        assert trained >= {"age", "diagnosis", "sex"} or trained >= {"head"}
    found = [one.path for part in variables_by_stage(model).values() for one in part]
    assert sorted(found) == sorted(one.path for one in model.trainable_variables)
    with pytest.raises(ConfigError, match="no stage named 'stage9'"):
        set_trainable(model, from_stage="stage9")


def test_layers_beside_the_signal_train_whatever_rests():
    model = two_inputs(nested=False)
    set_trainable(model, from_stage="diagnosis")
    assert {one.name for one in model.layers if one.trainable_variables} >= {
        "age_dense",
        "diagnosis",
    }
    assert "age" not in stages(model)
    assert not model.get_layer("stage4_block2_conv2").trainable


def test_a_phase_trains_a_network_that_is_a_layer():
    model = sequential()
    phase = Phase(epochs=1, learning_rate=0.1, train_from="stage4", stage_decay=0.5)
    fitted = compile_phase(model, Training(optimizer="sgd"), phase, steps_per_epoch=1)
    before = {one.path: one.numpy() for one in model.variables}
    fitted.train_on_batch(SIGNALS, np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    changed = {
        one.path.partition("/")[0].partition("_")[0]
        for one in model.variables
        if not np.array_equal(before[one.path], one.numpy())
    }
    assert changed == {"stage4", "embedding", "sequential"}  # where the head's path begins


def test_a_network_of_another_kind_is_refused_and_nothing_is_loaded(upstream):
    backbone = find_backbone("resnet1d50")(num_samples=64, num_leads=12)
    model = keras.Sequential([backbone, keras.layers.Dense(2, name="head")])
    before = model.get_weights()
    with pytest.raises(DataError, match=r"stage1_block1_conv3: not in the file"):
        load_backbone(model, upstream)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    twice = keras.Input((64, 12), name="signal")
    other = build(seed=1)
    other.name = "other"
    joined = keras.layers.Concatenate()([build()(twice), other(twice)])
    model = keras.Model(twice, keras.layers.Dense(1, name="head")(joined))
    with pytest.raises(DataError, match="stem_conv: twice here"):
        load_backbone(model, upstream)


@pytest.mark.parametrize("scaling", ["none", "minmax"])
def test_further_models_can_be_made_of_any_layer(tmp_path, scaling):
    backbone = build()
    before = backbone(SIGNALS).numpy()
    model = classifier(backbone, ["A"], scaling=scaling)
    cut = keras.Model(model.input, model.get_layer("stage2_block1_conv1").output)
    assert cut(SIGNALS).shape == (4, 8, 128)
    # the backbone is itself, and all of them are saved and opened
    for one in (backbone, model, cut, classifier(backbone, ["B"])):
        one.save(tmp_path / "one.keras")
        opened = keras.models.load_model(tmp_path / "one.keras")
        np.testing.assert_array_equal(opened(SIGNALS), one(SIGNALS))
    np.testing.assert_array_equal(backbone(SIGNALS), before)
