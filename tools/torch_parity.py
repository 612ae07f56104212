"""Prints how far our networks' answers are from those of the same networks in PyTorch.

    python -m pip install torch==2.13.0      # not a dependency of this project
    python tools/torch_parity.py DATA

The networks of the paper (arXiv 2402.02021) are stated here in plain PyTorch, with weights and
BatchNorm statistics away from their first values. Their weights are copied into ours, and both
are asked about the same real ECGs: the first recordings below DATA/ptbxl/records100, where DATA is
by default the environment variable ECG_KERAS_TEST_DATA.

Rounding grows with depth, so the table also says how far PyTorch in float32 is from itself in
float64. Ends with an error where a logit differs by 1e-5 or more, and by more than twice that.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

from ecg_keras import models
from ecg_keras.formats import read_wfdb

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit("tools/torch_parity.py needs PyTorch: python -m pip install torch==2.13.0")

LABELS = ("NORM", "MI", "STTC", "CD", "HYP")
RECORDINGS = 16
LIMIT = 1e-5
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
        self.head = nn.Linear(1000 * UNITS * directions, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return self.head(self.stem(signal)[0].flatten(start_dim=1))


NETWORKS = {
    "resnet1d18": lambda: ResNet(Basic, (2, 2, 2, 2)),
    "resnet1d50": lambda: ResNet(Bottleneck, (3, 4, 6, 3)),
    "resnet1d101": lambda: ResNet(Bottleneck, (3, 4, 23, 3)),
    "lstm": lambda: Recurrent(nn.LSTM),
    "bilstm": lambda: Recurrent(nn.LSTM, directions=2),
    "gru": lambda: Recurrent(nn.GRU),
}


def make_theirs(name: str, signals: torch.Tensor) -> nn.Module:
    """A PyTorch network in which no weight and no BatchNorm statistic is at its first value."""
    torch.manual_seed(0)
    network = NETWORKS[name]()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.weight.uniform_(0.5, 1.0)
                module.bias.uniform_(-0.2, 0.2)
                module.momentum = None  # one pass gives the statistics of these ECGs
        network.train()(signals)
    return network.eval()


def copy_weights(theirs: nn.Module, ours: keras.Model) -> None:
    """Fills every layer of ours that has weights."""
    for layer in ours.layers:
        if isinstance(layer, keras.layers.Bidirectional):
            layer.forward_layer.set_weights(recurrent_weights(theirs.stem, ""))
            layer.backward_layer.set_weights(recurrent_weights(theirs.stem, "_reverse"))
        elif isinstance(layer, keras.layers.RNN):
            layer.set_weights(recurrent_weights(theirs.stem, ""))
        elif layer.weights:
            layer.set_weights(plain_weights(find(theirs, layer.name)))


def find(theirs: nn.Module, layer: str) -> nn.Module:
    """The module of a layer: stage1.block1.conv1 of stage1_block1_conv1."""
    return {path.replace(".", "_"): module for path, module in theirs.named_modules()}[layer]


def plain_weights(module: nn.Module) -> list[np.ndarray]:
    """In Keras' order and layout, of a convolution, a dense layer or BatchNorm."""
    if isinstance(module, nn.BatchNorm1d):
        tensors = [module.weight, module.bias, module.running_mean, module.running_var]
        return [tensor.detach().numpy() for tensor in tensors]
    # (out, in, width) to (width, in, out); (out, in) to (in, out)
    kernel = module.weight.detach().numpy().T
    return [kernel] if module.bias is None else [kernel, module.bias.detach().numpy()]


def recurrent_weights(layer: nn.RNNBase, direction: str) -> list[np.ndarray]:
    """In Keras' order and layout: both order an LSTM's gates as input, forget, new, output."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    kernel, recurrent, bias, recurrent_bias = (
        getattr(layer, f"{name}_l0{direction}").detach().numpy() for name in names
    )
    if isinstance(layer, nn.LSTM):
        return [kernel.T, recurrent.T, bias + recurrent_bias]
    kernel, recurrent, bias, recurrent_bias = (
        np.concatenate([np.split(one, 3)[gate] for gate in GRU_ORDER])
        for one in (kernel, recurrent, bias, recurrent_bias)
    )
    return [kernel.T, recurrent.T, np.stack([bias, recurrent_bias])]


@dataclass(frozen=True)
class Comparison:
    """A network's answers here and there.

    Attributes:
        spread: of PyTorch's logits, from the smallest to the largest.
        rounding: greatest difference of PyTorch's logits in float32 and in float64.
        logits, probabilities: greatest difference of ours and PyTorch's, both in float32.
        theirs, ours: numbers of weights that train.
    """

    spread: float
    rounding: float
    logits: float
    probabilities: float
    theirs: int
    ours: int


def compare(name: str, signals: np.ndarray) -> Comparison:
    """Both networks on float32 ``(batch, 1000, 12)`` in millivolts."""
    tensor = torch.from_numpy(signals)
    theirs = make_theirs(name, tensor)
    ours = models.classifier(models.find_backbone(name)(), LABELS)
    copy_weights(theirs, ours)
    head = ours.get_layer("head")
    embedding, probabilities = keras.Model(ours.input, [head.input, head.output])(signals)
    kernel, bias = head.get_weights()
    with torch.no_grad():
        logits = theirs(tensor)
        exact = copy.deepcopy(theirs).double()(tensor.double())
    return Comparison(
        spread=float(exact.max() - exact.min()),
        rounding=float((logits - exact).abs().max()),
        logits=float(np.abs(np.asarray(embedding) @ kernel + bias - logits.numpy()).max()),
        probabilities=float(np.abs(np.asarray(probabilities) - logits.sigmoid().numpy()).max()),
        theirs=sum(weight.numel() for weight in theirs.parameters()),
        ours=sum(int(np.prod(weight.shape)) for weight in ours.trainable_weights),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    folder = parser.parse_args().data
    if folder is None:
        parser.error("name the folder with ptbxl/, or set ECG_KERAS_TEST_DATA")
    paths = sorted(Path(folder, "ptbxl", "records100").rglob("*.hea"))[:RECORDINGS]
    if not paths:
        sys.exit(f"{folder}: holds no ptbxl/records100. Name the folder that holds ptbxl/.")
    signals = np.stack([read_wfdb(path.with_suffix("")).values for path in paths])
    print(f"PyTorch {torch.__version__}, Keras {keras.__version__}, {len(paths)} ECGs\n")
    columns = ("range of logits", "PyTorch's rounding", "logits, ours - PyTorch")
    columns += ("probabilities", "weights in PyTorch", "ours")
    print(f"| network | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    different = []
    for name in NETWORKS:
        one = compare(name, signals)
        if one.logits >= max(LIMIT, 2 * one.rounding):
            different.append(name)
        figures = f"{one.rounding:.1e} | {one.logits:.1e} | {one.probabilities:.1e}"
        sizes = f"{one.theirs:,} | {one.ours:,}"
        print(f"| {name} | {one.spread:.2f} | {figures} | {sizes} |", flush=True)
    if different:
        sys.exit(f"not the networks of the paper: {', '.join(different)}")


if __name__ == "__main__":
    main()
