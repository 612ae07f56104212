"""Names of published tensors, of each layer of each family and as they were published."""

import numpy as np
import pytest

from ecg_keras import models, weights
from ecg_keras.models import stage_of

RNG = np.random.default_rng(0)
# by the same function as a smaller network, or with its layers
DEEPER = ("resnet1d101", "xresnet1d101", "stft_resnet50")

# of the publishers' code, by hand: of each family one layer of each kind of place
AS_PUBLISHED = {
    "resnet1d18": {
        "stem_conv": "conv1",
        "stem_norm": "bn1",
        "stage1_block1_conv1": "layer1.0.conv1",
        "stage3_block1_shortcut_conv": "layer3.0.downsample.0",
        "stage3_block1_shortcut_norm": "layer3.0.downsample.1",
        "stage4_block2_norm2": "layer4.1.bn2",
        "embedding_dense": "fc1",
        "head": "fc2",
    },
    "resnet1d50": {
        "stage1_block1_conv3": "layer1.0.conv3",
        "stage1_block1_norm3": "layer1.0.bn3",
        "stage1_block1_shortcut_conv": "layer1.0.downsample.0",
        "stage1_block1_shortcut_norm": "layer1.0.downsample.1",
        "stage3_block6_conv2": "layer3.5.conv2",
    },
    "resnet1d101": {"stage3_block23_conv3": "layer3.22.conv3", "head": "fc2"},
    "lstm": {"stem_lstm": "lstm", "head": "fc"},
    "bilstm": {"stem_bilstm": "lstm", "head": "fc"},
    "gru": {"stem_gru": "gru", "head": "fc"},
    "xception_time": {
        "stem_module1_bottleneck": "block/xception/0/bottleneck/Conv",
        "stem_module2_depthwise3": "block/xception/1/convs/2/depthwise_conv/Conv",
        "stage1_module2_pool_conv": "block/xception/3/maxconvpool/maxconvpool/1/Conv",
        "stage1_shortcut_norm": "block/shortcut/1/shortcut/1/1/BatchNormalization",
    },
    "inception_ahus": {
        "stem_conv2": "down_layers.3",
        "stem_norm2": "down_layers.4",
        "stage1_block1_conv3": "inception_network.blocks.0.convs.2",
        "stage2_block3_pool_conv": "inception_network.blocks.5.pool_conv.1",
        "stage2_shortcut_norm": "inception_network.shortcuts.1.batch_norm",
        "head": "inception_network.fc",
    },
    "net1d": {
        "stem_conv": "first_conv.conv",
        "stage4_block3_conv1": "stage_list.3.block_list.2.conv1.conv",
        "stage7_block4_se_dense2": "stage_list.6.block_list.3.se_fc2",
        "head": "dense",
    },
    "ribeiro_resnet": {
        "stem_conv": "conv1d_1",
        "stem_norm": "batch_normalization_1",
        "stage1_shortcut_conv": "conv1d_2",
        "stage4_conv2": "conv1d_13",
        "stage4_norm2": "batch_normalization_9",
        "head": "dense_1",
    },
    "xresnet1d18": {
        "stem_conv1": "0.0",
        "stem_norm3": "2.1",
        "stage1_block1_conv1": "4.0.convs.0.0",
        "stage1_block1_norm1": "4.0.convs.0.1",
        "stage4_block2_conv2": "7.1.convs.1.0",
    },
    "xresnet1d50": {
        "stage1_block1_shortcut_conv": "4.0.idpath.0.0",
        "stage1_block1_shortcut_norm": "4.0.idpath.0.1",
        "stage1_block1_norm1": "4.0.convs.0.1",
        "stage3_block6_conv3": "6.5.convs.2.0",
    },
    "xresnet1d101": {"stage1_block1_shortcut_conv": "4.0.idpath.0.0"},
    "cwt_resnet50": {"conv4_block6_3_conv": "conv4_block6_3_conv"},
    "stft_resnet50": {"conv1_bn": "conv1_bn"},
    "cwt_efficientnetv2b0": {
        "block1_a_project_conv": "block1a_project_conv",
        "block6_h_dwconv2": "block6h_dwconv2",
    },
}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(row, marks=pytest.mark.long if row.name in DEEPER else (), id=row.name)
        for row in weights.FAMILIES
    ],
)
def test_each_layer_has_the_name_it_was_published_under_and_no_other_has_it(family):
    network = models.find_backbone(family.backbone)(256, 2)
    ours = [layer for layer in models.classifier(network, ["a"]).layers if layer.weights]
    own = [layer.name for layer in ours if stage_of(layer) == "preprocess"]
    assert set(family.own) <= {layer.name for layer in ours}
    taken = {
        layer.name: family.tensors(layer.name)
        for layer in ours
        if layer.name not in (*own, *family.own)
    }
    assert None not in taken.values()
    assert len(set(taken.values())) == len(taken)
    expected = AS_PUBLISHED[family.name]
    assert {name: taken.get(name) for name in expected} == expected


def test_each_family_has_names_as_published():
    assert list(AS_PUBLISHED) == [family.name for family in weights.FAMILIES]


def state_of_xresnet50(leads):
    """Random tensors as the PTB-XL benchmark saves them, each block under its two names."""
    sizes = {"0": (32, leads, 5), "1": (32, 32, 5), "2": (64, 32, 5)}
    for stage, blocks in enumerate((3, 4, 6, 3), start=4):
        for block in range(blocks):
            channels = 64 if (stage, block) == (4, 0) else 256
            sizes[f"{stage}.{block}.convs.0"] = (64, channels, 1)
            sizes[f"{stage}.{block}.convs.1"] = (64, 64, 5)
            sizes[f"{stage}.{block}.convs.2"] = (256, 64, 1)
    sizes["4.0.idpath.0"] = (256, 64, 1)
    tensors = {}
    for name, size in sizes.items():
        tensors[f"{name}.0.weight"] = RNG.random(size, np.float32)
        for part in ("weight", "bias", "running_mean", "running_var"):
            tensors[f"{name}.1.{part}"] = RNG.random(size[:1], np.float32)
        tensors[f"{name}.1.num_batches_tracked"] = np.zeros((), np.int64)
    twice = {
        name.replace(".convs.", ".convpath.0."): tensor
        for name, tensor in tensors.items()
        if ".convs." in name
    }
    return tensors | twice


def test_a_network_of_bottlenecks_takes_the_benchmarks_tensors():
    tensors = state_of_xresnet50(leads=2)
    family = weights.recognise(tensors)
    assert family.name == "xresnet1d50"
    network = models.classifier(models.find_backbone("xresnet1d50")(64, 2), ["a", "b"])
    taken = weights.take_weights(network, tensors, family)
    assert taken.kept == ("head",)
    assert all("convpath" in name or "num_batches" in name for name in taken.ignored)
    for layer, name in (
        ("stage1_block1_shortcut_conv", "4.0.idpath.0.0"),
        ("stage3_block6_conv3", "6.5.convs.2.0"),
    ):
        (kernel,) = network.get_layer(layer).get_weights()
        np.testing.assert_array_equal(kernel, tensors[f"{name}.weight"].T)
    mean = network.get_layer("stage1_block1_norm3").get_weights()[2]
    np.testing.assert_array_equal(mean, tensors["4.0.convs.2.1.running_mean"])
