"""Convolutional networks whose weights others published; their tensors are named as published."""

from __future__ import annotations

import keras
import torch
from parity.case import LABELS, Case, array, plain_weights
from torch import nn
from torch.nn.functional import pad

from ecg_keras import weights


class XceptionTime(nn.Module):
    """The names have slashes, as in ExChanGeAI's ONNX file; the dense head is ours."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict()
        channels = 12
        for number, filters in enumerate((16, 32, 64, 128)):
            if number % 2 == 0:
                self.add_convolution(f"block/shortcut/{number // 2}", channels, 8 * filters)
            self.add_module_of(f"block/xception/{number}", channels, filters)
            channels = 4 * filters
        for number in (1, 2):
            self.add_convolution(f"head/head/{number}", channels, channels // 2)
            channels //= 2
        self.parts["head/head/3/head/3/0/Conv"] = nn.Linear(channels, len(LABELS))

    def add_convolution(self, name: str, channels: int, filters: int) -> None:
        """Of width 1, with BatchNorm; the last two parts of a name are there twice."""
        name = f"{name}/{'/'.join(name.split('/')[-2:])}"
        self.parts[f"{name}/0/Conv"] = nn.Conv1d(channels, filters, 1, bias=False)
        self.parts[f"{name}/1/BatchNormalization"] = nn.BatchNorm1d(filters)

    def add_module_of(self, name: str, channels: int, filters: int) -> None:
        def add(part: str, *arguments: int, **options: int) -> None:
            self.parts[f"{name}/{part}/Conv"] = nn.Conv1d(*arguments, bias=False, **options)

        add("bottleneck", channels, filters, 1)
        for number, width in enumerate((39, 19, 9)):
            part = f"convs/{number}"
            add(
                f"{part}/depthwise_conv",
                filters,
                filters,
                width,
                padding=width // 2,
                groups=filters,
            )
            add(f"{part}/pointwise_conv", filters, filters, 1)
        add("maxconvpool/maxconvpool/1", channels, filters, 1)

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = signal.transpose(1, 2)
        for pair in (0, 1):
            shortcut = self.convolve(f"block/shortcut/{pair}", x)
            x = self.mix(
                f"block/xception/{2 * pair + 1}", self.mix(f"block/xception/{2 * pair}", x)
            )
            x = torch.relu(x + shortcut)
        x = nn.functional.adaptive_avg_pool1d(x, 50)
        for number in (1, 2):
            x = torch.relu(self.convolve(f"head/head/{number}", x))
        return self.parts["head/head/3/head/3/0/Conv"](x.mean(dim=2))

    def convolve(self, name: str, x: torch.Tensor) -> torch.Tensor:
        name = f"{name}/{'/'.join(name.split('/')[-2:])}"
        return self.parts[f"{name}/1/BatchNormalization"](self.parts[f"{name}/0/Conv"](x))

    def mix(self, name: str, x: torch.Tensor) -> torch.Tensor:
        narrow = self.parts[f"{name}/bottleneck/Conv"](x)
        ways = [
            self.parts[f"{name}/convs/{number}/pointwise_conv/Conv"](
                self.parts[f"{name}/convs/{number}/depthwise_conv/Conv"](narrow)
            )
            for number in range(3)
        ]
        highest = nn.functional.max_pool1d(x, 3, stride=1, padding=1)
        ways.append(self.parts[f"{name}/maxconvpool/maxconvpool/1/Conv"](highest))
        return torch.cat(ways, dim=1)


class InceptionBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(channels, 32, 1, bias=False)
        self.convs = nn.ModuleList(
            nn.Conv1d(32, 32, width, padding=width // 2, bias=False) for width in (9, 19, 39)
        )
        self.pool_conv = nn.Sequential(
            nn.MaxPool1d(3, stride=1, padding=1), nn.Conv1d(channels, 32, 1, bias=False)
        )
        self.batch_norm = nn.BatchNorm1d(128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        narrow = self.bottleneck(x)
        ways = [*(conv(narrow) for conv in self.convs), self.pool_conv(x)]
        return nn.functional.gelu(self.batch_norm(torch.cat(ways, dim=1)))


class Shortcut(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, 128, 1, bias=False)
        self.batch_norm = nn.BatchNorm1d(128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.batch_norm(self.conv(x))


class Inception(nn.Module):
    """Of Ahus AIM. The published head has no bias; this one has, as ours."""

    def __init__(self) -> None:
        super().__init__()
        self.down_layers = nn.Sequential(
            nn.Conv1d(8, 32, 5, stride=2), nn.BatchNorm1d(32), nn.GELU(),
            nn.Conv1d(32, 32, 5, stride=2), nn.BatchNorm1d(32), nn.GELU(),
        )  # fmt: skip
        inner = self.inception_network = nn.Module()
        inner.blocks = nn.ModuleList(InceptionBlock(128 if number else 32) for number in range(6))
        inner.shortcuts = nn.ModuleList(Shortcut(128 if number else 32) for number in range(2))
        inner.fc = nn.Linear(128, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x, inner = self.down_layers(signal.transpose(1, 2)), self.inception_network
        for third, shortcut in enumerate(inner.shortcuts):
            before = x
            for block in inner.blocks[3 * third : 3 * third + 3]:
                x = block(x)
            x = nn.functional.gelu(x + shortcut(before))
        return inner.fc(x.mean(dim=2))


class Padded(nn.Module):
    """A convolution that pads as TensorFlow's `same`."""

    def __init__(self, channels: int, filters: int, width: int, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv1d(channels, filters, width, stride, groups=groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(pad_same(x, self.conv))


def pad_same(x: torch.Tensor, conv: nn.Conv1d) -> torch.Tensor:
    return pad(x, both_sides(x.shape[-1], *conv.kernel_size, *conv.stride))


def both_sides(length: int, width: int, stride: int) -> tuple[int, int]:
    """How many samples TensorFlow's `same` adds before and behind."""
    missing = max(0, (-(-length // stride) - 1) * stride + width - length)
    return missing // 2, missing - missing // 2


class Net1DBlock(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int, first: bool) -> None:
        super().__init__()
        self.first, self.stride, self.missing = first, stride, filters - channels
        self.conv1 = Padded(channels, filters, 1)
        self.conv2 = Padded(filters, filters, 16, stride, groups=filters // 16)
        self.conv3 = Padded(filters, filters, 1)
        self.se_fc1 = nn.Linear(filters, filters // 2)
        self.se_fc2 = nn.Linear(filters // 2, filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        swish = nn.functional.silu
        y = self.conv1(x if self.first else swish(x))
        y = self.conv3(swish(self.conv2(swish(y))))
        weight = torch.sigmoid(self.se_fc2(swish(self.se_fc1(y.mean(dim=2)))))
        if self.stride > 1:
            x = nn.functional.max_pool1d(pad(x, (0, self.stride - 1)), self.stride)
        before = self.missing // 2
        return y * weight[:, :, None] + pad(x, (0, 0, before, self.missing - before))


class Net1D(nn.Module):
    """As ECGFounder builds it, without the BatchNorm that it never uses."""

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = Padded(12, 64, 16, 2)
        self.stage_list, channels = nn.ModuleList(), 64
        sizes = zip((64, 160, 160, 400, 400, 1024, 1024), (2, 2, 2, 3, 3, 4, 4), strict=True)
        for number, (filters, count) in enumerate(sizes):
            stage = nn.Module()
            stage.block_list = nn.Sequential()
            for index in range(count):
                first, stride = number == index == 0, 1 if index else 2
                stage.block_list.append(Net1DBlock(channels, filters, stride, first))
                channels = filters
            self.stage_list.append(stage)
        self.dense = nn.Linear(channels, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = nn.functional.silu(self.first_conv(signal.transpose(1, 2)))
        for stage in self.stage_list:
            x = stage.block_list(x)
        return self.dense(x.mean(dim=2))


class Ribeiro(nn.Module):
    """Published in Keras; its modules are called as our layers. Dropout does nothing here."""

    def __init__(self, num_samples: int) -> None:
        super().__init__()
        self.stem_conv = nn.Conv1d(12, 64, 16, bias=False)
        self.stem_norm = nn.BatchNorm1d(64, eps=1e-3)
        channels = 64
        for number, filters in enumerate((128, 196, 256, 320), start=1):
            stage = nn.Module()
            stage.shortcut_conv = nn.Conv1d(channels, filters, 1, bias=False)
            stage.conv1 = nn.Conv1d(channels, filters, 16, bias=False)
            stage.norm1 = nn.BatchNorm1d(filters, eps=1e-3)
            stage.conv2 = nn.Conv1d(filters, filters, 16, stride=4, bias=False)
            stage.norm2 = nn.BatchNorm1d(filters, eps=1e-3)
            setattr(self, f"stage{number}", stage)
            channels = filters
        self.head = nn.Linear(channels * -(-num_samples // 256), len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = signal.transpose(1, 2)
        x = skip = torch.relu(self.stem_norm(self.stem_conv(pad_same(x, self.stem_conv))))
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            x = torch.relu(stage.norm1(stage.conv1(pad_same(x, stage.conv1))))
            x = stage.conv2(pad_same(x, stage.conv2))
            around = both_sides(skip.shape[-1], 4, 4)
            highest = nn.functional.max_pool1d(pad(skip, around, value=-torch.inf), 4)
            skip = x + stage.shortcut_conv(highest)
            x = torch.relu(stage.norm2(skip))
        # ours flattens (steps, channels)
        return self.head(x.transpose(1, 2).flatten(start_dim=1))


def copy_published(theirs: nn.Module, ours: keras.Model) -> None:
    """Through the mapping for published files, but for the head, the last module of theirs."""
    tensors = {name.removeprefix("parts."): array(one) for name, one in theirs.state_dict().items()}
    weights.take_weights(ours, tensors, weights.find_family(ours.name), head="new")
    *_, head = theirs.modules()
    ours.get_layer("head").set_weights(plain_weights(head))


CASES = (
    Case("xception_time", XceptionTime, copy_published),
    Case("inception_ahus", Inception, copy_published, num_samples=800, num_leads=8),
    Case("net1d", Net1D, copy_published),
    Case("ribeiro_resnet", lambda: Ribeiro(1000)),
)
