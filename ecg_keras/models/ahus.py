"""The Inception network of Ahus AIM's entry to the PhysioNet Challenge 2025 (Chagas disease).

Two strided convolutions without padding, then InceptionTime (Fawaz et al. 2020, arXiv 1909.04939)
with GELU in place of ReLU. The published head is dense without a bias; here it has one, which is
zero where published weights are read.
"""

from __future__ import annotations

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import keras, layers
from ecg_keras.models.building import as_backbone, convolve, normalise, signal_input
from ecg_keras.models.inception_time import FILTERS, inception_blocks

WIDTHS = (9, 19, 39)
STEM_WIDTH = 5
# the shortest signal of which two convolutions of width 5 and stride 2 leave one sample
SHORTEST = 13


def inception_ahus(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Six inception blocks of widths 9, 19 and 39 at a quarter of the sampling rate.

    Arguments and errors: see `find_backbone`; ``num_samples`` is at least 13. The published weights
    take 800 samples (2 s at 400 Hz) of 8 leads: aVL, aVF, V1 to V6.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 128)`` where time is pooled, 484,416 trainable parameters with 12 leads, 483,776
        with 8. Stages: ``stem``, ``stage1``, ``stage2``.

    Example:
        >>> inception_ahus(num_samples=250, num_leads=2).output_shape
        (None, 128)
    """
    x = signal = signal_input(num_samples, num_leads)
    if num_samples < SHORTEST:
        raise ConfigError(
            f"inception_ahus needs num_samples of at least {SHORTEST}, because its first two "
            f"convolutions have no padding. Received: num_samples={num_samples}."
        )
    for number in (1, 2):
        x = convolve(
            x,
            FILTERS,
            STEM_WIDTH,
            f"stem_conv{number}",
            seed,
            strides=2,
            padding="valid",
            use_bias=True,
        )
        x = normalise(x, f"stem_norm{number}")
        x = layers.Activation("gelu", name=f"stem_gelu{number}")(x)
    for stage in ("stage1", "stage2"):
        x = inception_blocks(x, WIDTHS, convolve, "gelu", stage, seed)
    return as_backbone("inception_ahus", signal, x, head)
