"""Weights and signals that are the same with and without PyTorch, on every machine and version."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np

# LayerNormalizations whose shift is a parameter of a state space: its middle, and how far from it
STATE_SPACE = {"log_step": (math.log(0.01), 1), "log_decay": (math.log(0.5), 0.5),
               "frequency": (10, 8)}  # fmt: skip
# of the others, by the names of Keras' weights
VECTORS = {"gamma": (1, 0.2), "moving_variance": (1, 0.5)}


def draw_weights(model: Any) -> dict[str, list[np.ndarray]]:
    """Of each layer of a Keras model that has any, by its name, in the order of its weights."""
    return {
        layer.name: [
            _draw(f"{layer.name}/{number}", layer.name, weight.name, tuple(weight.shape))
            for number, weight in enumerate(layer.weights)
        ]
        for layer in model.layers
        if layer.weights
    }


def draw_signals(num_samples: int, num_leads: int) -> np.ndarray:
    """Two of them, float32 ``(2, num_samples, num_leads)``, about as large as an ECG in mV."""
    shape = (2, num_samples, num_leads)
    time = np.arange(num_samples)[:, np.newaxis] / np.array([25, 60])[:, np.newaxis, np.newaxis]
    waves = np.sin(time * (1 + np.arange(num_leads)) ** 0.5)
    return (waves + _uniform("signal", shape)).astype(np.float32)


def _draw(key: str, layer: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    end = next((end for end in STATE_SPACE if layer.endswith(end)), "")
    if end or len(shape) == 1:
        middle, width = STATE_SPACE[end] if end else VECTORS.get(name, (0, 0.2))
    else:  # between what keeps the variance before a ReLU, and what keeps it behind one
        middle, width = 0, 2 / math.sqrt(math.prod(shape[:-1]))
    return (middle + width * _uniform(key, shape)).astype(np.float32)


def _uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """From -1 to 1, of the one generator whose numbers NumPy promises not to change."""
    return np.random.RandomState(zlib.crc32(key.encode())).uniform(-1, 1, shape)
