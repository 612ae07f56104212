"""A transformer on patches of the signal, which others pre-train without labels.

It is the encoder ViT-XS of ECG-JEPA (Weimann & Conrad, arXiv 2410.13867): the vision transformer
(Dosovitskiy et al., arXiv 2010.11929) on patches of 25 samples of all leads, without any bias. Its
patch embedding and positions are the stage ``stem``, its blocks the other stages, and only the
pooling is the stage ``embedding``, so a pre-training can take the parts that it needs.
"""

from __future__ import annotations

import math

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers, ops
from ecg_keras.models.building import as_backbone, convolve, dense, seed_of, signal_input
from ecg_keras.models.encoder import Encoder, encoder_block, sinusoids

PATCH = 25
WIDTH = 192
STAGES, BLOCKS = 4, 2
EPSILON = 1e-6
DEVIATION = 0.02


def vit1d(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Patches of 25 samples, sinusoidal positions, and eight blocks of attention of 192 channels.

    Blocks have 4 heads and 768 hidden units with GELU, normalise before each part, and have
    neither bias nor dropout, as pre-trained. One more step, the register, belongs to no patch:
    attention reads and writes it, and the head does not see it.

    Arguments and errors: see `find_backbone`. Of a length that is no multiple of 25, zeros at both
    ends make whole patches. A patch is 50 ms at the 500 Hz that the network was made for, 250 ms at
    100 Hz.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 192)`` where pooled, 3,600,000 trainable parameters with 12 leads. Stages:
        ``stem``, ``stage1`` to ``stage4`` of two blocks each.

    Example:
        >>> vit1d(num_samples=250, num_leads=2).output_shape
        (None, 192)
    """
    signal = signal_input(num_samples, num_leads)
    encoder = Encoder(
        heads=4,
        hidden=4 * WIDTH,
        activation="gelu",
        norm_first=True,
        epsilon=EPSILON,
        dropout=0.0,
        seed=seed,
        kernel=lambda fan_in, fan_out, name: _normal(seed, name),
        use_bias=False,
    )
    x = _embed_patches(signal, seed)
    for block in range(STAGES * BLOCKS):
        x = encoder_block(x, encoder, f"stage{block // BLOCKS + 1}_block{block % BLOCKS + 1}")
    x = layers.LayerNormalization(epsilon=EPSILON, center=False, name=f"stage{STAGES}_norm")(x)
    x = layers.Cropping1D((1, 0), name=f"stage{STAGES}_patches")(x)
    return as_backbone("vit1d", signal, x, head)


def _embed_patches(signal: Tensor, seed: int) -> Tensor:
    """The register and all patches with their positions, ``(batch, 1 + patches, WIDTH)``."""
    kernel = _normal(seed, "stem_conv")
    x = convolve(signal, WIDTH, PATCH, "stem_conv", seed, strides=PATCH, kernel=kernel)
    kernel = _normal(seed, "stem_register")
    register = dense(_one(x), WIDTH, "stem_register", seed, use_bias=False, kernel=kernel)
    x = layers.Add(name="stem_add")([x, sinusoids(x, "stem_positions")])
    return layers.Concatenate(axis=1, name="stem_concat")([register, x])


def _one(x: Tensor) -> Tensor:
    """A step ``(batch, 1, 1)`` that says one, so that a dense layer's kernel is its output."""
    steps = keras.Input((None, x.shape[-1]), name="steps", dtype="float32")
    return keras.Model(steps, ops.ones_like(steps[:, :1, :1]), name="stem_one")(x)


def _normal(seed: int, name: str) -> keras.initializers.Initializer:
    """Normal; smaller for what is added to the shortcut, of which there are two in every block."""
    adds = name.endswith(("_dense2/kernel", "_attention/output"))
    deviation = DEVIATION / math.sqrt(2 * STAGES * BLOCKS) if adds else DEVIATION
    return keras.initializers.RandomNormal(stddev=deviation, seed=seed_of(seed, name))
