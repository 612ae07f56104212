"""Names of the tensors of networks whose weights others published, by our layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.weights.mappings import Take


def _xception_time() -> dict[str, str]:
    """Of ExChanGeAI's ONNX graph, whose nodes are named as the modules they were made from."""

    def convolution(ours: str, theirs: str, number: str = "") -> dict[str, str]:
        return {
            f"{ours}_conv{number}": f"{theirs}/0/Conv",
            f"{ours}_norm{number}": f"{theirs}/1/BatchNormalization",
        }

    names = convolution("head", "head/head/3/head/3")
    names["head"] = names["head_conv"]
    for number in (1, 2):
        names |= convolution("embedding", f"head/head/{number}/head/{number}", str(number))
    for pair, stage in enumerate(("stem", "stage1")):
        names |= convolution(f"{stage}_shortcut", f"block/shortcut/{pair}/shortcut/{pair}")
        for module in (0, 1):
            ours, theirs = f"{stage}_module{module + 1}", f"block/xception/{2 * pair + module}"
            names[f"{ours}_bottleneck"] = f"{theirs}/bottleneck/Conv"
            names[f"{ours}_pool_conv"] = f"{theirs}/maxconvpool/maxconvpool/1/Conv"
            for way in range(3):
                for part in ("depthwise", "pointwise"):
                    names[f"{ours}_{part}{way + 1}"] = f"{theirs}/convs/{way}/{part}_conv/Conv"
    return names


def _inception_ahus() -> dict[str, str]:
    """Of the code of Ahus AIM's entry to the PhysioNet Challenge 2025."""
    begin = "inception_network"
    names = {"head": f"{begin}.fc"}
    for number in (0, 1):
        names[f"stem_conv{number + 1}"] = f"down_layers.{3 * number}"
        names[f"stem_norm{number + 1}"] = f"down_layers.{3 * number + 1}"
        names[f"stage{number + 1}_shortcut_conv"] = f"{begin}.shortcuts.{number}.conv"
        names[f"stage{number + 1}_shortcut_norm"] = f"{begin}.shortcuts.{number}.batch_norm"
    for block in range(6):
        ours = f"stage{block // 3 + 1}_block{block % 3 + 1}"
        parts = {"bottleneck": "bottleneck", "pool_conv": "pool_conv.1", "norm": "batch_norm"}
        parts |= {f"conv{way + 1}": f"convs.{way}" for way in range(3)}
        for part, theirs in parts.items():
            names[f"{ours}_{part}"] = f"{begin}.blocks.{block}.{theirs}"
    return names


def _net1d() -> dict[str, str]:
    """Of net1d.py of ECGFounder, whose BatchNorm is in its file and never used."""
    names = {"stem_conv": "first_conv.conv", "head": "dense"}
    for stage, blocks in enumerate((2, 2, 2, 3, 3, 4, 4)):
        for block in range(blocks):
            ours = f"stage{stage + 1}_block{block + 1}"
            theirs = f"stage_list.{stage}.block_list.{block}"
            names |= {f"{ours}_conv{n}": f"{theirs}.conv{n}.conv" for n in (1, 2, 3)}
            names |= {f"{ours}_se_dense{n}": f"{theirs}.se_fc{n}" for n in (1, 2)}
    return names


def _ribeiro_resnet() -> dict[str, str]:
    """Of model.py of Ribeiro et al., in the order in which it makes layers of each kind."""
    convolutions, norms = ["stem_conv"], ["stem_norm"]
    for stage in ("stage1", "stage2", "stage3", "stage4"):
        convolutions += [f"{stage}_{part}" for part in ("shortcut_conv", "conv1", "conv2")]
        norms += [f"{stage}_{part}" for part in ("norm1", "norm2")]
    names = {"head": "dense_1"}
    for kind, ours in (("conv1d", convolutions), ("batch_normalization", norms)):
        names |= {layer: f"{kind}_{number}" for number, layer in enumerate(ours, start=1)}
    return names


def resnet1d(layer: str) -> str | None:
    """Of the code released with the paper (arXiv 2402.02021), named as torchvision's ResNet."""
    outside = {"stem_conv": "conv1", "stem_norm": "bn1", "embedding_dense": "fc1", "head": "fc2"}
    if layer in outside:
        return outside[layer]
    found = re.fullmatch(r"stage(\d)_block(\d+)_(shortcut_)?(conv|norm)(\d?)", layer)
    if found is None:
        return None
    stage, block, shortcut, kind, number = found.groups()
    place = f"layer{stage}.{int(block) - 1}"
    if shortcut:
        return f"{place}.downsample.{0 if kind == 'conv' else 1}"
    return f"{place}.{'conv' if kind == 'conv' else 'bn'}{number}"


def xresnet1d(layer: str) -> str | None:
    """Of the PTB-XL benchmark (arXiv 2004.13701), whose modules have numbers; not of its head."""
    kinds = {"conv": 0, "norm": 1}
    if found := re.fullmatch(r"stem_(conv|norm)(\d)", layer):
        return f"{int(found[2]) - 1}.{kinds[found[1]]}"
    found = re.fullmatch(r"stage(\d)_block(\d+)_(shortcut_)?(conv|norm)(\d?)", layer)
    if found is None:
        return None
    stage, block, shortcut, kind, number = found.groups()
    part = "idpath.0" if shortcut else f"convs.{int(number) - 1}"
    return f"{int(stage) + 3}.{int(block) - 1}.{part}.{kinds[kind]}"


def keras_application(layer: str) -> str | None:
    """Of `ecg_keras.models.on_scalogram`: as there, but for block1a_dwconv of block1_a_dwconv."""
    return re.sub(r"^(block\d+)_([a-z])_", r"\1\2_", layer)


# of the recurrent networks of the same code
RECURRENT = {"stem_lstm": "lstm", "stem_bilstm": "lstm", "stem_gru": "gru", "head": "fc"}
XCEPTION_TIME = _xception_time()
INCEPTION_AHUS = _inception_ahus()
NET1D = _net1d()
RIBEIRO_RESNET = _ribeiro_resnet()


def count_from_one(tensors: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Numbers Keras' layers of each kind from 1, in their order.

    Keras numbers them from 0 or 1, as its version has it, and continues with the next network.
    """
    numbers: dict[str, set[int]] = {}
    places = {name: re.fullmatch(r"([^/]+?)(?:_(\d+))?(/.+)", name) for name in tensors}
    for found in places.values():
        if found:
            numbers.setdefault(found[1], set()).add(int(found[2] or 0))
    renamed = {}
    for name, tensor in tensors.items():
        if found := places[name]:
            rank = sorted(numbers[found[1]]).index(int(found[2] or 0)) + 1
            name = f"{found[1]}_{rank}{found[3]}"
        renamed[name] = tensor
    return renamed


def identity(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """Of a dense layer that the published network lacks, and that changes nothing."""
    size = layer.units
    return [np.eye(size, dtype=np.float32), np.zeros(size, np.float32)]


def without_bias(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """Of a dense layer that has no bias as published."""
    return [take(f"{prefix}.weight").T, np.zeros(layer.units, np.float32)]
