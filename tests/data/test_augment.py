import numpy as np
import pytest
import tensorflow as tf

from ecg_keras.config import Augment
from ecg_keras.data.augment import KEYS, augment
from ecg_keras.signals import LEADS

ECG = tf.constant(np.random.default_rng(0).normal(0, 1, (64, 200, 12)).astype(np.float32))
TARGET = tf.constant(np.random.default_rng(1).integers(0, 2, (64, 3)).astype(np.float32))
# each change on its own, so strong that it shows
STRENGTHS = {
    "crop": 1.0,
    "shift": 0.1,
    "gain": 0.2,
    "noise": 0.05,
    "coloured_noise": 0.05,
    "baseline_wander": 0.1,
    "mains_hum": 0.1,
    "lead_dropout": 0.3,
    "lead_group_dropout": 0.5,
    "mixup": 0.3,
}
EVERYTHING = Augment(**STRENGTHS)


def changed(settings, seed=(0, 1)):
    signal, target = augment(
        ECG,
        TARGET,
        settings,
        sampling_rate=200.0,
        leads=LEADS,
        seed=tf.constant(seed, tf.int64),
    )
    return signal.numpy(), target.numpy()


def test_the_table_of_keys_has_every_change():
    assert sorted(KEYS) == sorted(STRENGTHS)
    # these say what a change is like, not how strong it is
    assert set(Augment.model_fields) == {*KEYS, "noise_exponent", "mains_hz"}


def test_nothing_switched_on_changes_nothing():
    signal, target = changed(Augment())
    np.testing.assert_array_equal(signal, ECG)
    np.testing.assert_array_equal(target, TARGET)


@pytest.mark.parametrize("name", KEYS)
def test_each_change_is_a_change_of_the_signal_alone_but_for_mixup(name):
    signal, target = changed(Augment(**{name: STRENGTHS[name]}))
    assert signal.dtype == target.dtype == np.float32
    assert signal.shape == (64, 200, 12)
    assert np.isfinite(signal).all()
    # a crop as long as the ECG is the ECG
    assert np.array_equal(signal, ECG) == (name == "crop")
    assert np.array_equal(target, TARGET) == (name != "mixup")


def test_the_same_seed_gives_the_same_changes():
    first, again, other = (changed(EVERYTHING, seed) for seed in ((0, 1), (0, 1), (0, 2)))
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three)


@pytest.mark.parametrize("name", ["gain", "lead_dropout", "lead_group_dropout"])
def test_what_one_change_draws_does_not_depend_on_the_others(name):
    alone, _ = changed(Augment(**{name: STRENGTHS[name]}))
    shifted, _ = changed(Augment(shift=0.1))
    factor = alone[:, :1] / ECG.numpy()[:, :1]
    both, _ = changed(Augment(shift=0.1, **{name: STRENGTHS[name]}))
    np.testing.assert_allclose(both, shifted * factor, rtol=1e-5, atol=1e-6)


def test_draws_are_those_of_earlier_versions():
    # a run that was begun with an earlier version goes on as it would have gone on there
    seed = tf.constant((3, 4), tf.int64)
    alone = tf.random.stateless_normal(
        (64, 1, 1), tf.random.experimental.stateless_split(seed, 5)[1], stddev=0.2
    )
    signal, _ = changed(Augment(gain=0.2), seed=(3, 4))
    np.testing.assert_allclose(signal, ECG * tf.exp(alone), rtol=1e-6)
    np.testing.assert_allclose(np.log(signal / ECG)[:2, 0, 0], [0.24193, -0.09204], atol=1e-4)


def test_zeros_of_silent_leads_stay_zeros():
    settings = Augment(**{**STRENGTHS, "mixup": 0.0, "lead_dropout": 0.0})
    signal, _ = changed(settings)
    silent = (signal == 0).all(axis=1)
    assert set(silent.sum(axis=1)) == {0, 6}


def test_it_works_in_a_graph_on_batches_of_any_size():
    stream = tf.data.Dataset.from_tensor_slices((ECG, TARGET)).batch(48)
    settings = EVERYTHING.model_copy(update={"crop": 0.5})
    stream = stream.map(
        lambda signal, target: augment(
            signal, target, settings, sampling_rate=200.0, leads=LEADS, seed=tf.constant([0, 1])
        )
    )
    signal, target = stream.element_spec
    assert signal.shape.as_list() == [None, 100, 12]
    assert target.shape.as_list() == [None, 3]
    assert [signal.shape for signal, _ in stream] == [(48, 100, 12), (16, 100, 12)]
