"""Pictures in time and frequency, checked against what their formulas say."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import models
from ecg_keras.errors import ConfigError
from ecg_keras.models.time_frequency import picture, wavelets, windows

SAMPLES = np.arange(2000)


def magnitude(signal, bands, step=1):
    """In millivolts ``(rows, columns)`` of a signal of one lead: the picture's logarithm undone."""
    leads = keras.Input((None, 1), dtype="float32")
    model = keras.Model(leads, picture(leads, bands, step, "stem_picture"))
    found = np.asarray(model(np.asarray(signal, np.float32)[None, :, None]))[0, :, :, 0]
    return np.sqrt(np.expm1(found.astype(np.float64) * np.log1p(1e8))) * 0.001


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).normal(0, 0.3, 2000)


# the highest is close to half the sampling rate, beyond which its mirror image begins
@pytest.mark.parametrize(("row", "error"), [(0, 0.012), (8, 1e-3), (20, 1e-3), (50, 1e-3)])
@pytest.mark.parametrize("amplitude", [0.1, 1.5])
def test_a_sine_is_a_ridge_of_its_amplitude_in_the_row_of_its_frequency(row, error, amplitude):
    frequency = np.geomspace(0.4, 0.01, 64)[row]
    sine = amplitude * np.sin(2 * np.pi * frequency * SAMPLES + 0.3)
    column = magnitude(sine, wavelets(), step=4)[:, 250]
    assert column.argmax() == row
    assert column[row] == pytest.approx(amplitude, rel=error)


def test_wavelets_give_the_transform_by_its_formula_in_frequencies(noise):
    """W(f, t) is the inverse transform of 2 X(v) exp(-(6 (v / f - 1))^2 / 2) for v > 0."""
    spectrum, v = np.fft.fft(noise), np.fft.fftfreq(len(noise))
    found = magnitude(noise, wavelets(rows=8, low=0.04, high=0.6))
    for row, f in zip(found, np.geomspace(0.3, 0.02, 8), strict=True):
        window = 2 * np.exp(-0.5 * (6 * (v / f - 1)) ** 2) * (v > 0)
        expected = np.abs(np.fft.ifft(spectrum * window))
        assert np.abs(row - expected)[300:-300].max() < 1e-3


def test_windows_give_the_spectra_of_their_frames(noise):
    found = magnitude(noise, windows(64, 33), step=8)
    assert found.shape == (33, 250)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
    for column in (4, 17, 245):
        frame = noise[8 * column - 32 : 8 * column + 32]
        expected = 2 * np.abs(np.fft.rfft(hann * frame)) / hann.sum()
        assert np.abs(found[::-1, column] - expected).max() < 1e-6


def test_a_constant_leaves_nothing_of_wavelets():
    assert magnitude(np.full(2000, 1.0), wavelets())[:, 400:-400].max() < 1e-4


@pytest.mark.parametrize("bands", [wavelets(), windows()], ids=["wavelets", "windows"])
def test_a_shift_in_time_shifts_the_picture(bands, noise):
    whole, later = magnitude(noise, bands, step=4), magnitude(noise[4 * 10 :], bands, step=4)
    assert np.abs(whole[:, 110:390] - later[:, 100:380]).max() < 1e-6


def test_silence_is_black_and_ten_millivolts_are_white():
    leads = keras.Input((None, 1), dtype="float32")
    model = keras.Model(leads, picture(leads, windows(64, 33), 8, "stem_picture"))
    loud = 10 * np.sin(2 * np.pi * SAMPLES / 8)
    found = np.asarray(model(np.stack([0 * loud, loud])[:, :, None].astype(np.float32)))
    assert found[0].max() == 0
    assert found[1].max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_pictures_are_float32_in_every_precision(precision, noise):
    exact = magnitude(noise, windows())
    keras.config.set_dtype_policy(precision)
    assert np.array_equal(magnitude(noise, windows()), exact)


@pytest.fixture(scope="module")
def trained(signals, targets):
    """A network that was trained with all of it free, and the picture before."""
    model = models.classifier(models.fourier_cnn(64, 3), ["NORM", "MI", "STTC"])
    before = spectra_of(model, signals)
    models.set_trainable(model, "stem")
    model.compile("adam", "binary_crossentropy")
    model.train_on_batch(signals, targets)
    return model, before


def spectra_of(model, signals):
    return np.asarray(model.get_layer("stem_spectrogram")(signals[:2]))


def test_filters_are_no_weights_and_stay_what_they_are(trained, signals, tmp_path):
    model, before = trained
    assert model.get_layer("stem_spectrogram").weights == []
    models.save_model(model, tmp_path / "model.keras")
    others = (
        models.load_model(tmp_path / "model.keras"),
        models.float32_clone(model),
        models.with_length(model, 64),
    )
    for other in (model, *others):
        assert np.array_equal(spectra_of(other, signals), before)
        assert np.allclose(other(signals), model(signals), atol=1e-6)


def test_a_saved_model_has_the_filters_in_it(trained, signals, tmp_path):
    model, _ = trained
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    assert np.allclose(exported.serve(signals), model(signals), atol=1e-6)


def test_another_length_has_the_picture_of_that_length(trained, noise):
    model, _ = trained
    short = noise[:96].reshape(1, 32, 3).astype(np.float32)
    anew = models.classifier(models.fourier_cnn(32, 3), ["NORM", "MI", "STTC"])
    anew.set_weights(model.get_weights())
    assert np.allclose(models.with_length(model, 32)(short), anew(short), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (wavelets, {"rows": 0}),
        (wavelets, {"low": 0}),
        (wavelets, {"low": 0.5, "high": 0.4}),
        (wavelets, {"high": 1}),
        (windows, {"width": 1}),
        (windows, {"rows": 1}),
    ],
)
def test_impossible_filters_are_refused(make, arguments):
    ((name, value),) = list(arguments.items())[-1:]
    with pytest.raises(ConfigError, match=rf"needs .*Received: .*{name}={value}"):
        make(**arguments)


def test_a_step_of_no_sample_is_refused():
    with pytest.raises(ConfigError, match=r"at least 1 sample\. Received: 0"):
        picture(keras.Input((8, 1)), windows(), 0, "stem_picture")
