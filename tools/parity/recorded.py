"""Logits of PyTorch's networks with weights that are drawn again without PyTorch."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch
from parity.case import Case, array
from parity.comparing import make_ours
from parity.drawn import draw_signals, draw_weights
from torch import nn

# of a weight's place among all: float32 holds each part exactly
PART = 4096


def record(case: Case) -> dict[str, Any]:
    """The logits of one network for two signals, computed in float64 and rounded to 8 digits."""
    theirs = case.theirs().eval()
    ours = make_ours(case, theirs, "float32")
    drawn = draw_weights(ours)
    take_weights_of_ours(case, theirs, ours, drawn)
    signals = draw_signals(case.num_samples, case.num_leads)
    with torch.no_grad():
        logits = array(theirs.double()(torch.from_numpy(signals.astype(np.float64))))
    return {
        "num_samples": case.num_samples,
        "num_leads": case.num_leads,
        "logits": [[float(f"{one:.8g}") for one in row] for row in logits],
    }


def take_weights_of_ours(
    case: Case, theirs: nn.Module, ours: keras.Model, drawn: dict[str, list[np.ndarray]]
) -> None:
    """Gives PyTorch's network the weights of which `Case.copy` makes the drawn ones.

    A copy only reorders, so numbers in place of weights show where each of ours comes from.
    """
    # of an LSTM's two biases, whose sum counts, one stays zero
    fixed = {name for name, one in theirs.named_parameters() if not one.requires_grad}
    tensors = [
        one
        for name, one in theirs.state_dict().items()
        if one.is_floating_point() and name not in fixed
    ]
    with torch.no_grad():
        for name in fixed:
            theirs.state_dict()[name].zero_()
    places = np.arange(1, 1 + sum(tensor.numel() for tensor in tensors))
    coarse, fine = (_ours_for(case, theirs, ours, tensors, part) for part in divmod(places, PART))
    values = np.zeros(len(places))
    for name, arrays in drawn.items():
        for array_drawn, high, low in zip(arrays, coarse[name], fine[name], strict=True):
            values[(high.astype(int) * PART + low.astype(int)) - 1] = array_drawn
    copied = _ours_for(case, theirs, ours, tensors, values)
    for name, arrays in drawn.items():
        for one, other in zip(arrays, copied[name], strict=True):
            np.testing.assert_array_equal(one, other, err_msg=f"{case.name}: {name}")


def _ours_for(
    case: Case,
    theirs: nn.Module,
    ours: keras.Model,
    tensors: list[torch.Tensor],
    values: np.ndarray,
) -> dict[str, list[np.ndarray]]:
    """What a copy makes of the values, one after another in PyTorch's tensors."""
    ends = np.cumsum([tensor.numel() for tensor in tensors])
    with torch.no_grad():
        for tensor, part in zip(tensors, np.split(values, ends[:-1]), strict=True):
            tensor.copy_(torch.from_numpy(part.reshape(tensor.shape)))
    case.copy(theirs, ours)
    return {layer.name: layer.get_weights() for layer in ours.layers if layer.weights}
