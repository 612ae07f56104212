"""The contract every entry of BACKBONES keeps.

A large network of another's blocks (SIBLINGS) costs ten times as much and shows little more: it is
counted, its names and first weights are looked at, and the rest takes long.
"""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import models
from ecg_keras.errors import ConfigError
from ecg_keras.export import export_saved_model
from ecg_keras.models.architecture import LAST_LAYERS

LABELS = ("NORM", "MI", "STTC", "HYP", "CD")
NAMES = sorted(models.BACKBONES)
# made of the blocks of a smaller one, or of those of test_image_networks.py
SIBLINGS = (
    "resnet1d50",
    "resnet1d101",
    "xresnet1d50",
    "xresnet1d101",
    "cwt_efficientnetv2b0",
    "cwt_resnet50",
    "inception_ahus",
    "stft_resnet50",
)
OTHERS = [name for name in NAMES if name not in SIBLINGS]
LONG = [pytest.param(name, marks=pytest.mark.long) for name in SIBLINGS]
ALL = [*OTHERS, *LONG]
LARGE = ("cnn_transformer", "net1d")
# of each kind of layer one: a graph is exported whatever blocks its layers are in
EXPORTED = ("bilstm", "fcn_wang", "gru", "lstm", "resnet1d18", "s4", "vit1d")


def long_if(some, name, *others):
    return pytest.param(name, *others, marks=pytest.mark.long if some else ())


def long_if_large(name):
    return long_if(name in LARGE, name)


# it would take them minutes
NEVER = ("net1d", "s4")

# A head is one function of the time steps, whichever network made them: here each network with some
# head and each head with some network, of which one is quick to build. All pairs take long.
LIGHT = "fcn_wang"


def pairs_with_heads():
    for place, name in enumerate(OTHERS):
        for number, head in enumerate(LAST_LAYERS):
            some = name == LIGHT or number == place % len(LAST_LAYERS)
            yield pytest.param(name, head, marks=() if some else pytest.mark.long)


# trainable parameters with 12 leads and 1000 samples: of the backbone, and with a head of 5 labels.
# The networks as released count these in PyTorch, except that an LSTM there has 400 more per
# direction for a second bias.
PARAMETERS = {
    "bilstm": (90_400, 1_090_405),
    "cnn_transformer": (13_641_536, 13_641_861),
    "cwt_efficientnetv2b0": (5_858_743, 5_865_148),
    "cwt_resnet50": (23_534_631, 23_544_876),
    "fcn_wang": (275_456, 276_741),
    "fourier_cnn": (669_184, 669_829),
    "gru": (34_200, 534_205),
    "inception1d": (473_344, 474_629),
    "inception_ahus": (484_416, 485_061),
    "lstm": (45_200, 545_205),
    "net1d": (30_598_896, 30_604_021),
    "resnet1d18": (4_111_488, 4_114_053),
    "resnet1d50": (17_008_256, 17_010_821),
    "resnet1d_wang": (439_040, 440_325),
    "resnet1d101": (29_315_712, 29_318_277),
    "ribeiro_resnet": (6_391_184, 6_397_589),
    "s4": (2_165_248, 2_167_813),
    "stft_resnet50": (23_534_631, 23_544_876),
    "vit1d": (3_600_000, 3_600_965),
    "xception_time": (400_720, 401_365),
    "xresnet1d18": (347_264, 347_909),
    "xresnet1d50": (886_400, 888_965),
    "xresnet1d101": (1_804_672, 1_807_237),
}

# learn sixteen records by heart within seconds; of the others it is seen that they learn
QUICK = tuple(name for name in OTHERS if PARAMETERS[name][0] < 700_000)


def count(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def is_drawn(variable):
    """Not a formula's, nor one number for all, as scales and shifts of a normalisation have."""
    return variable.name not in ("gamma", "beta") and np.ptp(variable) > 0


def names_of(model):
    return [layer.name for layer in model.layers]


def test_every_backbone_has_a_golden_parameter_count_which_the_docs_give():
    assert PARAMETERS.keys() == models.BACKBONES.keys()
    table = (Path(__file__).resolve().parents[2] / "docs" / "backbones.md").read_text()
    for backbone, whole in PARAMETERS.values():
        assert f"| {backbone:,} | {whole:,} |" in table


@pytest.mark.parametrize("name", NAMES)
def test_parameters_names_and_first_weights_are_those_of_the_published_network(name):
    backbone = models.find_backbone(name)()
    assert backbone.name == name
    assert backbone.inputs[0].name == "signal"
    assert backbone.input_shape == (None, 1000, 12)
    assert len(backbone.output_shape) == 2
    assert count(backbone) == PARAMETERS[name][0]
    model = models.classifier(backbone, LABELS)
    assert count(model) == PARAMETERS[name][1]
    assert LAST_LAYERS[models.AS_PUBLISHED_HEAD[name]] in names_of(model)
    assert models.stages(model) == models.STAGES[name]
    assert ("embedding_dense" in names_of(model)) == (name in models.DENSE_EMBEDDINGS)
    check_stages(model)
    check_first_weights(model)


def check_stages(model):
    """They begin with stem, end with head, and cover every variable once."""
    stages = models.stages(model)
    assert (stages[0], stages[-1]) == ("stem", "head")
    by_stage = models.variables_by_stage(model)
    assert tuple(by_stage) == stages
    listed = [id(variable) for variables in by_stage.values() for variable in variables]
    assert sorted(listed) == sorted(id(variable) for variable in model.trainable_variables)
    assert len(set(listed)) == len(listed)


def check_first_weights(model):
    """No two random weights start equal."""
    by_shape = {}
    for variable in model.trainable_variables:
        if not is_drawn(variable):
            continue
        for other in by_shape.setdefault(tuple(variable.shape), []):
            assert not np.array_equal(other, variable), variable.path
        by_shape[tuple(variable.shape)].append(variable)


@pytest.mark.parametrize(("name", "head"), list(pairs_with_heads()))
def test_every_head_takes_the_same_steps(name, head, classifiers, signals):
    published = classifiers(name)
    backbone = models.find_backbone(name)(64, 3, head=head)
    assert models.head_of(backbone) == head
    last = LAST_LAYERS[models.AS_PUBLISHED_HEAD[name]]
    before = [one for one in names_of(published) if not one.startswith("embedding")]
    assert [one for one in names_of(backbone) if not one.startswith("embedding")] == before[:-1]
    assert last in names_of(published)
    embedding = np.asarray(backbone(signals[:2]))
    assert embedding.shape == (2, backbone.output_shape[1])
    assert np.isfinite(embedding).all()
    check_size(backbone, head)


def check_size(backbone, head):
    """Of what a head makes of ``(steps, channels)``."""
    layer = backbone.get_layer(LAST_LAYERS[head])
    size = layer.output.shape[-1]
    if head == "attention":
        assert size == backbone.get_layer("embedding_weighted").input[1].shape[-1]
    elif head == "mean_max":
        assert size == 2 * backbone.get_layer("embedding_mean").input.shape[-1]
    elif head == "flattened":
        assert size == np.prod(layer.input.shape[1:])
    else:
        assert size == layer.input.shape[-1]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        long_if(number != place % 2, name, shape)
        for place, name in enumerate(OTHERS)
        for number, shape in enumerate([(40, 8), (65, 1)])
    ],
)
def test_other_lengths_and_numbers_of_leads(name, shape):
    backbone = models.find_backbone(name)(*shape)
    assert backbone.input_shape == (None, *shape)
    assert np.isfinite(backbone(np.ones((1, *shape), np.float32))).all()


@pytest.mark.parametrize("name", OTHERS)
def test_a_network_that_pools_takes_signals_of_another_length(name, signals):
    whole = models.classifier(models.find_backbone(name)(64, 3, head="mean_max"), LABELS)
    crop = models.with_length(whole, 48)
    assert crop.input_shape == (None, 48, 3)
    assert names_of(crop) == names_of(whole)
    assert all(a is b for a, b in zip(crop.weights, whole.weights, strict=True))
    assert np.isfinite(crop(signals[:2, :48])).all()


@pytest.mark.parametrize("name", ALL)
def test_every_trainable_variable_gets_a_gradient(name, classifiers, signals):
    model = classifiers(name)
    weights = model.get_weights()
    # a scale that starts at zero hides what is before it
    moved = np.random.default_rng(0)
    model.set_weights([one + 0.1 * (np.ptp(one) == 0) * moved.random(one.shape) for one in weights])
    targets = np.eye(5, dtype=np.float32)[np.arange(4)]
    with tf.GradientTape() as tape:
        loss = keras.losses.binary_crossentropy(targets, model(signals[:4], training=True))
        loss = tf.reduce_mean(loss)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    model.set_weights(weights)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
        assert np.any(gradient), variable.path


@pytest.mark.parametrize("name", ALL)
def test_the_seed_decides_the_first_weights(name, build, classifiers):
    first, again, other = classifiers(name), build(name), build(name, seed=1)
    for one, same, different in zip(
        first.trainable_variables, again.trainable_variables, other.trainable_variables, strict=True
    ):
        assert np.array_equal(one, same), one.path
        assert not (is_drawn(one) and np.array_equal(one, different)), one.path


POLICIES = ("mixed_bfloat16", "mixed_float16")


def pairs_with_policies():
    """Each network with one of the two, as both are cast to by the same layers."""
    for place, name in enumerate(NAMES):
        for number, policy in enumerate(POLICIES):
            long = name in (*SIBLINGS, *LARGE) or number != place % 2
            yield long_if(long, name, policy)


@pytest.mark.parametrize(("name", "policy"), list(pairs_with_policies()))
def test_mixed_precision_gives_nearly_the_same_and_float32_the_same(
    name, policy, build, classifiers, signals
):
    keras.config.set_dtype_policy(policy)
    model = build(name)
    keras.config.set_dtype_policy("float32")
    assert model.get_layer("head").compute_dtype == "float32"
    assert policy.removeprefix("mixed_") in {layer.compute_dtype for layer in model.layers}
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    probabilities = model(signals)
    assert probabilities.dtype == tf.float32
    expected = classifiers(name)(signals)
    assert np.abs(probabilities - expected).max() < 0.05
    clone = models.float32_clone(model)
    assert {layer.compute_dtype for layer in clone.layers} == {"float32"}
    assert np.abs(clone(signals) - expected).max() < 1e-5


@pytest.mark.parametrize("name", [*map(long_if_large, OTHERS)])
def test_freezing_leaves_weights_and_statistics_bit_for_bit(name, signals, targets):
    model = models.classifier(models.find_backbone(name)(64, 3), LABELS[:3])
    stages = models.stages(model)
    first = stages[len(stages) // 2]
    models.set_trainable(model, first)
    frozen = stages[: stages.index(first)]
    before = {weight.path: np.array(weight) for weight in model.weights}
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", run_eagerly=True)
    for _ in range(2):  # in the first step a scale of zero hides what is before it
        model.train_on_batch(signals, targets)
    for layer in model.layers:
        for weight in layer.weights:
            same = np.array_equal(weight, before[weight.path])
            assert same == (layer.name.split("_")[0] in frozen), weight.path


@pytest.mark.parametrize(
    "name", [long_if(name not in QUICK, name) for name in OTHERS if name not in NEVER]
)
def test_learns_sixteen_records_by_heart(name, signals, targets):
    model = models.classifier(models.find_backbone(name)(64, 3), LABELS[:3])
    rate = 3e-4 if models.FAMILIES[name] == "transformer" else 3e-3
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    model.optimizer.build(model.trainable_variables)  # else Keras traces the step twice
    for _ in range(8):
        for _ in range(10):
            model.train_on_batch(signals, targets)
        if np.array_equal(model.predict_on_batch(signals) > 0.5, targets > 0.5):
            return
    pytest.fail("after 80 steps some labels are still wrong")


@pytest.mark.parametrize(
    "name", [*(long_if_large(name) for name in OTHERS if name not in QUICK), *LONG]
)
def test_a_deep_network_lowers_its_loss(name, signals, targets):
    model = models.classifier(models.find_backbone(name)(64, 3), LABELS[:3])
    model.compile(keras.optimizers.Adam(3e-4), "binary_crossentropy", run_eagerly=True)
    losses = model.fit(signals, targets, batch_size=16, epochs=3, verbose=0).history["loss"]
    assert min(losses[1:]) < 0.95 * losses[0]


@pytest.mark.parametrize("arguments", [{"num_samples": 0}, {"num_leads": 0}])
@pytest.mark.parametrize("name", NAMES)
def test_an_impossible_size_is_refused(name, arguments):
    with pytest.raises(ConfigError, match="num_samples and num_leads of at least 1"):
        models.find_backbone(name)(**arguments)


@pytest.mark.parametrize(
    ("name", "least"), [("cnn_transformer", 37), ("fcn_wang", 2), ("inception_ahus", 13)]
)
def test_a_network_that_needs_more_samples_says_how_many(name, least):
    assert models.find_backbone(name)(least, 1).input_shape == (None, least, 1)
    with pytest.raises(ConfigError, match=f"{name} needs num_samples of at least {least}[, ]"):
        models.find_backbone(name)(least - 1, 1)


@pytest.mark.parametrize("name", OTHERS)
def test_an_unknown_head_is_answered_with_the_choices(name):
    with pytest.raises(
        ConfigError,
        match=r"as_published, attention, flattened, mean_max, pooled\. Did you mean 'pooled'",
    ):
        models.find_backbone(name)(64, 3, head="poled")


READER = """
import pathlib, sys
import keras, numpy as np
folder, *paths = map(pathlib.Path, sys.argv[1:])
for path in paths:
    model = keras.models.load_model(path, safe_mode=True)
    np.save(folder / f"{path.stem}.npy", np.asarray(model(np.load(folder / "signals.npy"))))
assert not any(name.startswith("ecg_keras") for name in sys.modules)
"""


@pytest.mark.parametrize(
    "names",
    [
        [name for name in OTHERS if name not in LARGE],
        pytest.param([*LARGE, *SIBLINGS], marks=pytest.mark.long),
    ],
    ids=["most", "large"],
)
def test_saved_models_open_where_only_keras_is_installed(
    names, tmp_path, classifiers, saved, signals
):
    np.save(tmp_path / "signals.npy", signals)
    paths = [str(saved(name)) for name in names]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READER, str(tmp_path), *paths], check=True
    )
    for name in names:
        expected = np.asarray(classifiers(name)(signals))
        assert np.abs(np.load(tmp_path / f"{name}.npy") - expected).max() < 1e-6, name


@pytest.mark.parametrize("name", [long_if(name not in EXPORTED, name) for name in NAMES])
def test_the_exported_network_answers_as_keras_does(name, tmp_path, classifiers, signals):
    model = classifiers(name)
    facts = {"labels": LABELS, "leads": ("I", "II", "V1"), "sampling_rate": 100}
    facts["signatures"] = ["serving_default"]
    folder = export_saved_model(model, tmp_path / "saved_model" / "1", **facts)
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    answer = serve(signal=tf.constant(signals))["probabilities"]
    # of dozens of layers roundings add up
    assert np.abs(answer - model(signals)).max() < (1e-5 if name in SIBLINGS else 1e-6)
