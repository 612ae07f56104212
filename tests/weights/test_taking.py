"""Published tensors come into our layers, all of them or none."""

import numpy as np
import pytest
from published_weights import PUBLISHED

from ecg_keras import models, weights
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.weights import taking

RNG = np.random.default_rng(0)


def publish(model, family):
    """Random tensors of a network, named and arranged as PyTorch does."""
    rng = np.random.default_rng(0)
    tensors = {}
    for layer in model.layers:
        for weight in layer.weights:
            shape = tuple(weight.shape)[:: -1 if weight.name == "kernel" else 1]
            name = f"{family.tensors(layer.name)}.{PUBLISHED[weight.name]}"
            tensors[name] = rng.random(shape, np.float32)
    return tensors


@pytest.fixture(scope="module")
def model():
    return models.classifier(models.find_backbone("resnet1d18")(100, 3), ["a", "b"])


@pytest.fixture(scope="module")
def family():
    return weights.find_family("resnet1d18")


@pytest.fixture
def tensors(model, family):
    return publish(model, family)


def test_each_layer_has_its_tensors_in_its_own_layout(model, family, tensors):
    tensors["bn1.num_batches_tracked"] = np.zeros((), np.int64)
    taken = weights.take_weights(model, tensors, family)
    assert taken.kept == () and taken.ignored == ("bn1.num_batches_tracked",)
    assert taken.copied == tuple(layer.name for layer in model.layers if layer.weights)
    kernel, mean = (
        model.get_layer(name).get_weights()[index]
        for name, index in (("stage2_block1_shortcut_conv", 0), ("stage4_block2_norm2", 2))
    )
    np.testing.assert_array_equal(kernel[0], tensors["layer2.0.downsample.0.weight"][:, :, 0].T)
    np.testing.assert_array_equal(mean, tensors["layer4.1.bn2.running_mean"])


def test_a_new_head_stays(model, family, tensors):
    before = model.get_layer("head").get_weights()
    tensors["fc2.weight"] = np.zeros((7, 512), np.float32)
    assert weights.take_weights(model, tensors, family, head="new").kept == ("head",)
    for one, other in zip(before, model.get_layer("head").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class OlderError(DataError):
    """As in Python 3.10, whose exceptions have no `add_note`."""

    add_note = property()


def test_what_does_not_fit_is_listed_and_nothing_is_taken(model, family, tensors, monkeypatch):
    monkeypatch.setattr(taking, "DataError", OlderError)
    before = model.get_weights()
    del tensors["bn1.weight"]
    tensors["layer1.0.conv1.weight"] = np.zeros((64, 64, 5), np.float32)
    tensors["fc3.weight"] = np.zeros((1, 2))
    tensors["fc1.bias"] = np.full(512, np.nan, np.float32)
    with pytest.raises(DataError) as caught:
        weights.take_weights(model, tensors, family)
    assert str(caught.value) == (
        "these tensors do not fit resnet1d18 as resnet1d18, and nothing was taken: "
        "stem_norm: bn1.weight is missing; "
        "stage1_block1_conv1: layer1.0.conv1 gives (5, 64, 64), and here are (3, 64, 64); "
        "embedding_dense: fc1 holds numbers that are not finite, or too large for float32; "
        "and 1 more. Use the leads, labels and family that they were trained with."
    )
    (note,) = caught.value.__notes__
    assert len(note.splitlines()) == 4 and note.endswith("fc3.weight: left over, (1, 2)")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fc1.bias", np.full(512, 1e300), "embedding_dense: fc1 holds numbers that .* too large"),
        ("fc1.bias", np.ones(512, bool), "embedding_dense: fc1 holds bool, and weights are real"),
        ("fc1.weight", np.ones((512, 512), np.complex64), "fc1 holds complex64, and weights are"),
        ("bn1.running_var", np.full(64, -1e-6, "f4"), "stem_norm: bn1 holds variances below 0"),
    ],
)
def test_numbers_that_can_be_no_weights_are_refused(model, family, tensors, name, value, message):
    before = model.get_weights()
    with pytest.raises(DataError, match=message):
        weights.take_weights(model, {**tensors, name: value}, family)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_integers_and_wider_numbers_are_weights(model, family, tensors):
    weights.take_weights(model, {**tensors, "fc1.bias": np.arange(512)}, family)
    np.testing.assert_array_equal(model.get_layer("embedding_dense").bias, np.arange(512))


def test_an_unknown_way_with_the_head_is_refused(model, family, tensors):
    with pytest.raises(ConfigError, match="no head named 'old'"):
        weights.take_weights(model, tensors, family, head="old")


def names(*tensors):
    return {name: np.zeros(shape, np.float32) for name, shape in tensors}


RESNET50 = [
    ("conv1.weight", (64, 12, 7)),
    ("layer3.5.conv3.weight", (1024, 256, 1)),
    ("fc1.weight", (512, 2048)),
]


def test_a_family_is_recognised_by_names_and_shapes():
    assert weights.recognise(names(*RESNET50)).name == "resnet1d50"
    deeper = ("layer3.6.conv3.weight", (1024, 256, 1))
    assert weights.recognise(names(*RESNET50, deeper)) is None
    assert weights.recognise(names(*RESNET50[1:])) is None
    assert weights.recognise(names(("conv1.weight", (64, 12, 3, 3)), *RESNET50[1:])) is None


def test_a_network_is_found_under_its_wrapper_beside_others(model, family, tensors):
    beside = {"criterion.pos_weight": np.ones(5, np.float32), "ema.conv1.weight": np.ones(3)}
    inside = {f"model.module.{name}": tensor for name, tensor in tensors.items()}
    assert weights.recognise(inside | beside) is family
    taken = weights.take_weights(model, inside | beside, family)
    assert taken.kept == () and taken.ignored == tuple(beside)
    np.testing.assert_array_equal(
        model.get_layer("embedding_dense").get_weights()[0], tensors["fc1.weight"].T
    )
    # which of two networks is not known
    two = inside | {f"net.{name}": tensor for name, tensor in tensors.items()}
    with pytest.raises(DataError, match=r"holds 2 networks of resnet1d18, model\.\* and net\.\*"):
        weights.take_weights(model, two, family)


def test_the_family_that_fits_better_is_named(model, family):
    with pytest.raises(DataError, match="These look like resnet1d50"):
        weights.take_weights(model, names(*RESNET50), family)


def recurrent(name, gates, *directions):
    sizes = {"weight_ih": (gates, 3), "weight_hh": (gates, 100), "bias_ih": gates, "bias_hh": gates}
    tensors = {
        f"{name}.{part}_l0{direction}": RNG.random(size, np.float32)
        for direction in directions
        for part, size in sizes.items()
    }
    steps = 5 * 100 * len(directions)
    return tensors | {"fc.weight": np.zeros((2, steps), "f4"), "fc.bias": np.zeros(2, "f4")}


@pytest.mark.parametrize(
    ("name", "tensors"),
    [
        ("lstm", recurrent("lstm", 400, "")),
        ("bilstm", recurrent("lstm", 400, "", "_reverse")),
        ("gru", recurrent("gru", 300, "")),
    ],
)
def test_recurrent_networks_take_gates_in_keras_order(name, tensors):
    family = weights.recognise(tensors)
    assert family.name == name
    network = models.classifier(models.find_backbone(name)(5, 3), ["a", "b"])
    weights.take_weights(network, tensors, family)
    own = network.layers[1].get_weights()
    kind = "gru" if name == "gru" else "lstm"
    for number, direction in enumerate(("", "_reverse")[: len(own) // 3]):
        theirs = [
            tensors[f"{kind}.{part}_l0{direction}"]
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        if name == "gru":  # reset, update, new to update, reset, new
            theirs = [np.concatenate([one[100:200], one[:100], one[200:]]) for one in theirs]
            biases = np.stack(theirs[2:])
        else:
            biases = theirs[2] + theirs[3]
        expected = [theirs[0].T, theirs[1].T, biases]
        for one, other in zip(expected, own[3 * number : 3 * number + 3], strict=True):
            np.testing.assert_array_equal(one, other)


def test_imagenets_weights_look_like_each_network_that_takes_them():
    tensors = names(
        ("conv1_conv/kernel", (7, 7, 3, 64)),
        ("conv1_bn/gamma", (64,)),
        ("conv4_block6_3_conv/kernel", (1, 1, 256, 1024)),
    )
    like = [row.name for row in weights.FAMILIES if weights.looks_like(tensors, row)]
    assert like == ["cwt_resnet50", "stft_resnet50"]
    assert weights.recognise(tensors).name == "cwt_resnet50"


def test_an_xresnet_takes_all_but_the_head():
    family = weights.find_family("xresnet1d18")
    network = models.classifier(models.find_backbone("xresnet1d18")(50, 3), ["a", "b"])
    for layer in network.layers:
        if layer.weights and layer.name != "head":
            assert family.tensors(layer.name) is not None
    tensors = {
        name: tensor
        for name, tensor in publish(network, family).items()
        if not name.startswith("None")
    }
    twice = {name.replace(".convs.", ".convpath.0."): one for name, one in tensors.items()}
    tensors |= twice | {"8.2.weight": np.zeros(128, "f4"), "8.4.bias": np.zeros(128, "f4")}
    assert weights.recognise(tensors).name == "xresnet1d18"
    taken = weights.take_weights(network, tensors, family)
    assert taken.kept == ("head",)
    assert all("convpath" in name or name.startswith("8.") for name in taken.ignored)
    kernel = network.get_layer("stage3_block1_conv1").get_weights()[0]
    np.testing.assert_array_equal(kernel, tensors["6.0.convs.0.0.weight"].T)
