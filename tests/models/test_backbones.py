"""The contract every entry of BACKBONES keeps."""

import math
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import models
from ecg_keras.errors import ConfigError

LABELS = ("NORM", "MI", "STTC", "HYP", "CD")
NAMES = sorted(models.BACKBONES)
# deep networks cost ten times as much to build; two are made of the blocks of another
DEEP = (
    "cwt_efficientnetv2b0",
    "cwt_resnet50",
    "stft_resnet50",
    "net1d",
    "resnet1d50",
    "resnet1d101",
)
SHALLOW = [name for name in NAMES if name not in DEEP]
SLOW = ("s4",)  # to train: it strides nowhere
PARTS = {"pooled": "embedding_pool", "flattened": "embedding_flatten"}

# trainable parameters with 12 leads and 1000 samples: of the backbone, and with a head of 5 labels.
# The networks as released count these in PyTorch, except that an LSTM there has 400 more per
# direction for a second bias.
PARAMETERS = {
    "bilstm": (90_400, 1_090_405),
    "cnn_transformer": (13_641_536, 13_641_861),
    "cwt_efficientnetv2b0": (5_858_743, 5_865_148),
    "cwt_resnet50": (23_534_631, 23_544_876),
    "fourier_cnn": (669_184, 669_829),
    "gru": (34_200, 534_205),
    "inception_ahus": (484_416, 485_061),
    "lstm": (45_200, 545_205),
    "net1d": (30_598_896, 30_604_021),
    "resnet1d18": (4_111_488, 4_114_053),
    "resnet1d50": (17_008_256, 17_010_821),
    "resnet1d101": (29_315_712, 29_318_277),
    "ribeiro_resnet": (6_391_184, 6_397_589),
    "s4": (2_165_248, 2_167_813),
    "stft_resnet50": (23_534_631, 23_544_876),
    "vit1d": (3_600_000, 3_600_965),
    "xception_time": (400_720, 401_365),
}


def count(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def test_every_backbone_has_a_golden_parameter_count_which_the_docs_give():
    assert PARAMETERS.keys() == models.BACKBONES.keys()
    table = (Path(__file__).resolve().parents[2] / "docs" / "backbones.md").read_text()
    for backbone, whole in PARAMETERS.values():
        assert f"| {backbone:,} | {whole:,} |" in table


# channels of the last feature map, and its time steps for a number of samples
MAPS = {
    "bilstm": (200, lambda samples: samples),
    "cwt_efficientnetv2b0": (1280, lambda samples: 2 * math.ceil(samples / 128)),
    "cwt_resnet50": (2048, lambda samples: 2 * math.ceil(samples / 128)),
    "fourier_cnn": (128, lambda samples: math.ceil(samples / 8)),
    "gru": (100, lambda samples: samples),
    "inception_ahus": (128, lambda samples: ((samples - 3) // 2 - 3) // 2),
    "lstm": (100, lambda samples: samples),
    "net1d": (1024, lambda samples: math.ceil(samples / 256)),
    "ribeiro_resnet": (320, lambda samples: math.ceil(samples / 256)),
    "s4": (512, lambda samples: samples),
    "stft_resnet50": (2048, lambda samples: 3 * math.ceil(samples / 128)),
    "vit1d": (192, lambda samples: math.ceil(samples / 25)),
    "xception_time": (128, lambda samples: math.ceil(samples / max(1, samples // 50))),
}


def embedding_size(name, num_samples, head):
    if name.startswith("resnet1d"):
        return 512
    if name == "cnn_transformer":
        return 64
    channels, steps = MAPS[name]
    return channels * (steps(num_samples) if head == "flattened" else 1)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_shapes_are_those_of_the_released_network(name):
    backbone = models.find_backbone(name)()
    assert backbone.input_shape == (None, 1000, 12)
    size = embedding_size(name, 1000, models.AS_PUBLISHED_HEAD[name])
    assert backbone.output_shape == (None, size)
    assert count(backbone) == PARAMETERS[name][0]
    assert count(models.classifier(backbone, LABELS)) == PARAMETERS[name][1]


@pytest.mark.parametrize(
    ("name", "shape"), [(name, (40, 8)) for name in NAMES] + [(name, (65, 1)) for name in SHALLOW]
)
def test_the_other_head_and_other_shapes(name, shape, classifiers):
    published = models.AS_PUBLISHED_HEAD[name]
    head = "pooled" if published == "flattened" else "flattened"
    backbone = models.find_backbone(name)(*shape, head=head)
    assert backbone.name == name
    assert backbone.inputs[0].name == "signal"
    assert backbone.input_shape == (None, *shape)
    assert backbone.output_shape == (None, embedding_size(name, shape[0], head))
    layers = [layer.name for layer in classifiers(name).layers][:-1]
    expected = [layer.replace(PARTS[published], PARTS[head]) for layer in layers]
    assert [layer.name for layer in backbone.layers] == expected


@pytest.mark.parametrize("name", SHALLOW)
def test_a_head_can_be_named_outright(name):
    build = models.find_backbone(name)
    published, named = build(16, 2), build(16, 2, head=models.AS_PUBLISHED_HEAD[name])
    assert [layer.name for layer in named.layers] == [layer.name for layer in published.layers]


@pytest.mark.parametrize("name", NAMES)
def test_stages_begin_with_stem_and_cover_every_variable_once(name, classifiers):
    model = classifiers(name)
    stages = models.stages(model)
    assert stages[0] == "stem"
    assert stages[-1] == "head"
    by_stage = models.variables_by_stage(model)
    assert tuple(by_stage) == stages
    listed = [id(variable) for variables in by_stage.values() for variable in variables]
    assert sorted(listed) == sorted(id(variable) for variable in model.trainable_variables)
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("name", NAMES)
def test_every_trainable_variable_gets_a_gradient(name, classifiers, signals):
    model = classifiers(name)
    targets = np.eye(5, dtype=np.float32)[np.arange(4)]
    with tf.GradientTape() as tape:
        loss = keras.losses.binary_crossentropy(targets, model(signals[:4], training=True))
        loss = tf.reduce_mean(loss)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
        assert np.any(gradient), variable.path


@pytest.mark.parametrize("name", NAMES)
def test_no_two_random_weights_start_equal(name, classifiers):
    by_shape = {}
    for variable in classifiers(name).trainable_variables:
        if variable.name in ("gamma", "beta") or np.ptp(variable) == 0:
            continue
        for other in by_shape.setdefault(tuple(variable.shape), []):
            assert not np.array_equal(other, variable), variable.path
        by_shape[tuple(variable.shape)].append(variable)


@pytest.mark.parametrize("name", [*SHALLOW, "net1d", "resnet1d50"])
def test_the_seed_decides_the_first_weights(name, classifiers):
    first = classifiers(name)
    again = models.classifier(models.find_backbone(name)(64, 3), LABELS)
    other = models.classifier(models.find_backbone(name)(64, 3, seed=1), LABELS, seed=1)
    for one, same, different in zip(
        first.trainable_variables, again.trainable_variables, other.trainable_variables, strict=True
    ):
        assert np.array_equal(one, same), one.path
        if one.name not in ("gamma", "beta") and np.ptp(one) > 0:
            assert not np.array_equal(one, different), one.path


@pytest.mark.parametrize("name", NAMES)
def test_mixed_precision_keeps_the_head_in_float32(name, signals):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = models.classifier(models.find_backbone(name)(64, 3), LABELS)
    assert model.get_layer("head").compute_dtype == "float32"
    compute = {layer.compute_dtype for layer in model.layers if layer.name.startswith("stem")}
    assert compute == {"bfloat16"}
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    probabilities = model(signals[:2])
    assert probabilities.dtype == tf.float32
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("name", [name for name in SHALLOW if name not in SLOW])
def test_learns_sixteen_records_by_heart(name, signals, targets):
    model = models.classifier(models.find_backbone(name)(32, 3), LABELS[:3])
    model.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    for _ in range(6):
        for _ in range(10):
            model.train_on_batch(signals[:, :32], targets)
        if np.array_equal(model.predict_on_batch(signals[:, :32]) > 0.5, targets > 0.5):
            return
    pytest.fail("after 60 steps some labels are still wrong")


@pytest.mark.parametrize(
    "name",
    [
        "resnet1d50",
        "s4",
        pytest.param("net1d", marks=pytest.mark.long),
        pytest.param("resnet1d101", marks=pytest.mark.long),
    ],
)
def test_a_deep_network_lowers_its_loss(name, signals, targets):
    """Learning by heart would take it minutes."""
    model = models.classifier(models.find_backbone(name)(64, 3), LABELS[:3])
    model.compile(keras.optimizers.Adam(3e-4), "binary_crossentropy", run_eagerly=True)
    losses = model.fit(signals, targets, batch_size=16, epochs=3, verbose=0).history["loss"]
    assert min(losses[1:]) < 0.95 * losses[0]


@pytest.mark.parametrize("arguments", [{"num_samples": 0}, {"num_leads": 0}])
@pytest.mark.parametrize("name", NAMES)
def test_an_impossible_size_is_refused(name, arguments):
    with pytest.raises(ConfigError, match="num_samples and num_leads of at least 1"):
        models.find_backbone(name)(**arguments)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_head_is_answered_with_the_choices(name):
    with pytest.raises(
        ConfigError, match=r"as_published, flattened, pooled\. Did you mean 'pooled'"
    ):
        models.find_backbone(name)(16, 2, head="poled")


def test_saved_models_open_where_only_keras_is_installed(tmp_path, classifiers, saved, signals):
    np.save(tmp_path / "signals.npy", signals)
    reader = """
import pathlib, sys
import keras, numpy as np
folder, *paths = map(pathlib.Path, sys.argv[1:])
for path in paths:
    model = keras.models.load_model(path)
    np.save(folder / f"{path.stem}.npy", np.asarray(model(np.load(folder / "signals.npy"))))
assert not any(name.startswith("ecg_keras") for name in sys.modules)
"""
    paths = [str(saved(name)) for name in NAMES]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", reader, str(tmp_path), *paths], check=True
    )
    for name in NAMES:
        expected = np.asarray(classifiers(name)(signals))
        assert np.abs(np.load(tmp_path / f"{name}.npy") - expected).max() < 1e-6, name
