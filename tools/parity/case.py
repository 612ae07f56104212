"""A network in PyTorch beside ours: what a family states of each, and how weights are copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from torch import nn

LABELS = ("NORM", "MI", "STTC", "CD", "HYP")


def copy_by_name(theirs: nn.Module, ours: keras.Model) -> None:
    """Fills each layer of ours from the module of its name, stage1.block1 for stage1_block1."""
    modules = {path.replace(".", "_"): module for path, module in theirs.named_modules()}
    for layer in ours.layers:
        if layer.weights:
            layer.set_weights(plain_weights(modules[layer.name]))


def plain_weights(module: nn.Module) -> list[np.ndarray]:
    """In Keras' order and layout, of a convolution, a dense layer or a normalisation."""
    if isinstance(module, nn.BatchNorm1d):
        return [array(t) for t in (module.weight, module.bias, *statistics(module))]
    if isinstance(module, nn.LayerNorm):
        return [array(one) for one in (module.weight, module.bias) if one is not None]
    # (out, in, width) to (width, in, out); (out, in) to (in, out)
    kernel = array(module.weight).T
    return [kernel] if module.bias is None else [kernel, array(module.bias)]


def statistics(module: nn.BatchNorm1d) -> tuple[Any, Any]:
    return module.running_mean, module.running_var


def array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().numpy())


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: of our backbone.
        theirs: makes the PyTorch network of ``(batch, num_samples, num_leads)`` that returns logits
            of `LABELS`.
        copy: fills every layer of ours, which is a classifier, from a PyTorch network. It must be
            linear: gradients go the same way as weights.
        num_samples, num_leads: of the signal.
    """

    name: str
    theirs: Callable[[], nn.Module]
    copy: Callable[[nn.Module, keras.Model], None] = copy_by_name
    num_samples: int = 1000
    num_leads: int = 12
