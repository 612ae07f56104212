"""One network for crops and for whole ECGs."""

import keras
import numpy as np
import pytest

from ecg_keras.errors import ConfigError
from ecg_keras.models import (
    classifier,
    find_backbone,
    load_model,
    save_model,
    set_trainable,
    with_length,
)


def network(name: str, head: str) -> keras.Model:
    backbone = find_backbone(name)(num_samples=64, num_leads=3, head=head)
    return classifier(backbone, ("NORM", "MI"), scaling="standardise", mean=[0] * 3, std=[1] * 3)


def test_training_on_crops_changes_the_answer_for_whole_ecgs():
    whole = network("lstm", "pooled")
    crop = with_length(whole, 32)
    set_trainable(crop, from_stage="head")
    assert len(whole.trainable_variables) == 2
    signal = np.random.default_rng(0).normal(size=(4, 64, 3)).astype(np.float32)
    before = whole(signal).numpy()
    crop.compile("sgd", "binary_crossentropy")
    crop.train_on_batch(signal[:, :32], np.eye(4, 2, dtype=np.float32))
    assert np.abs(whole(signal).numpy() - before).max() > 0


def test_a_head_with_weights_for_every_time_step_is_refused():
    with pytest.raises(ConfigError, match=r"can't take 32 samples instead of 64\. Use `head: pool"):
        with_length(network("lstm", "flattened"), 32)


def test_a_length_that_a_layer_does_not_take_is_not_blamed_on_the_head():
    with pytest.raises(ConfigError, match=r"12 samples instead of 64: one of its layers"):
        with_length(network("inception_ahus", "pooled"), 12)


@pytest.mark.parametrize("name", ["lstm", "s4", "fourier_cnn"])
def test_a_network_from_a_file_takes_another_length_in_a_new_process(name, tmp_path):
    whole = network(name, "pooled")
    save_model(whole, tmp_path / "model.keras")
    keras.utils.clear_session(free_memory=False)  # names are given from the first again
    loaded = load_model(tmp_path / "model.keras")
    signal = np.random.default_rng(0).normal(size=(2, 32, 3)).astype(np.float32)
    crop = with_length(loaded, 32)
    assert np.abs(crop(signal) - with_length(whole, 32)(signal)).max() < 1e-6
    assert with_length(crop, 64).input_shape == (None, 64, 3)
