"""What XResNets have that other residual networks have not."""

import keras
import numpy as np
import pytest

from ecg_keras.models import fcn_wang, xresnet1d18, xresnet1d50


@pytest.mark.parametrize("build", [xresnet1d18, xresnet1d50])
def test_a_block_starts_as_its_shortcut(build, signals):
    model = build(64, 3)
    names = [layer.name for layer in model.layers if layer.name.endswith("_add")]
    for name in names:
        added = model.get_layer(name)
        parts = keras.Model(model.input, [*added.input, added.output])(signals)
        assert not np.any(parts[0])
        assert np.array_equal(parts[1], parts[2])


def test_the_last_of_an_odd_number_of_samples_is_averaged_with_nothing():
    model = xresnet1d18(20, 1)  # of which five samples are left before the second stage
    pool = model.get_layer("stage2_block1_shortcut_pool")
    assert pool.input.shape == (None, 5, 64)
    ones = np.ones((1, 5, 64), np.float32)
    assert np.array_equal(pool(ones), np.ones((1, 3, 64)))


def test_the_first_convolution_of_the_benchmarks_fcn_makes_a_signal_one_sample_shorter():
    assert fcn_wang(250, 2).get_layer("stem_conv").output.shape == (None, 249, 128)
