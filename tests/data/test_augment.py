import numpy as np
import tensorflow as tf

from ecg_keras.config import Augment
from ecg_keras.data.augment import augment

ECG = tf.constant(np.random.default_rng(0).normal(0, 1, (64, 100, 12)).astype(np.float32))


def changed(seed=(0, 1), signal=ECG, **settings):
    settings = Augment(**settings)
    return augment(signal, settings, 100.0, tf.constant(seed, tf.int64)).numpy()


def test_nothing_switched_on_changes_nothing():
    np.testing.assert_array_equal(changed(), ECG)


def test_the_same_seed_gives_the_same_changes():
    everything = {"shift": 0.1, "gain": 0.2, "noise": 0.05, "lead_dropout": 0.3}
    np.testing.assert_array_equal(changed(**everything), changed(**everything))
    assert not np.array_equal(changed(**everything), changed(seed=(0, 2), **everything))


def test_shift_moves_each_ecg_and_fills_with_zeros():
    shifted, ecgs = changed(shift=0.1), ECG.numpy()
    moves = []
    for one, before in zip(shifted, ecgs, strict=True):
        for by in range(-10, 11):
            wanted = np.zeros_like(before)
            wanted[max(by, 0) : 100 + min(by, 0)] = before[max(-by, 0) : 100 - max(by, 0)]
            if np.array_equal(one, wanted):
                moves.append(by)
    assert len(moves) == 64
    assert min(moves) <= -8
    assert max(moves) >= 8


def test_gain_is_one_factor_an_ecg():
    factors = changed(gain=0.2) / ECG.numpy()
    np.testing.assert_allclose(factors, factors[:, :1, :1] * np.ones_like(factors), rtol=1e-5)
    logarithms = np.log(factors[:, 0, 0])
    assert abs(logarithms.std() - 0.2) < 0.06
    assert abs(logarithms.mean()) < 0.08


def test_noise_has_the_spread_asked_for_in_millivolts():
    noise = changed(noise=0.05) - ECG.numpy()
    assert abs(noise.std() - 0.05) < 0.001
    assert abs(np.corrcoef(noise[0, :, 0], noise[1, :, 0])[0, 1]) < 0.4


def test_lead_dropout_silences_whole_leads():
    dropped = changed(lead_dropout=0.3)
    silent = (dropped == 0).all(axis=1)
    np.testing.assert_array_equal(dropped, ECG.numpy() * ~silent[:, np.newaxis, :])
    assert abs(silent.mean() - 0.3) < 0.06


def test_it_works_in_a_graph_on_batches_of_any_size():
    stream = tf.data.Dataset.from_tensor_slices(ECG).batch(48)
    settings = Augment(shift=0.1, gain=0.2, noise=0.05, lead_dropout=0.3)
    stream = stream.map(lambda one: augment(one, settings, 100.0, tf.constant([0, 1])))
    assert stream.element_spec.shape.as_list() == [None, 100, 12]
    assert [len(batch) for batch in stream] == [48, 16]
