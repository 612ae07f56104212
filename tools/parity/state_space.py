"""S4 with diagonal state spaces, stated with complex numbers."""

from __future__ import annotations

import math

import keras
import numpy as np
import torch
from parity.case import LABELS, Case, array, plain_weights
from torch import nn

CHANNELS, STATES, BLOCKS = 512, 4, 4


class StateSpace(nn.Module):
    """Every channel through a diagonal system, forward and backward in time."""

    def __init__(self) -> None:
        super().__init__()
        shape = (CHANNELS, STATES)
        self.log_step = nn.Parameter(torch.empty(CHANNELS).uniform_(math.log(1e-3), math.log(0.1)))
        self.log_decay = nn.Parameter(torch.full(shape, math.log(0.5)))
        self.frequency = nn.Parameter(torch.rand(shape) * 20)
        self.output = nn.Parameter(torch.randn(2, *shape, 2))  # real and imaginary
        self.skip = nn.Parameter(torch.randn(CHANNELS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, channels, steps)``."""
        steps = x.shape[-1]
        states = torch.complex(-self.log_decay.exp(), self.frequency)
        turn = states * self.log_step.exp()[:, None]
        held = torch.view_as_complex(self.output) * (turn.exp() - 1) / states
        powers = (turn[..., None] * torch.arange(steps)).exp()
        forward, backward = 2 * torch.einsum("dcs,csl->dcl", held, powers).real
        kernel = torch.cat([forward, backward.flip(-1)], dim=-1)
        product = torch.fft.rfft(x, n=2 * steps) * torch.fft.rfft(kernel)
        return torch.fft.irfft(product, n=2 * steps)[..., :steps] + self.skip[:, None] * x


class Block(nn.Module):
    """A state space, and channels mixed by a gated linear unit, beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.space = StateSpace()
        self.dense = nn.Linear(CHANNELS, 2 * CHANNELS)
        self.norm = nn.LayerNorm(CHANNELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.gelu(self.space(x.transpose(1, 2)).transpose(1, 2))
        return self.norm(x + nn.functional.glu(self.dense(y)))


class S4(nn.Module):
    """Without dropout, which inference leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem_dense = nn.Linear(12, CHANNELS)
        self.stages = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.head = nn.Linear(CHANNELS, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return self.head(self.stages(self.stem_dense(signal)).mean(dim=1))


def copy(theirs: S4, ours: keras.Model) -> None:
    """Fills every layer of ours that has weights."""
    for name in ("stem_dense", "head"):
        ours.get_layer(name).set_weights(plain_weights(getattr(theirs, name)))
    for number, block in enumerate(theirs.stages, start=1):
        space = block.space
        weights = {
            "log_step": [array(space.log_step)[:, None]],
            "log_decay": [array(space.log_decay)],
            "frequency": [array(space.frequency)],
            "output": [channels_first(array(space.output))],
            "skip": [array(space.skip)[None]],
            "dense": plain_weights(block.dense),
            "norm": plain_weights(block.norm),
        }
        for layer, arrays in weights.items():
            ours.get_layer(f"stage{number}_{layer}").set_weights(arrays)


def channels_first(output: np.ndarray) -> np.ndarray:
    """From ``(directions, channels, states, 2)`` to ``(channels, 2 states, directions)``."""
    return output.transpose(1, 3, 2, 0).reshape(CHANNELS, 2 * STATES, 2)


CASES = (Case("s4", S4, copy),)
