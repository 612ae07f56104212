"""The table of networks whose published weights are known.

A new row needs three things: its network in `models.ZOO`; in published_names.py a function or a
table from the names of that network's layers to the names of the published tensors; and a card
template, ``templates/NAME.yaml``. Where a layer's tensors are arranged in an unusual way, `layouts`
of the row has a function for it, as those in mappings.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ecg_keras import models
from ecg_keras.array_types import AnyArray
from ecg_keras.errors import look_up
from ecg_keras.weights import mappings, published_names
from ecg_keras.weights.mappings import Layout

# lengths of a tensor's axes, None where any will do
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Family:
    """One row of the table.

    Attributes:
        name: in cards and of ``ecg-keras import --as``.
        backbone: the network that the weights are for, a name of `ecg_keras.models.BACKBONES`.
        tensors: for the name of one of its layers, or ``head``, the prefix of the published
            tensors, such as ``layer2.0.conv1`` for ``stage2_block1_conv1``; ``None`` for a layer
            that has none there.
        card: the file of its card template, in ``ecg_keras/weights/templates/``.
        recognised_by: published tensors and their shapes by which a file is known to be of this
            family and of no other; ``None`` in place of a shape for a tensor that it lacks.
        ignored: a regular expression of published tensors that are left out on purpose.
        unused: one of those among them that are zero as long as no code used their layer; a file in
            which one is not is of another network.
        layouts: for the name of a layer of ours, or of a class of Keras layers, how its weights
            are made of tensors, where that is not as in mappings.py.
        library: whose layout and names the tensors have.
        renamed: gives tensors the names of ``tensors``, where those in a file depend on chance.
        end: gives an ordinary classifier the published end, where that isn't one dense layer.
        own: names of our layers that the published network lacks; they keep their own weights.
        least: the smallest probability that its published end gives.
        head_takes: for a number of samples, how many numbers the published head takes, where it has
            a weight for each step of time.
    """

    name: str
    backbone: str
    tensors: Callable[[str], str | None]
    card: str
    recognised_by: Mapping[str, Shape | None]
    ignored: str = r".*\.num_batches_tracked"
    unused: str = ""
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    library: Literal["torch", "keras"] = "torch"
    renamed: Callable[[Mapping[str, AnyArray]], Mapping[str, AnyArray]] = dict
    end: Callable[[Any], Any] = lambda classifier: classifier
    own: tuple[str, ...] = ()
    least: float = 0.0
    head_takes: Callable[[int], int] | None = None


def _imagenet(name: str, recognised_by: Mapping[str, Shape | None]) -> Family:
    """Of keras.applications: a network for images, whose head nobody needs."""
    return Family(
        name,
        name,
        published_names.keras_application,
        "imagenet.yaml",
        recognised_by,
        ignored=r"predictions/.*",
        layouts={"DepthwiseConv2D": mappings.keras2_depthwise},
        library="keras",
        own=("stem_leads", "head"),
    )


def _xresnet(name: str, recognised_by: Mapping[str, Shape | None]) -> Family:
    """Of the PTB-XL benchmark, without its head, which is two dense layers with BatchNorm."""
    return Family(
        name,
        name,
        published_names.xresnet1d,
        "ptbxl_benchmark.yaml",
        {"0.0.weight": (32, None, 5), **recognised_by},
        # its blocks are there twice, under two names
        ignored=r"8\..*|.*\.convpath\..*|.*\.num_batches_tracked",
        own=("head",),
    )


_RESNET50: Mapping[str, Shape | None] = {
    "conv1_conv/kernel": (7, 7, 3, 64),
    "conv1_bn/gamma": (64,),
    "conv4_block6_3_conv/kernel": (1, 1, 256, 1024),
    "conv4_block7_3_conv/kernel": None,
}
_EFFICIENTNETV2B0: Mapping[str, Shape | None] = {
    "stem_conv/kernel": (3, 3, 3, 32),
    "block6h_project_conv/kernel": (1, 1, 1152, 192),
    "block6i_project_conv/kernel": None,
    "top_conv/kernel": (1, 1, 192, 1280),
}

FAMILIES = (
    Family(
        "resnet1d18",
        "resnet1d18",
        published_names.resnet1d,
        "nguyen_do.yaml",
        {"conv1.weight": (64, None, 7), "layer1.0.conv3.weight": None, "fc1.weight": (512, 512)},
    ),
    Family(
        "resnet1d50",
        "resnet1d50",
        published_names.resnet1d,
        "nguyen_do.yaml",
        {
            "conv1.weight": (64, None, 7),
            "layer3.5.conv3.weight": (1024, 256, 1),
            "layer3.6.conv3.weight": None,
            "fc1.weight": (512, 2048),
        },
    ),
    Family(
        "resnet1d101",
        "resnet1d101",
        published_names.resnet1d,
        "nguyen_do.yaml",
        {
            "conv1.weight": (64, None, 7),
            "layer3.22.conv3.weight": (1024, 256, 1),
            "fc1.weight": (512, 2048),
        },
    ),
    Family(
        "lstm",
        "lstm",
        published_names.RECURRENT.get,
        "nguyen_do.yaml",
        {"lstm.weight_ih_l0": (400, None), "lstm.weight_ih_l0_reverse": None},
        head_takes=lambda samples: 100 * samples,
    ),
    Family(
        "bilstm",
        "bilstm",
        published_names.RECURRENT.get,
        "nguyen_do.yaml",
        {"lstm.weight_ih_l0_reverse": (400, None)},
        head_takes=lambda samples: 200 * samples,
    ),
    Family(
        "gru",
        "gru",
        published_names.RECURRENT.get,
        "nguyen_do.yaml",
        {"gru.weight_ih_l0": (300, None)},
        head_takes=lambda samples: 100 * samples,
    ),
    Family(
        "xception_time",
        "xception_time",
        published_names.XCEPTION_TIME.get,
        "xception_time.yaml",
        {"block/xception/0/bottleneck/Conv.weight": (16, None, 1)},
        # the published end, which a new head takes the place of, and numbers of the graph
        ignored=r"head/head/[34]/.*|.*\.num_batches_tracked",
        layouts={"head": published_names.identity},
        end=lambda classifier: models.with_label_maps(classifier),
        least=0.5,
    ),
    Family(
        "inception_ahus",
        "inception_ahus",
        published_names.INCEPTION_AHUS.get,
        "inception_ahus.yaml",
        {
            "down_layers.0.weight": (32, None, 5),
            "inception_network.blocks.5.batch_norm.weight": (128,),
        },
        layouts={"head": published_names.without_bias},
    ),
    Family(
        "net1d",
        "net1d",
        published_names.NET1D.get,
        "net1d.yaml",
        {
            "first_conv.conv.weight": (64, None, 16),
            "stage_list.6.block_list.3.conv2.conv.weight": (1024, 16, 16),
        },
        ignored=r"first_bn\..*|.*\.bn[123]\..*",
        unused=r"(first_bn|.*\.bn[123])\.num_batches_tracked",
    ),
    Family(
        "ribeiro_resnet",
        "ribeiro_resnet",
        published_names.RIBEIRO_RESNET.get,
        "ribeiro_resnet.yaml",
        {"conv1d_1/kernel": (16, None, 64), "conv1d_13/kernel": (16, 320, 320)},
        library="keras",
        renamed=published_names.count_from_one,
        head_takes=lambda samples: 320 * -(-samples // 256),
    ),
    _xresnet("xresnet1d18", {"7.1.convs.1.0.weight": (64, 64, 5), "7.1.convs.2.0.weight": None}),
    _xresnet("xresnet1d50", {"6.5.convs.2.0.weight": (256, 64, 1), "6.6.convs.2.0.weight": None}),
    _xresnet("xresnet1d101", {"6.22.convs.2.0.weight": (256, 64, 1)}),
    _imagenet("cwt_resnet50", _RESNET50),
    _imagenet("stft_resnet50", _RESNET50),
    _imagenet("cwt_efficientnetv2b0", _EFFICIENTNETV2B0),
)


def find_family(name: str) -> Family:
    """The row of a name, also where it is written with other capitals, ``-`` or no ``_``.

    Raises:
        ConfigError: there is no such family.

    Example:
        >>> find_family("resnet1d18").tensors("stage2_block1_conv1")
        'layer2.0.conv1'
        >>> find_family("XceptionTime").name
        'xception_time'
    """
    near = [row for row in FAMILIES if _letters(row.name) == _letters(name)]
    return (
        near[0] if near else look_up("family of weights", name, {one.name: one for one in FAMILIES})
    )


def _letters(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
