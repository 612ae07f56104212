"""The networks of the paper (arXiv 2402.02021): residual networks and one recurrent layer."""

from __future__ import annotations

import keras
import numpy as np
import torch
from parity.case import LABELS, Case, array, plain_weights
from torch import nn

UNITS = 100
# PyTorch stacks the gates of a GRU as reset, update, new; Keras as update, reset, new
GRU_ORDER = (1, 0, 2)


class Basic(nn.Module):
    """Two 3-wide convolutions beside a shortcut."""

    widening = 1

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels, filters, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm1d(filters)
        self.conv2 = nn.Conv1d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm1d(filters)
        add_shortcut(self, channels, filters, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + shortcut(self, x))


class Bottleneck(nn.Module):
    """A 3-wide convolution, which strides, between two of width one, beside a shortcut."""

    widening = 4

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels, filters, 1, bias=False)
        self.norm1 = nn.BatchNorm1d(filters)
        self.conv2 = nn.Conv1d(filters, filters, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm1d(filters)
        self.conv3 = nn.Conv1d(filters, 4 * filters, 1, bias=False)
        self.norm3 = nn.BatchNorm1d(4 * filters)
        add_shortcut(self, channels, 4 * filters, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        return torch.relu(self.norm3(self.conv3(y)) + shortcut(self, x))


def add_shortcut(block: nn.Module, channels: int, filters: int, stride: int) -> None:
    if stride != 1 or channels != filters:
        block.shortcut_conv = nn.Conv1d(channels, filters, 1, stride, bias=False)
        block.shortcut_norm = nn.BatchNorm1d(filters)


def shortcut(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return block.shortcut_norm(block.shortcut_conv(x)) if hasattr(block, "shortcut_conv") else x


class ResNet(nn.Module):
    """A residual network over time; its modules are called as our layers, with dots."""

    def __init__(self, block: type[nn.Module], counts: tuple[int, ...]) -> None:
        super().__init__()
        self.stem_conv = nn.Conv1d(12, 64, 7, stride=2, padding=3, bias=False)
        self.stem_norm = nn.BatchNorm1d(64)
        self.stem_pool = nn.MaxPool1d(3, stride=2, padding=1)
        channels = 64
        for stage, count in enumerate(counts, start=1):
            filters, blocks = 64 * 2 ** (stage - 1), nn.Sequential()
            for index in range(1, count + 1):
                stride = 2 if stage > 1 and index == 1 else 1
                blocks.add_module(f"block{index}", block(channels, filters, stride))
                channels = block.widening * filters
            setattr(self, f"stage{stage}", blocks)
        self.embedding_dense = nn.Linear(channels, 512)
        self.head = nn.Linear(512, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = self.stem_pool(torch.relu(self.stem_norm(self.stem_conv(signal.transpose(1, 2)))))
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))
        return self.head(torch.relu(self.embedding_dense(x.mean(dim=2))))


class Recurrent(nn.Module):
    """One recurrent layer; the outputs of all time steps side by side go into the head."""

    def __init__(self, layer: type[nn.RNNBase], directions: int = 1) -> None:
        super().__init__()
        self.stem = layer(12, UNITS, batch_first=True, bidirectional=directions == 2)
        if layer is nn.LSTM:  # ours has the sum of both biases, whose gradient is that of either
            for name, weight in self.stem.named_parameters():
                weight.requires_grad_("bias_hh" not in name)
        self.head = nn.Linear(1000 * UNITS * directions, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return self.head(self.stem(signal)[0].flatten(start_dim=1))


def copy_recurrent(theirs: nn.Module, ours: keras.Model) -> None:
    for layer in ours.layers:
        if isinstance(layer, keras.layers.Bidirectional):
            layer.forward_layer.set_weights(recurrent_weights(theirs.stem, ""))
            layer.backward_layer.set_weights(recurrent_weights(theirs.stem, "_reverse"))
        elif isinstance(layer, keras.layers.RNN):
            layer.set_weights(recurrent_weights(theirs.stem, ""))
    ours.get_layer("head").set_weights(plain_weights(theirs.head))


def recurrent_weights(layer: nn.RNNBase, direction: str) -> list[np.ndarray]:
    """In Keras' order and layout: both order an LSTM's gates as input, forget, new, output."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    kernel, recurrent, bias, recurrent_bias = (
        array(getattr(layer, f"{name}_l0{direction}")) for name in names
    )
    if isinstance(layer, nn.LSTM):
        return [kernel.T, recurrent.T, bias + recurrent_bias]
    kernel, recurrent, bias, recurrent_bias = (
        np.concatenate([np.split(one, 3)[gate] for gate in GRU_ORDER])
        for one in (kernel, recurrent, bias, recurrent_bias)
    )
    return [kernel.T, recurrent.T, np.stack([bias, recurrent_bias])]


CASES = (
    Case("resnet1d18", lambda: ResNet(Basic, (2, 2, 2, 2))),
    Case("resnet1d50", lambda: ResNet(Bottleneck, (3, 4, 6, 3))),
    Case("resnet1d101", lambda: ResNet(Bottleneck, (3, 4, 23, 3))),
    Case("lstm", lambda: Recurrent(nn.LSTM), copy_recurrent),
    Case("bilstm", lambda: Recurrent(nn.LSTM, directions=2), copy_recurrent),
    Case("gru", lambda: Recurrent(nn.GRU), copy_recurrent),
)
