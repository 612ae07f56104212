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
        for weight in () if layer.name in family.layouts else layer.weights:
            value = np.asarray(weight) + rng.normal(0, 0.01, weight.shape)
            key = f"{family.tensors(layer.name)}.{PUBLISHED[weight.name]}"
            value = np.abs(value) if "variance" in weight.name else value
            # a depthwise convolution over time is one on images of width 1
            value = value[..., 0] if value.ndim == 4 else value
            tensors[key] = (value.T if weight.name == "kernel" else value).astype("<f4")
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
