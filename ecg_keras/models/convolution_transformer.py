"""Convolutions and a transformer encoder behind them, which won the PhysioNet Challenge of 2020.

It is the deep half of Natarajan et al.'s network (A Wide and Deep Transformer Neural Network for
12-Lead ECG Classification, CinC 2020, team prna): six convolutions leave a step for 36 samples,
eight blocks of attention (Vaswani et al., arXiv 1706.03762) work on these steps. The wide half,
features made by hand, is left out. As published it is made for 500 Hz, and only its first
convolution pads, so that 940 samples leave one step; here all pad, and 37 samples leave two.
"""

from __future__ import annotations

import math
from functools import partial

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    convolve,
    dense,
    normalise,
    seed_of,
    signal_input,
    summarise_time,
)
from ecg_keras.models.encoder import Encoder, dropped, encoder_block, sinusoids
from ecg_keras.models.zoo import AS_PUBLISHED_HEAD

# filters, width and stride of the convolutions
STEM = ((128, 14, 3), (256, 14, 3), (256, 10, 2), (256, 10, 2), (256, 10, 1), (256, 10, 1))
STEP = math.prod(stride for _, _, stride in STEM)
STAGES, BLOCKS = 4, 2
EMBEDDING = 64


def cnn_transformer(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Six convolutions, sinusoidal positions and a transformer encoder of eight blocks.

    Blocks have 8 heads, 2048 hidden units with ReLU and dropout of 0.1, and normalise after each
    sum. Trained from scratch it needs a warm-up, as published: 4000 steps of Adam.

    Arguments and errors: see `find_backbone`; ``num_samples`` is at least 37. A step of the encoder
    is 36 samples: 72 ms at the 500 Hz that the network was made for, 360 ms at 100 Hz. The head is
    before the dense embedding.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 64)``, 13,641,536 trainable parameters with 12 leads. Stages: ``stem``,
        ``stage1`` to ``stage4`` of two blocks each, ``embedding``.

    Example:
        >>> cnn_transformer(num_samples=250, num_leads=2).output_shape
        (None, 64)
    """
    x = signal = signal_input(num_samples, num_leads)
    if num_samples <= STEP:
        raise ConfigError(
            f"cnn_transformer needs num_samples of at least {STEP + 1}, two steps of its encoder, "
            f"because attention compares steps. Received: num_samples={num_samples}."
        )
    for number, (filters, width, stride) in enumerate(STEM, start=1):
        x = _convolve(x, filters, width, stride, number, seed)
    encoder = Encoder(
        heads=8,
        hidden=2048,
        activation="relu",
        norm_first=False,
        epsilon=1e-5,
        dropout=0.1,
        seed=seed,
        kernel=partial(_xavier, seed),
        use_bias=True,
    )
    x = layers.Add(name="stem_add")([x, sinusoids(x, "stem_positions")])
    x = dropped(x, encoder, "stem_dropout")
    for block in range(STAGES * BLOCKS):
        x = encoder_block(x, encoder, f"stage{block // BLOCKS + 1}_block{block % BLOCKS + 1}")
    x = summarise_time(x, head, AS_PUBLISHED_HEAD["cnn_transformer"])
    kernel = _xavier(seed, x.shape[-1], EMBEDDING, "embedding_dense/kernel")
    x = dense(x, EMBEDDING, "embedding_dense", seed, kernel=kernel)
    x = layers.ReLU(name="embedding_relu")(x)
    return keras.Model(signal, x, name="cnn_transformer")


def _convolve(x: Tensor, filters: int, width: int, stride: int, number: int, seed: int) -> Tensor:
    fan_in, fan_out = width * x.shape[-1], width * filters
    name = f"stem_conv{number}"
    kernel = _xavier(seed, fan_in, fan_out, name)
    x = convolve(x, filters, width, name, seed, strides=stride, kernel=kernel)
    x = normalise(x, f"stem_norm{number}")
    return layers.ReLU(name=f"stem_relu{number}")(x)


def _xavier(seed: int, fan_in: int, fan_out: int, name: str) -> keras.initializers.Initializer:
    """Uniform with variance ``2 / (fan_in + fan_out)`` (Glorot & Bengio 2010)."""
    limit = math.sqrt(6 / (fan_in + fan_out))
    return keras.initializers.RandomUniform(-limit, limit, seed=seed_of(seed, name))
