"""Small signals and networks, built once, that the model tests read but do not change."""

import keras
import numpy as np
import pytest

from ecg_keras import models

LABELS = ("NORM", "MI", "STTC")


@pytest.fixture(scope="session")
def signals():
    """Sixteen ECG-like signals (16, 64, 3) in millivolts."""
    return np.random.default_rng(0).normal(0, 0.3, (16, 64, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def targets():
    """Three labels per signal, each present in some and absent in others."""
    return (np.random.default_rng(1).random((16, 3)) < 0.4).astype(np.float32)


@pytest.fixture(autouse=True)
def _float32_afterwards():
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def small():
    """A function that builds a classifier for the small signals."""

    def build(
        name="resnet1d18",
        labels=LABELS,
        num_samples=64,
        num_leads=3,
        head="as_published",
        seed=0,
        **options,
    ):
        backbone = models.find_backbone(name)(num_samples, num_leads, head=head, seed=seed)
        return models.classifier(backbone, labels, seed=seed, **options)

    return build
