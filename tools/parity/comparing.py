"""How far answers and gradients of ours are from those of the same network in PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
import torch
from parity.case import LABELS, Case, array
from torch import nn

from ecg_keras import models

# a tensor whose gradient is zero but for rounding, such as a bias that a softmax ignores, has no
# relative error: that of those below this share of the network's largest is relative to the share
NEGLIGIBLE = 1e-4


@dataclass(frozen=True)
class Answers:
    """Logits ``(batch, labels)``, and the loss's gradients of the signal and of each weight."""

    logits: np.ndarray
    gradients: Sequence[np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """A network here and there.

    Attributes:
        theirs, ours: numbers of weights that train.
        spread: of PyTorch's logits, from the smallest to the largest.
        rounding: greatest difference of PyTorch's logits in float32 and in float64.
        logits: greatest difference of ours and PyTorch's, both in float32.
        gradients: greatest difference of ours and PyTorch's, both in float64, relative to the
            largest gradient of the same tensor.
    """

    theirs: int
    ours: int
    spread: float
    rounding: float
    logits: float
    gradients: float


def compare(case: Case, signals: np.ndarray) -> Comparison:
    """Both networks on float32 ``(batch, num_samples, num_leads)`` in millivolts."""
    theirs = make_theirs(case, signals)
    ours = make_ours(case, theirs, "float32")
    size = sum(int(np.prod(weight.shape)) for weight in ours.trainable_weights)
    here, there = ask_ours(ours, signals), ask_theirs(case, theirs, ours, signals)
    exact = copy.deepcopy(theirs).double()
    ours = make_ours(case, theirs, "float64")
    # a ReLU or a maximum that rounding turns makes gradients jump in float32
    here_exactly = ask_ours(ours, signals)
    there_exactly = ask_theirs(case, exact, ours, signals.astype(np.float64))
    return Comparison(
        theirs=sum(weight.numel() for weight in theirs.parameters()),
        ours=size,
        spread=float(np.ptp(there_exactly.logits)),
        rounding=float(np.abs(there.logits - there_exactly.logits).max()),
        logits=float(np.abs(here.logits - there.logits).max()),
        gradients=relative_error(here_exactly.gradients, there_exactly.gradients),
    )


def make_ours(case: Case, theirs: nn.Module, precision: str) -> keras.Model:
    """Our classifier with the weights of theirs."""
    keras.config.set_dtype_policy(precision)
    backbone = models.find_backbone(case.name)(case.num_samples, case.num_leads)
    ours = models.classifier(backbone, LABELS)
    keras.config.set_dtype_policy("float32")
    case.copy(theirs, ours)
    return ours


def make_theirs(case: Case, signals: np.ndarray) -> nn.Module:
    """A PyTorch network in which no weight and no statistic is at a first value that is the same.

    The statistics of BatchNorm are those of the signals.
    """
    torch.manual_seed(0)
    network = case.theirs()
    with torch.no_grad():
        for parameter in network.parameters():
            if (parameter == parameter.flatten()[0]).all():
                parameter.add_(torch.empty_like(parameter).uniform_(-0.2, 0.2))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = None
        network.train()(torch.from_numpy(signals))
    return network.eval()


def ask_ours(ours: keras.Model, signals: np.ndarray) -> Answers:
    head = ours.get_layer("head")
    cut = keras.Model(ours.input, head.input)
    tensor = tf.constant(signals)
    weights = [weight.value for weight in ours.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        embedding = cut(tensor, training=False)
        kernel, bias = (tf.cast(weight, embedding.dtype) for weight in (head.kernel, head.bias))
        logits = embedding @ kernel + bias
        losses = tf.nn.sigmoid_cross_entropy_with_logits(
            tf.cast(targets(logits.shape), logits.dtype), logits
        )
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, [tensor, *weights])
    return Answers(logits.numpy(), [np.asarray(gradient) for gradient in gradients])


def ask_theirs(case: Case, theirs: nn.Module, ours: keras.Model, signals: np.ndarray) -> Answers:
    """Gradients are in the order and layout of ours, whose weights they replace."""
    tensor = torch.from_numpy(signals).requires_grad_()
    theirs.zero_grad()
    logits = theirs(tensor)
    expected = torch.from_numpy(targets(logits.shape)).to(logits.dtype)
    nn.functional.binary_cross_entropy_with_logits(logits, expected).backward()
    slopes = copy.deepcopy(theirs)
    with torch.no_grad():
        for slope, parameter in zip(slopes.parameters(), theirs.parameters(), strict=True):
            slope.copy_(torch.zeros_like(slope) if parameter.grad is None else parameter.grad)
    case.copy(slopes, ours)
    weights = [weight.numpy() for weight in ours.trainable_weights]
    return Answers(array(logits), [array(tensor.grad), *weights])


def targets(shape: Sequence[int]) -> np.ndarray:
    """Labels ``(batch, labels)`` by chance, the same in every call."""
    return np.random.default_rng(0).integers(0, 2, tuple(shape)).astype(np.float32)


def relative_error(here: Sequence[np.ndarray], there: Sequence[np.ndarray]) -> float:
    sizes = [np.abs(one).max() for one in there]
    least = NEGLIGIBLE * max(sizes[1:])
    pairs = zip(here, there, strict=True)
    errors = [np.abs(one - other).max() for one, other in pairs]
    # the first is of the signal, whose unit is another
    smallest = [0.0, *[least] * (len(sizes) - 1)]
    return float(max(e / max(s, m) for e, s, m in zip(errors, sizes, smallest, strict=True)))
