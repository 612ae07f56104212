"""Diagonal state spaces as convolutions over time (S4D, Gu et al. 2022, arXiv 2206.11893).

Each channel ``u`` drives the system ``h' = A h + u``, ``y = 2 Re(C h) + D u`` with a few complex
numbers ``A`` and ``C``. With ``u`` held between samples, ``y`` is its convolution with the system's
impulse response, which is computed for the signal's length and applied by Fourier transforms.

A saved model has to open with plain Keras, so all of this is Keras' layers and operations on real
numbers. What trains beside the signal is in layers, too: LayerNormalization of zeros is its
``beta``, which weight decay leaves alone. No operation knows the length, so that it can change.
"""

from __future__ import annotations

import math

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers, ops
from ecg_keras.models.building import dense, seed_of

STEPS = (0.001, 0.1)  # first values of dt; a channel remembers some 2 / dt samples
DECAY = 0.5  # first value of -Re A

Complex = tuple[Tensor, Tensor]


def state_space(x: Tensor, states: int, name: str, seed: int) -> Tensor:
    """``(batch, steps, channels)``: each channel through its system, both ways in time.

    The way back has a ``C`` of its own and begins with the next sample. ``states`` is how many
    complex numbers ``A`` a channel has; each is one of a conjugate pair.
    """
    channels = x.shape[-1]
    x = layers.Activation("linear", dtype=_precision(), name=f"{name}_signal")(x)
    zeros = ops.sum(ops.zeros_like(x[:, :, 0]), axis=0)
    lag = ops.cumsum(zeros + 1) - 1
    kernels = layers.EinsumDense(
        "cls,csd->cld",
        (None, 2),
        kernel_initializer=_normal(math.sqrt(0.5), seed, f"{name}_output"),  # complex: variance 1
        dtype=_precision(),
        name=f"{name}_output",
    )(_impulse_responses(zeros, lag, (channels, states), name, seed))
    forward, backward = ops.unstack(kernels, 2, axis=-1)
    skip = dense(
        ops.expand_dims(ops.relu(1 - lag), 1),
        channels,
        f"{name}_skip",
        seed,
        use_bias=False,
        kernel=_normal(1, seed, f"{name}_skip"),
        dtype=_precision(),
    )
    return _convolve(x, forward + ops.transpose(skip), backward)


def _precision() -> str:
    """Bfloat16 is too coarse for lags, exponentials and Fourier transforms."""
    return "float64" if keras.config.dtype_policy().compute_dtype == "float64" else "float32"


def _impulse_responses(
    zeros: Tensor, lag: Tensor, shape: tuple[int, int], name: str, seed: int
) -> Tensor:
    """``(channels, steps, 2 states)``, without ``C``: twice the real parts, minus the imaginary."""
    steps = keras.initializers.RandomUniform(
        *(math.log(step) for step in STEPS), seed=seed_of(seed, f"{name}_log_step")
    )
    decay = keras.initializers.Constant(math.log(DECAY))
    frequency = keras.initializers.Constant(frequencies(shape[1]))
    dt = ops.exp(_parameter(zeros, (shape[0], 1), f"{name}_log_step", steps))
    real = -ops.exp(_parameter(zeros, shape, f"{name}_log_decay", decay))
    imag = _parameter(zeros, shape, f"{name}_frequency", frequency)
    lag = ops.expand_dims(lag, 1)
    size, angle = ops.exp(lag * (dt * real)), lag * (dt * imag)
    response = _product(_held(dt, real, imag), (size * ops.cos(angle), size * ops.sin(angle)))
    return 2 * ops.concatenate([response[0], -response[1]], axis=-1)


def frequencies(states: int) -> list[float]:
    """First values of ``Im A``: S4D-Inv, which are near those of HiPPO-LegS in S4."""
    order = 2 * states
    return [order / math.pi * (order / (2 * n + 1) - 1) for n in range(states)]


def _parameter(
    zeros: Tensor, shape: tuple[int, int], name: str, initializer: keras.initializers.Initializer
) -> Tensor:
    """``(channels, 1, n)`` for a shape ``(channels, n)``, the same for every signal."""
    return layers.LayerNormalization(
        axis=(0, 2), scale=False, beta_initializer=initializer, dtype=_precision(), name=name
    )(ops.broadcast_to(ops.sum(zeros), (shape[0], 1, shape[1])))


def _held(dt: Tensor, real: Tensor, imag: Tensor) -> Complex:
    """``(exp(dt A) - 1) / A``, exact for small ``dt``: ``cos(x) - 1`` is ``-2 sin(x/2)^2``."""
    turn = dt * imag
    grown = ops.expm1(dt * real)
    top = (
        grown * ops.cos(turn) - 2 * ops.square(ops.sin(turn / 2)),
        (grown + 1) * ops.sin(turn),
    )
    size = ops.square(real) + ops.square(imag)
    return _product(top, (real / size, -imag / size))


def _convolve(x: Tensor, forward: Tensor, backward: Tensor) -> Tensor:
    """``(batch, steps, channels)`` with kernels ``(channels, steps)``.

    Transforms are over twice the steps, whose second half keeps the ends of the signal apart.
    """
    kernel = ops.concatenate([forward, ops.flip(backward, axis=1)], axis=1)
    padded = ops.transpose(ops.concatenate([x, ops.zeros_like(x)], axis=1), (0, 2, 1))
    y = ops.irfft(_product(ops.rfft(padded), ops.rfft(kernel)))
    return ops.split(ops.transpose(y, (0, 2, 1)), 2, axis=1)[0]


def _normal(stddev: float, seed: int, name: str) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=stddev, seed=seed_of(seed, name))


def _product(a: Complex, b: Complex) -> Complex:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]
