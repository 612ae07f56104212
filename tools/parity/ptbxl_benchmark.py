"""The convolutional networks of the PTB-XL benchmark (arXiv 2004.13701), with modules as there."""

from __future__ import annotations

import re
from functools import partial

import keras
import torch
from parity.case import LABELS, Case, plain_weights
from torch import nn


class Headed(nn.Module):
    """A network whose head is dense behind the maximum and the mean over time."""

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(2 * channels, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = self.body(signal.transpose(1, 2))
        return self.head(torch.cat([x.amax(dim=2), x.mean(dim=2)], dim=1))


def convolution(channels: int, filters: int, width: int, stride: int = 1) -> nn.Conv1d:
    return nn.Conv1d(channels, filters, width, stride, padding=(width - 1) // 2, bias=False)


def convolved(channels: int, filters: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(convolution(channels, filters, width, stride), nn.BatchNorm1d(filters))


class XBlock(nn.Module):
    """A residual block of fastai's XResNet."""

    def __init__(self, expansion: int, channels: int, stride: int) -> None:
        super().__init__()
        filters, relu = 64 * expansion, nn.ReLU()
        if expansion == 1:
            parts = [convolved(channels, 64, 5, stride).append(relu), convolved(64, filters, 5)]
        else:
            parts = [
                convolved(channels, 64, 1).append(relu),
                convolved(64, 64, 5, stride).append(relu),
                convolved(64, filters, 1),
            ]
        self.convs = nn.Sequential(*parts)
        self.idpath = nn.Sequential()
        if stride > 1:
            self.idpath.append(nn.AvgPool1d(2, ceil_mode=True))
        if channels != filters:
            self.idpath.append(convolved(channels, filters, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convs(x) + self.idpath(x))


def xresnet(expansion: int, counts: tuple[int, ...]) -> nn.Module:
    body, channels = nn.Sequential(), 12
    for filters, stride in ((32, 2), (32, 1), (64, 1)):
        body.append(convolved(channels, filters, 5, stride).append(nn.ReLU()))
        channels = filters
    body.append(nn.MaxPool1d(3, stride=2, padding=1))
    for stage, count in enumerate(counts):
        blocks = nn.Sequential()
        for index in range(count):
            blocks.append(XBlock(expansion, channels, 2 if stage and index == 0 else 1))
            channels = 64 * expansion
        body.append(blocks)
    return Headed(body, channels)


class WangBlock(nn.Module):
    """Two convolutions beside a shortcut, which strides with them."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = convolution(128, 128, 5, stride), nn.BatchNorm1d(128)
        self.conv2, self.bn2 = convolution(128, 128, 3), nn.BatchNorm1d(128)
        self.downsample = convolved(128, 128, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.downsample(x))


def resnet_wang() -> nn.Module:
    stem = convolved(12, 128, 7)
    stages = [nn.Sequential(WangBlock(stride)) for stride in (1, 2, 2)]
    return Headed(nn.Sequential(*stem, nn.ReLU(), *stages), 128)


def fcn_wang() -> nn.Module:
    body, channels = nn.Sequential(), 12
    for filters, width in ((128, 8), (256, 5), (128, 3)):
        body.append(nn.Sequential(convolved(channels, filters, width).append(nn.ReLU())))
        channels = filters
    return Headed(body, channels)


class InceptionBlock(nn.Module):
    """Three convolutions and a maximum, side by side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bottleneck = convolution(channels, 32, 1)
        self.convs = nn.ModuleList([convolution(32, 32, width) for width in (39, 19, 9)])
        pool = nn.MaxPool1d(3, stride=1, padding=1)
        self.conv_bottle = nn.Sequential(pool, convolution(channels, 32, 1))
        self.bn_relu = nn.Sequential(nn.BatchNorm1d(128), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        narrow = self.bottleneck(x)
        parts = [one(narrow) for one in self.convs]
        return self.bn_relu(torch.cat([*parts, self.conv_bottle(x)], dim=1))


class Inception(nn.Module):
    """Six blocks, and a shortcut around each three."""

    def __init__(self) -> None:
        super().__init__()
        self.im = nn.ModuleList([InceptionBlock(12 if n == 0 else 128) for n in range(6)])
        self.sk = nn.ModuleList([convolved(channels, 128, 1) for channels in (12, 128)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for half in (0, 1):
            y = x
            for block in self.im[3 * half : 3 * half + 3]:
                y = block(y)
            x = torch.relu(y + self.sk[half](x))
        return x


def xresnet_module(layer: str) -> str:
    """Of a layer of ours: body.5.0.convs.1.0 of stage2_block1_conv2."""
    if found := re.fullmatch(r"stem_(conv|norm)(\d)", layer):
        return f"body.{int(found[2]) - 1}.{KINDS[found[1]]}"
    if layer == "head":
        return layer
    stage, block, rest = re.fullmatch(r"stage(\d)_block(\d+)_(.*)", layer).groups()
    place = f"body.{int(stage) + 3}.{int(block) - 1}"
    if found := re.fullmatch(r"shortcut_(conv|norm)", rest):  # of the first stage, without a mean
        return f"{place}.idpath.0.{KINDS[found[1]]}"
    kind, number = re.fullmatch(r"(conv|norm)(\d)", rest).groups()
    return f"{place}.convs.{int(number) - 1}.{KINDS[kind]}"


def wang_module(layer: str) -> str:
    """Of a layer of ours: body.4.0.bn2 of stage2_norm2."""
    if layer in ("stem_conv", "stem_norm", "head"):
        return {"stem_conv": "body.0", "stem_norm": "body.1", "head": "head"}[layer]
    stage, rest = re.fullmatch(r"stage(\d)_(.*)", layer).groups()
    place = f"body.{int(stage) + 2}.0"
    if found := re.fullmatch(r"shortcut_(conv|norm)", rest):
        return f"{place}.downsample.{KINDS[found[1]]}"
    return f"{place}.{rest.replace('norm', 'bn')}"


def fcn_module(layer: str) -> str:
    """Of a layer of ours: body.1.0.0 of stage1_conv."""
    if layer == "head":
        return layer
    stage, kind = layer.split("_")
    return f"body.{('stem', 'stage1', 'stage2').index(stage)}.0.{KINDS[kind]}"


def inception_module(layer: str) -> str:
    """Of a layer of ours: body.im.3.convs.0 of stage1_block1_conv1."""
    if layer == "head":
        return layer
    stage, rest = layer.split("_", 1)
    half = ("stem", "stage1").index(stage)
    if found := re.fullmatch(r"shortcut_(conv|norm)", rest):
        return f"body.sk.{half}.{KINDS[found[1]]}"
    number, part = re.fullmatch(r"block(\d)_(.*)", rest).groups()
    place = f"body.im.{3 * half + int(number) - 1}"
    if found := re.fullmatch(r"conv(\d)", part):
        return f"{place}.convs.{int(found[1]) - 1}"
    names = {"bottleneck": "bottleneck", "pool_conv": "conv_bottle.1", "norm": "bn_relu.0"}
    return f"{place}.{names[part]}"


KINDS = {"conv": 0, "norm": 1}


def copy(module, theirs: nn.Module, ours: keras.Model) -> None:
    for layer in ours.layers:
        if layer.weights:
            layer.set_weights(plain_weights(theirs.get_submodule(module(layer.name))))


CASES = (
    Case("xresnet1d18", lambda: xresnet(1, (2, 2, 2, 2)), partial(copy, xresnet_module)),
    Case("xresnet1d50", lambda: xresnet(4, (3, 4, 6, 3)), partial(copy, xresnet_module)),
    Case("xresnet1d101", lambda: xresnet(4, (3, 4, 23, 3)), partial(copy, xresnet_module)),
    Case("resnet1d_wang", resnet_wang, partial(copy, wang_module)),
    Case("fcn_wang", fcn_wang, partial(copy, fcn_module)),
    Case("inception1d", lambda: Headed(Inception(), 128), partial(copy, inception_module)),
)
