import keras
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from ecg_keras import models
from ecg_keras.errors import ConfigError
from ecg_keras.models.scaling import scale

MEAN, STD = (0.1, -0.2, 0.0), (0.5, 2.0, 0.0)


def scaler(scaling, shape=(8, 3), **statistics):
    signal = keras.Input(shape, name="signal")
    return keras.Model(signal, scale(signal, scaling, **statistics))


@pytest.fixture(scope="module")
def minmax():
    return scaler("minmax")


def test_none_keeps_millivolts():
    signal = keras.Input((64, 3), name="signal")
    assert scale(signal, "none") is signal


def test_standardise_uses_the_given_statistics(signals):
    model = scaler("standardise", (64, 3), mean=MEAN, std=STD)
    expected = (signals - np.float32(MEAN)) / np.float32([0.5, 2.0, 1.0])
    assert np.allclose(model(signals), expected, atol=1e-6)
    assert [layer.name for layer in model.layers] == ["signal", "preprocess_standardise"]
    assert not model.trainable_variables


def test_minmax_by_hand(minmax):
    signal = np.zeros((1, 8, 3), np.float32)
    signal[0, :, 0] = [0, 1, 2, 3, 4, 4, 4, 4]
    signal[0, :, 1] = 0.7
    signal[0, :, 2] = [-1, 3, 1, 1, 1, 1, 1, 1]
    scaled = np.asarray(minmax(signal))[0]
    assert np.allclose(scaled[:, 0], [-1, -0.5, 0, 0.5, 1, 1, 1, 1])
    assert np.array_equal(scaled[:, 1], np.zeros(8))
    assert np.allclose(scaled[:, 2], [-1, 1, 0, 0, 0, 0, 0, 0])
    assert [layer.name for layer in minmax.layers] == ["signal", "preprocess_minmax"]


def test_minmax_of_a_model_for_another_length(small, signals):
    """Training on crops needs the same layers to take a shorter signal."""
    model = small("lstm", head="pooled", scaling="minmax")
    assert model.get_layer("stem_lstm").output.shape == (None, 64, 100)
    shorter = models.with_length(model, 20)(signals[:, :20])
    ends = signals[:, :20].min(axis=1, keepdims=True), signals[:, :20].max(axis=1, keepdims=True)
    scaled = (signals[:, :20] - (ends[0] + ends[1]) / 2) / ((ends[1] - ends[0]) / 2)
    plain = small("lstm", head="pooled", num_samples=20)
    plain.set_weights(model.get_weights())
    assert np.allclose(shorter, plain(scaled), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    signal=hnp.arrays(
        np.float32, (2, 8, 3), elements=st.floats(-8, 8, width=32, allow_subnormal=False)
    )
)
def test_minmax_stays_within_one_and_is_finite(minmax, signal):
    scaled = np.asarray(minmax(signal))
    assert np.isfinite(scaled).all()
    assert np.abs(scaled).max() <= 1 + 1e-5
    # a lead that varies by more than rounding reaches both ends
    varies = np.ptp(signal, axis=1) > 1e-3
    assert np.allclose(np.ptp(scaled, axis=1)[varies], 2, atol=1e-4)
    assert (scaled.transpose(0, 2, 1)[np.ptp(signal, axis=1) == 0] == 0).all()


@pytest.mark.parametrize(
    ("scaling", "statistics"), [("minmax", {}), ("standardise", {"mean": MEAN, "std": STD})]
)
def test_mixed_precision_scales_in_float32(scaling, statistics, signals):
    expected = np.asarray(scaler(scaling, (64, 3), **statistics)(signals))
    keras.config.set_dtype_policy("mixed_bfloat16")
    scaled = scaler(scaling, (64, 3), **statistics)(signals)
    assert np.array_equal(scaled, expected)


def test_an_unknown_scaling_is_answered_with_the_choices():
    with pytest.raises(ConfigError, match=r"no scaling named 'min-max'.*Did you mean 'minmax'"):
        scaler("min-max")


@pytest.mark.parametrize("scaling", ["none", "minmax"])
def test_statistics_without_standardise_are_refused(scaling):
    with pytest.raises(ConfigError, match="mean and std belong to scaling 'standardise'"):
        scaler(scaling, mean=MEAN)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (None, STD, "needs mean: 3 finite numbers"),
        (MEAN, None, "needs std: 3 finite numbers"),
        (MEAN[:2], STD, "needs mean: 3 finite numbers"),
        (MEAN, (1.0, np.nan, 1.0), "needs std: 3 finite numbers"),
        (MEAN, (1.0, -1.0, 1.0), "std must be at least 0"),
    ],
)
def test_wrong_statistics_are_refused(mean, std, message):
    with pytest.raises(ConfigError, match=message):
        scaler("standardise", mean=mean, std=std)
