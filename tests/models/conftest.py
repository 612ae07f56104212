"""Small signals and networks, built once, that tests of models read and leave alone."""

import keras
import numpy as np
import pytest

from ecg_keras import models

LABELS = ("NORM", "MI", "STTC", "HYP", "CD")


@pytest.fixture(scope="session")
def signals():
    """Sixteen ECG-like signals (16, 64, 3) in millivolts."""
    return np.random.default_rng(0).normal(0, 0.3, (16, 64, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def targets():
    """Three labels per signal, each present in some and absent in others."""
    return (np.random.default_rng(1).random((16, 3)) < 0.4).astype(np.float32)


# an untrained resnet1d101 has logits of hundreds, where rounding decides between 0 and 1
HEADS = {"resnet1d101": 1 / 200}


@pytest.fixture(scope="session")
def build():
    """A function that builds a backbone's classifier for (64, 3), with all of LABELS."""

    def classifier(name, seed=0):
        model = models.classifier(models.find_backbone(name)(64, 3, seed=seed), LABELS, seed=seed)
        kernel = model.get_layer("head").kernel
        kernel.assign(kernel * HEADS.get(name, 1.0))
        return model

    return classifier


@pytest.fixture(scope="session")
def classifiers(build):
    """A function that gives such a classifier of each backbone, built once."""
    built = {}

    def get(name):
        if name not in built:
            built[name] = build(name)
        return built[name]

    return get


@pytest.fixture(scope="session")
def saved(classifiers, tmp_path_factory):
    """A function that gives the file of each of these classifiers."""
    folder = tmp_path_factory.mktemp("classifiers")

    def get(name):
        path = folder / f"{name}.keras"
        if not path.exists():
            models.save_model(classifiers(name), path)
        return path

    return get


@pytest.fixture(autouse=True)
def _float32_afterwards():
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def small():
    """A function that builds a classifier for the small signals."""

    def build(
        name="resnet1d18",
        labels=LABELS[:3],
        num_samples=64,
        num_leads=3,
        head="as_published",
        seed=0,
        **options,
    ):
        backbone = models.find_backbone(name)(num_samples, num_leads, head=head, seed=seed)
        return models.classifier(backbone, labels, seed=seed, **options)

    return build
