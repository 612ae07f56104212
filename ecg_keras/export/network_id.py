"""Which network an answer is of: the same wherever its weights are, whatever file holds them."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from ecg_keras.evaluation import Calibration
from ecg_keras.keras_library import keras

_DIGITS = 16


def identify_network(model: keras.Model, calibration: Calibration | None = None) -> str:
    """16 hex digits by which a network's answers are known to be its own.

    A run, its ``.keras`` file and every export of it have the same, on any machine; other weights,
    or another calibration, have others.

    Args:
        model: the network, as it was trained.
        calibration: what is done to its probabilities; ``None`` where nothing is.

    Example:
        >>> from ecg_keras.models import classifier, find_backbone
        >>> model = classifier(find_backbone("fcn_wang")(num_samples=100), ["MI", "NORM"])
        >>> len(identify_network(model)), identify_network(model) == identify_network(model)
        (16, True)
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.ascontiguousarray(weight)
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.tobytes())
    if calibration is not None and calibration.method != "none":
        slopes, intercepts = calibration.slopes, calibration.intercepts
        lines = [[label, slopes[label], intercepts[label]] for label in slopes]
        digest.update(json.dumps(lines).encode())
    return digest.hexdigest()[:_DIGITS]
