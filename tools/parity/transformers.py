"""Transformers: behind convolutions (Natarajan et al. 2020) and on patches (arXiv 2410.13867)."""

from __future__ import annotations

import math

import keras
import numpy as np
import torch
from parity.case import LABELS, Case, array, plain_weights
from torch import nn

STEM = ((128, 14, 3), (256, 14, 3), (256, 10, 2), (256, 10, 2), (256, 10, 1), (256, 10, 1))
PATCH = 25
# parts of PyTorch's block, as ours are called
PARTS = (("self_attn", "attention"), ("linear", "dense"), (".", "_"))


def blocks(width: int, heads: int, hidden: int, **settings: object) -> nn.Sequential:
    """Four stages of two blocks."""
    encoder = nn.Sequential()
    for stage in range(1, 5):
        pair = nn.Sequential()
        for block in (1, 2):
            layer = nn.TransformerEncoderLayer(width, heads, hidden, batch_first=True, **settings)
            pair.add_module(f"block{block}", layer)
        encoder.add_module(f"stage{stage}", pair)
    return encoder


def pad(signal: torch.Tensor, width: int, stride: int) -> torch.Tensor:
    """Zeros on both sides, for one step of a convolution for every begun stride."""
    length = signal.shape[-1]
    missing = max((math.ceil(length / stride) - 1) * stride + width - length, 0)
    return nn.functional.pad(signal, (missing // 2, missing - missing // 2))


def positions(x: torch.Tensor) -> torch.Tensor:
    steps, width = x.shape[1:]
    rates = 10_000 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(steps, dtype=torch.float64)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(steps, width).to(x.dtype)


class ConvolutionsAndTransformer(nn.Module):
    """The deep half of the network of team prna, with padded convolutions."""

    def __init__(self) -> None:
        super().__init__()
        channels = 12
        for number, (filters, width, stride) in enumerate(STEM, start=1):
            convolution = nn.Conv1d(channels, filters, width, stride, bias=False)
            setattr(self, f"stem_conv{number}", convolution)
            setattr(self, f"stem_norm{number}", nn.BatchNorm1d(filters))
            channels = filters
        self.encoder = blocks(channels, 8, 2048)
        self.embedding_dense = nn.Linear(channels, 64)
        self.head = nn.Linear(64, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = signal.transpose(1, 2)
        for number, (_, width, stride) in enumerate(STEM, start=1):
            x = getattr(self, f"stem_conv{number}")(pad(x, width, stride))
            x = torch.relu(getattr(self, f"stem_norm{number}")(x))
        x = x.transpose(1, 2)
        x = self.encoder(x + positions(x))
        return self.head(torch.relu(self.embedding_dense(x.mean(dim=1))))


class PatchTransformer(nn.Module):
    """ViT-XS of ECG-JEPA with the mean over its patches."""

    def __init__(self) -> None:
        super().__init__()
        self.stem_conv = nn.Conv1d(12, 192, PATCH, PATCH, bias=False)
        self.register = nn.Parameter(0.02 * torch.randn(1, 192))
        self.encoder = blocks(
            192, 4, 768, activation="gelu", norm_first=True, layer_norm_eps=1e-6, bias=False
        )
        self.stage4_norm = nn.LayerNorm(192, eps=1e-6, bias=False)
        self.head = nn.Linear(192, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = self.stem_conv(pad(signal.transpose(1, 2), PATCH, PATCH)).transpose(1, 2)
        x = torch.cat([self.register.expand(len(x), 1, -1), x + positions(x)], dim=1)
        return self.head(self.stage4_norm(self.encoder(x))[:, 1:].mean(dim=1))


def copy(theirs: nn.Module, ours: keras.Model) -> None:
    modules = {our_name(path): module for path, module in theirs.named_modules()}
    for layer in ours.layers:
        if isinstance(layer, keras.layers.MultiHeadAttention):
            layer.set_weights(attention_weights(modules[layer.name]))
        elif layer.name == "stem_register":
            layer.set_weights([array(theirs.register)])
        elif layer.weights:
            layer.set_weights(plain_weights(modules[layer.name]))


def our_name(path: str) -> str:
    for theirs, ours in PARTS:
        path = path.replace(theirs, ours)
    return path.removeprefix("encoder_")


def attention_weights(module: nn.MultiheadAttention) -> list[np.ndarray]:
    """In Keras' order and layout: kernel and bias of queries, keys, values and output.

    PyTorch has the first three below one another, and the channels of all heads side by side.
    """
    width, heads = module.embed_dim, module.num_heads
    split = (width, heads, width // heads)
    weights = [kernel.T.reshape(split) for kernel in np.split(array(module.in_proj_weight), 3)]
    weights.append(array(module.out_proj.weight).T.reshape((*split[1:], width)))
    if module.in_proj_bias is None:
        return weights
    biases = [bias.reshape(split[1:]) for bias in np.split(array(module.in_proj_bias), 3)]
    biases.append(array(module.out_proj.bias))
    return [part for pair in zip(weights, biases, strict=True) for part in pair]


CASES = (
    Case("cnn_transformer", ConvolutionsAndTransformer, copy),
    # a length that is no multiple of a patch
    Case("vit1d", PatchTransformer, copy, num_samples=1010),
)
