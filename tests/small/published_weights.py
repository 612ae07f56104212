"""Weights as others publish them, drawn at random, in a file of PyTorch with a card beside it."""

import numpy as np
from torch_writer import write_state

from ecg_keras import models, weights

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
LABELS = ("NORM", "MI", "STTC", "HYP", "CD")
CARD = """\
family: {family}
sampling_rate: {rate}
samples: {samples}
leads: [{leads}]
unit: uV
filters: [{{kind: highpass, hz: 0.5, order: 1}}]
scaling: {{kind: zscore, ddof: 1, floor: 0.001}}
output: logits
labels: [{labels}]
seen: [{{database: Elsewhere, unlisted: true}}]
licence: MIT
citation: nobody
url: https://example.org
"""
PUBLISHED = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def publish(
    folder,
    *,
    name="theirs.pt",
    family="resnet1d18",
    rate=25,
    samples=100,
    leads=LEADS,
    labels=LABELS,
    changes=(),
):
    """Writes weights and card; `changes` are replacements in the text of the card."""
    family = weights.find_family(family)
    backbone = models.find_backbone(family.backbone)(samples, len(leads))
    model = family.end(models.classifier(backbone, labels))
    rng = np.random.default_rng(0)
    tensors = {}
    for layer in model.layers:
        if layer.name in family.layouts:
            continue
        values = [
            np.asarray(weight) + rng.normal(0, 0.01, weight.shape) for weight in layer.weights
        ]
        names = [weight.name for weight in layer.weights]
        parts = _of_gru(*values) if "recurrent_kernel" in names else _of_layer(names, values)
        for part, value in parts.items():
            tensors[f"{family.tensors(layer.name)}.{part}"] = value.astype("<f4")
    path = folder / name
    write_state(path, tensors)
    text = CARD.format(
        family=family.name,
        rate=rate,
        samples=samples,
        leads=", ".join(leads),
        labels=", ".join(labels),
    )
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.with_suffix(".yaml").write_text(text)
    return path, tensors


def _of_layer(names, values):
    parts = {}
    for name, value in zip(names, values, strict=True):
        value = np.abs(value) if "variance" in name else value
        # a depthwise convolution over time is one on images of width 1
        value = value[..., 0] if value.ndim == 4 else value
        parts[PUBLISHED[name]] = value.T if name == "kernel" else value
    return parts


def _of_gru(kernel, recurrent, biases):
    """Of PyTorch, whose gates are reset, update and new, where Keras has update before reset."""
    values = {"weight_ih": kernel.T, "weight_hh": recurrent.T}
    values |= {"bias_ih": biases[0], "bias_hh": biases[1]}
    parts = {}
    for name, value in values.items():
        update, reset, new = np.split(value, 3)
        parts[f"{name}_l0"] = np.concatenate([reset, update, new])
    return parts
