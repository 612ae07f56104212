"""A small convolutional network over Fourier spectra: what is in frequencies alone.

The log-power spectra of all leads, one every 8 samples, are the channels of a fully convolutional
network (Wang, Yan and Oates 2017, arXiv 1611.06455). Fourier transforms in front of CNNs for ECGs
are published as FFT1D by Jeong and Kim (2025, arXiv 2502.00497) and, with an image network, as
TLFT (`stft_resnet50`); windows in place of one spectrum of the whole ECG, and this network behind
them, are our choice.
"""

from __future__ import annotations

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import CHANNELS_LAST, as_backbone, seed_of, signal_input
from ecg_keras.models.time_frequency import picture, windows

WIDTH = 64
ROWS = 33
STEP = 8


def fourier_cnn(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Three convolutions over a short-time Fourier transform of all leads.

    A spectrum has 33 frequencies, from zero to half the sampling rate, of a Hann window of 64
    samples (0.64 s and steps of 1.56 Hz at 100 Hz). Filters are constants of the graph.

    Arguments and errors: see `find_backbone`.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 128)``, 669,184 trainable parameters with 12 leads. Stages: ``stem``,
        ``stage1``, ``stage2``.

    Example:
        >>> fourier_cnn(num_samples=250, num_leads=2).output_shape
        (None, 128)
    """
    signal = signal_input(num_samples, num_leads)
    x = picture(signal, windows(WIDTH, ROWS), STEP, "stem_spectrogram")
    x = layers.Permute((2, 1, 3), name="stem_time_first")(x)
    x = layers.Reshape((-1, ROWS * num_leads), name="stem_spectra")(x)
    x = _convolve(x, 128, 8, "stem", seed)
    x = _convolve(x, 256, 5, "stage1", seed)
    x = _convolve(x, 128, 3, "stage2", seed)
    return as_backbone("fourier_cnn", signal, x, head)


def _convolve(x: Tensor, filters: int, width: int, stage: str, seed: int) -> Tensor:
    x = layers.Conv1D(
        filters,
        width,
        padding="same",
        data_format=CHANNELS_LAST,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed_of(seed, f"{stage}_conv")),
        name=f"{stage}_conv",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{stage}_norm")(x)
    return layers.ReLU(name=f"{stage}_relu")(x)
