import keras
import numpy as np
import pytest
from test_backbones import LONG, OTHERS, long_if_large

from ecg_keras import models
from ecg_keras.config import CardFilter, CardScaling, Preprocessing
from ecg_keras.errors import ConfigError, DataError

STANDARDISE = {"scaling": "standardise", "mean": (0.1, 0.0, -0.1), "std": (0.4, 0.5, 0.6)}


@pytest.fixture
def run(small, tmp_path):
    """A function that saves an upstream classifier and returns it and its run folder."""

    def save(*args, **options):
        model = small(*args, seed=7, **options)
        models.save_model(model, tmp_path / "model.keras")
        return model, tmp_path

    return save


def weights(model, stage):
    return [
        weight
        for layer in model.layers
        if layer.name.split("_")[0] == stage
        for weight in layer.get_weights()
    ]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", [*map(long_if_large, OTHERS), *LONG])
def test_every_layer_but_the_head_is_copied(small, classifiers, saved, name):
    upstream, path = classifiers(name), saved(name)
    model = small(name, seed=1)
    head = weights(model, "head")
    transfer = models.load_backbone(model, path)
    for stage in models.stages(model)[:-1]:
        assert same(weights(model, stage), weights(upstream, stage)), stage
    assert same(weights(model, "head"), head)
    assert transfer.path == path
    assert transfer.kept == ("head",)
    assert transfer.copied == tuple(
        layer.name for layer in model.layers if layer.weights and layer.name != "head"
    )


def test_keep_copies_the_head_too(small, run, signals):
    upstream, folder = run("gru")
    model = small("gru")
    assert models.load_backbone(model, folder / "model.keras", head="keep").kept == ()
    assert np.array_equal(model(signals), upstream(signals))


def test_the_upstreams_scaling_comes_with_its_weights_even_after_a_prediction(small, run, signals):
    upstream, folder = run("gru", **STANDARDISE)
    model = small("gru", scaling="standardise", mean=[5.0] * 3, std=[9.0] * 3)
    model.compile("adam", "binary_crossentropy")
    model.predict(signals, verbose=0)  # traced with the model's own statistics
    transfer = models.load_backbone(model, folder, head="keep")
    assert "preprocess_standardise" in transfer.copied
    assert np.allclose(model.predict(signals, verbose=0), upstream(signals), atol=1e-6)


def test_own_scaling_stays(small, run, signals):
    upstream, folder = run("gru", scaling="minmax")
    model = small("gru", **STANDARDISE)
    transfer = models.load_backbone(model, folder, head="keep", scaling="own")
    assert transfer.kept == ("preprocess_standardise",)
    assert same(weights(model, "stem"), weights(upstream, "stem"))
    layer = model.get_layer("preprocess_standardise")
    by_hand = (signals - np.float32(STANDARDISE["mean"])) / np.float32(STANDARDISE["std"])
    assert np.allclose(layer(signals), by_hand, atol=1e-6)


def test_a_pooled_network_takes_the_layers_of_a_flattened_one(small, run):
    upstream, folder = run("lstm", num_samples=32)
    model = small("lstm", head="pooled")
    models.load_backbone(model, folder)
    assert same(weights(model, "stem"), weights(upstream, "stem"))


@pytest.mark.parametrize(
    ("upstream", "downstream", "lines"),
    [
        (
            ("gru", {"num_leads": 2}),
            ("gru", {}),
            [
                "signal: 2 leads in the file, 3 here",
                r"stem_gru: \(2, 300\).* in the file, \(3, 300\)",
            ],
        ),
        (
            ("gru", {}),
            ("lstm", {}),
            ["stem_lstm: not in the file", "stem_gru: only in the file"],
        ),
        (
            ("gru", {"scaling": "minmax"}),
            ("gru", {}),
            ["scaling: preprocess_minmax in the file, none here"],
        ),
        (
            ("resnet1d18", {"head": "flattened", "num_samples": 128}),
            ("resnet1d18", {"head": "flattened"}),
            [
                "signal: 128 samples in the file, 64 here",
                r"embedding_dense: \(2048, 512\) \(512,\) in the file, \(1024, 512\)",
            ],
        ),
    ],
)
def test_every_layer_that_does_not_fit_is_listed_and_nothing_is_loaded(
    small, run, upstream, downstream, lines
):
    _, folder = run(upstream[0], **upstream[1])
    model = small(downstream[0], **downstream[1])
    before = model.get_weights()
    with pytest.raises(DataError, match=r"do not fit this .* and nothing was loaded") as error:
        models.load_backbone(model, folder)
    for line in lines:
        assert error.match(line)
    assert str(folder) in str(error.value)
    assert same(model.get_weights(), before)


def filtered(unit="uV", edge=0.5, floor=0.001, **scaling):
    return {
        "preprocessing": Preprocessing(
            unit=unit,
            filters=(CardFilter(kind="highpass", hz=edge, order=2),),
            scaling=CardScaling(**{"kind": "zscore", "floor": floor, **scaling}),
        ),
        "leads": ("I", "II", "V1"),
        "sampling_rate": 50.0,
    }


def test_layers_of_one_name_that_compute_something_else_are_refused(small, run):
    upstream, folder = run("gru", head="pooled", **filtered())
    for changed, name in (
        ({"unit": "1e-4 V"}, "preprocess_unit"),
        ({"edge": 1.0}, "preprocess_filter1_highpass"),
        ({"floor": 0.1}, "preprocess_zscore"),
        ({"over": "all"}, "preprocess_zscore"),
    ):
        model = small("gru", head="pooled", **filtered(**changed))
        with pytest.raises(DataError, match=f"{name}: makes something else of a signal") as error:
            models.load_backbone(model, folder)
        assert len(str(error.value).splitlines()) == 2
        assert models.load_backbone(model, folder, scaling="own").kept == ("head",)
    for same_layers in ({}, {"num_samples": 80}):
        model = small("gru", head="pooled", **same_layers, **filtered())
        models.load_backbone(model, folder)
        assert same(weights(model, "stem"), weights(upstream, "stem"))


def test_a_deeper_network_does_not_fit(small, saved):
    with pytest.raises(DataError) as error:
        models.load_backbone(small("resnet1d18"), saved("resnet1d50"))
    assert error.match(r"stage1_block1_conv1: \(1, 64, 64\) in the file, \(3, 64, 64\) here")
    assert error.match("stage1_block1_shortcut_conv: only in the file")
    assert error.match("stage4_block3_norm3: only in the file")


def test_a_kept_head_must_have_as_many_labels(small, run):
    _, folder = run("gru", labels=("AF", "PAC"))
    with pytest.raises(DataError, match=r"head: \(6400, 2\) \(2,\) in the file, \(6400, 3\)"):
        models.load_backbone(small("gru"), folder, head="keep")


def test_layers_of_equal_shape_but_other_names_are_not_taken(small, tmp_path):
    signal = keras.Input((64, 3), name="signal")
    x = keras.layers.GRU(100, return_sequences=True, name="other_gru")(signal)
    x = keras.layers.Dense(3, name="head")(keras.layers.Flatten()(x))
    models.save_model(keras.Model(signal, x), tmp_path / "model.keras")
    with pytest.raises(DataError, match="stem_gru: not in the file"):
        models.load_backbone(small("gru"), tmp_path)


@pytest.mark.parametrize("wrong", [{"head": "knew"}, {"scaling": "downstream"}])
def test_an_unknown_choice_is_refused(small, run, wrong):
    _, folder = run("gru")
    with pytest.raises(ConfigError, match=f"no {next(iter(wrong))} named"):
        models.load_backbone(small("gru"), folder, **wrong)


def test_a_missing_upstream_is_named(small, tmp_path):
    with pytest.raises(DataError, match="no such model"):
        models.load_backbone(small("gru"), tmp_path / "runs" / "ptbxl_pretrain")
