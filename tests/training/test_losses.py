"""Losses that Keras lacks, against the formula."""

import keras
import numpy as np
import pytest

from ecg_keras.errors import ConfigError
from ecg_keras.training import AsymmetricLoss

PROBABILITIES = np.array([[0.9, 0.2, 0.04], [0.3, 0.6, 0.5]], np.float32)
TARGETS = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def test_without_its_three_numbers_it_is_the_cross_entropy():
    plain = AsymmetricLoss(gamma_present=0, gamma_absent=0, margin=0)
    expected = keras.losses.BinaryCrossentropy()(TARGETS, PROBABILITIES)
    assert float(plain(TARGETS, PROBABILITIES)) == pytest.approx(float(expected), rel=1e-5)


def test_it_is_the_formula_of_the_paper():
    loss = AsymmetricLoss(gamma_present=1.0, gamma_absent=2.0, margin=0.1)
    shifted = np.maximum(PROBABILITIES - 0.1, 0)
    present = (1 - PROBABILITIES) * np.log(PROBABILITIES)
    absent = shifted**2 * np.log(1 - shifted)
    expected = -np.where(TARGETS == 1, present, absent).mean()
    assert float(loss(TARGETS, PROBABILITIES)) == pytest.approx(expected, rel=1e-4)


def test_what_is_plainly_absent_costs_nothing():
    assert float(AsymmetricLoss()(np.zeros((1, 1)), np.full((1, 1), 0.04))) < 1e-20


@pytest.mark.parametrize("wrong", [{"gamma_absent": -1}, {"margin": 1.0}])
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="gamma_absent of at least 0 and a margin in"):
        AsymmetricLoss(**wrong)


def test_a_model_that_was_compiled_with_it_opens(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", AsymmetricLoss(margin=0.2))
    saved = keras.callbacks.ModelCheckpoint(tmp_path / "checkpoint.keras")
    model.fit(np.zeros((2, 3)), np.zeros((2, 1)), verbose=0, callbacks=[saved])
    assert keras.models.load_model(tmp_path / "checkpoint.keras").loss.margin == 0.2

    # as it was before the class was registered
    settings = keras.saving.serialize_keras_object(AsymmetricLoss(margin=0.2))
    earlier = {**settings, "registered_name": "AsymmetricLoss"}
    known = {"AsymmetricLoss": AsymmetricLoss}
    assert keras.saving.deserialize_keras_object(earlier, custom_objects=known).margin == 0.2


def test_it_is_rebuilt_from_its_settings():
    again = AsymmetricLoss.from_config(AsymmetricLoss(margin=0.2).get_config())
    assert (again.margin, again.gamma_absent, again.name) == (0.2, 4.0, "asymmetric_loss")
