"""ImageNet's weights of keras.applications, from a file in the layout that Keras publishes."""

import keras
import numpy as np
import pytest
from weight_files import write_keras_2

from ecg_keras import models, weights
from ecg_keras.errors import DataError
from ecg_keras.workflow.published import open_published


def publish(network, path):
    """As Keras 2 names it."""
    tensors = {}
    for layer in network.layers:
        of = "depthwise_" * isinstance(layer, keras.layers.DepthwiseConv2D)
        tensors |= {f"{layer.name}/{of}{one.name}": np.asarray(one) for one in layer.weights}
    write_keras_2(path, tensors)


@pytest.fixture(scope="module")
def networks():
    """A function that gives a network of keras.applications without first values left in it."""

    def build(application):
        network = getattr(keras.applications, application)(
            include_top=False, weights=None, input_shape=(None, None, 3)
        )
        rng = np.random.default_rng(0)
        network.set_weights([
            one + 0.1 * rng.random(one.shape, np.float32) * (np.ptp(one) == 0)
            for one in network.get_weights()
        ])  # fmt: skip
        return network

    return build


@pytest.mark.parametrize(
    ("name", "application", "module", "rows"),
    [
        ("cwt_efficientnetv2b0", "EfficientNetV2B0", "efficientnet_v2", 64),
        *(
            pytest.param(name, "ResNet50", "resnet50", rows, marks=pytest.mark.long)
            for name, rows in (("cwt_resnet50", 64), ("stft_resnet50", 65))
        ),
    ],
)
def test_our_network_sees_photographs_as_the_published_one(
    name, application, module, rows, networks, tmp_path
):
    theirs = networks(application)
    path = tmp_path / "notop.h5"
    publish(theirs, path)
    backbone = models.find_backbone(name)(384, 3)
    ours = models.classifier(backbone, ["MI"])
    before = ours.get_layer("stem_leads").get_weights()
    tensors = {**weights.read_tensors(path), "predictions/bias": np.zeros(1000)}
    assert weights.recognise(tensors).recognised_by == weights.find_family(name).recognised_by
    taken = weights.take_weights(ours, tensors, weights.find_family(name))
    assert (taken.kept, taken.ignored) == (("stem_leads", "head"), ("predictions/bias",))
    for one, other in zip(before, ours.get_layer("stem_leads").get_weights(), strict=True):
        assert np.array_equal(one, other)
    colours = np.random.default_rng(1).random((2, rows, 96, 3)).astype(np.float32)
    # ResNet50 sees blue, green and red: the mixture of leads is in its order
    photographs = 255 * (colours[..., ::-1] if application == "ResNet50" else colours)
    expected = theirs(getattr(keras.applications, module).preprocess_input(photographs))
    first, last = map(backbone.get_layer, ("stem_pixels", "embedding_positions"))
    eyes = keras.Model(first.input, last.input)
    scale = np.abs(expected).max()
    assert np.abs(eyes(colours) - expected).max() < 1e-5 * scale
    assert np.ptp(expected) > 0


def test_names_of_our_layers_lead_to_published_ones():
    efficient, residual = map(weights.find_family, ("cwt_efficientnetv2b0", "stft_resnet50"))
    assert efficient.tensors("block6_h_dwconv2") == "block6h_dwconv2"
    assert efficient.tensors("top_conv") == "top_conv"
    assert residual.tensors("conv2_block1_0_conv") == "conv2_block1_0_conv"


def write_card(path, name):
    text = weights.card_template(name).replace("labels:  ", "labels: [MI]")
    path.write_text(text.replace("licence:  ", "licence: theirs  "))


@pytest.fixture
def outline(tmp_path):
    """A file with what ResNet50 is recognised by, and its tensors."""
    tensors = {
        name: np.zeros(shape, np.float32)
        for name, shape in weights.find_family("stft_resnet50").recognised_by.items()
        if shape is not None
    }
    write_keras_2(tmp_path / "notop.h5", tensors)
    return tmp_path / "notop.h5", tensors


@pytest.mark.parametrize("name", ["cwt_resnet50", "stft_resnet50"])
def test_a_file_is_for_two_networks_and_no_other(name, outline):
    path, tensors = outline
    write_card(path.with_suffix(".yaml"), name)
    assert open_published(path).check().keys() == tensors.keys()
    write_card(path.with_suffix(".yaml"), "cwt_efficientnetv2b0")
    with pytest.raises(DataError, match="not the weights of cwt_efficientnetv2b0"):
        open_published(path).check()
    deeper = {**tensors, "conv4_block7_3_conv/kernel": np.zeros(1)}  # as ResNet101 has
    assert weights.recognise(deeper) is None
