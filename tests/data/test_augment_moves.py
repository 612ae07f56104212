import numpy as np
import tensorflow as tf

from ecg_keras.data.augment import crop, shift

ECG = tf.constant(np.random.default_rng(0).normal(0, 1, (64, 100, 12)).astype(np.float32))


def test_crop_is_a_window_of_each_ecg_from_any_start():
    windows = crop(ECG, 90, (0, 1)).numpy()
    starts = []
    for one, before in zip(windows, ECG.numpy(), strict=True):
        starts += [by for by in range(11) if np.array_equal(one, before[by : by + 90])]
    assert len(starts) == 64
    assert set(starts) == set(range(11))
    np.testing.assert_array_equal(crop(ECG, 100, (0, 1)), ECG)


def test_shift_moves_each_ecg_and_fills_with_zeros():
    shifted, ecgs = shift(ECG, 10.0, (0, 1)).numpy(), ECG.numpy()
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
