"""Random changes of a batch of training ECGs; docs/augmentation.md shows each of them.

Signals are float32 ``(batch, num_samples, num_leads)`` in millivolts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras.config import Augment
from ecg_keras.data.settings import LIMB_LEADS

# each change draws from a key of its own, found by its place here, so that it stays the same
# whatever else is switched on; a new change goes to the end
KEYS = (
    "shift",
    "gain",
    "noise",
    "lead_dropout",
    "crop",
    "coloured_noise",
    "baseline_wander",
    "mains_hum",
    "lead_group_dropout",
    "mixup",
)
# breathing and movement: from the low cutoff of a diagnostic ECG to that of a monitor (Kligfield
# et al., "Recommendations for the standardization and interpretation of the electrocardiogram:
# Part I", Circulation 2007, 115:1306-1324, section "Low-frequency filtering")
WANDER_HZ = (0.05, 0.5)
_SINUSOIDS = 4
# of a logarithm, so that the difference of two is a number
_LEAST = -1e30


def augment(
    signal: tf.Tensor,
    target: tf.Tensor,
    settings: Augment,
    *,
    sampling_rate: float,
    leads: Sequence[str],
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch of ECGs with every change that the settings switch on; zero switches one off. The
    same seed (two integers) gives the same changes. Only ``mixup`` changes the target.
    """
    keys = tf.unstack(tf.random.experimental.stateless_split(seed, len(KEYS)))
    key = dict(zip(KEYS, keys, strict=True))
    # what happens to the heart's signal on its way comes first: a part of the recording, the
    # amplifier, what it picks up, and electrodes that fell off
    # what is added differs from lead to lead: limb leads obey Einthoven's law to some microvolts
    changes: dict[str, tuple[Any, ...]] = {
        "crop": (crop, round((settings.crop or 0) * sampling_rate)),
        "shift": (shift, settings.shift * sampling_rate),
        "gain": (gain, settings.gain),
        "baseline_wander": (baseline_wander, settings.baseline_wander, sampling_rate),
        "mains_hum": (mains_hum, settings.mains_hum, settings.mains_hz, sampling_rate),
        "coloured_noise": (coloured_noise, settings.coloured_noise, settings.noise_exponent),
        "noise": (noise, settings.noise),
        "lead_group_dropout": (lead_group_dropout, settings.lead_group_dropout, leads),
        "lead_dropout": (lead_dropout, settings.lead_dropout),
    }
    for name, (change, *strength) in changes.items():
        if getattr(settings, name):
            signal = change(signal, *strength, key[name])
    if settings.mixup:
        signal, target = mixup(signal, target, settings.mixup, key["mixup"])
    return signal, target


def crop(signal: tf.Tensor, length: int, seed: tf.Tensor) -> tf.Tensor:
    """A window of ``length`` samples of each ECG, from a random start."""
    batch, samples = tf.shape(signal)[0], tf.shape(signal)[1]
    start = tf.random.stateless_uniform((batch, 1), seed, 0, samples - length + 1, dtype=tf.int32)
    window = tf.gather(signal, tf.range(length) + start, batch_dims=1)
    return tf.ensure_shape(window, (signal.shape[0], length, signal.shape[2]))


def shift(signal: tf.Tensor, greatest: float, seed: tf.Tensor) -> tf.Tensor:
    """Each ECG later or earlier by up to ``greatest`` samples; what is shifted in is zero."""
    batch, length = tf.shape(signal)[0], tf.shape(signal)[1]
    limit = int(greatest)
    by = tf.random.stateless_uniform((batch, 1), seed, -limit, limit + 1, dtype=tf.int32)
    # after zeros on both sides, each ECG is the window that starts `by` samples before the middle
    padded = tf.pad(signal, ((0, 0), (limit, limit), (0, 0)))
    return tf.ensure_shape(
        tf.gather(padded, tf.range(length) + limit - by, batch_dims=1), signal.shape
    )


def gain(signal: tf.Tensor, spread: float, seed: tf.Tensor) -> tf.Tensor:
    """Each ECG times ``exp(N(0, spread))``, the same for all of its leads."""
    exponent = tf.random.stateless_normal((tf.shape(signal)[0], 1, 1), seed, stddev=spread)
    return signal * tf.exp(exponent)


def noise(signal: tf.Tensor, spread: float, seed: tf.Tensor) -> tf.Tensor:
    """Each sample plus ``N(0, spread)`` millivolts."""
    return signal + tf.random.stateless_normal(tf.shape(signal), seed, stddev=spread)


def coloured_noise(signal: tf.Tensor, spread: float, exponent: float, seed: tf.Tensor) -> tf.Tensor:
    """Each lead plus Gaussian noise, its power falling as ``1/f**exponent``, without constant part.
    Timmer and König, "On generating power law noise", Astronomy and Astrophysics 1995, 300:707-710.
    """
    batch, samples, leads = tf.unstack(tf.shape(signal))
    length = tf.cast(samples, tf.float32)
    frequency = tf.range(1, samples // 2 + 1, dtype=tf.float32) / length
    amplitude = frequency ** (-exponent / 2)
    # a frequency has two parts and counts twice in the whole spectrum; Nyquist's has one, once
    variance = tf.where(frequency < 0.5, 4.0, 1.0) * amplitude**2
    amplitude *= tf.math.divide_no_nan(spread * length, tf.sqrt(tf.reduce_sum(variance)))
    # size and angle of a complex normal number: half the time of drawing its two parts
    drawn = tf.random.stateless_uniform((2, batch, leads, samples // 2), seed)
    size, angle = amplitude * tf.sqrt(-2 * tf.math.log(1 - drawn[0])), 2 * math.pi * drawn[1]
    spectrum = tf.complex(size * tf.cos(angle), size * tf.sin(angle))
    spectrum = tf.pad(spectrum, ((0, 0), (0, 0), (1, 0)))
    added = tf.transpose(tf.signal.irfft(spectrum, [samples]), (0, 2, 1))
    return signal + tf.ensure_shape(added, signal.shape)


def baseline_wander(
    signal: tf.Tensor, spread: float, sampling_rate: float, seed: tf.Tensor
) -> tf.Tensor:
    """Each ECG plus four sinusoids of 0.05 to 0.5 Hz: of the same frequencies in all its leads.
    Each lead has amplitudes and phases of its own: the body breathes once, but electrodes differ.
    """
    batch, samples, leads = tf.unstack(tf.shape(signal))
    of_frequency, of_size = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    frequency = tf.random.stateless_uniform((batch, 1, _SINUSOIDS), of_frequency, *WANDER_HZ)
    seconds = tf.range(samples, dtype=tf.float32)[:, tf.newaxis] / sampling_rate
    angle = 2 * math.pi * frequency * seconds
    waves = tf.concat([tf.cos(angle), tf.sin(angle)], axis=-1)
    # normal weights of cosine and sine: any phase is as likely, and the variance is the same
    # at all times
    size = tf.random.stateless_normal(
        (batch, 2 * _SINUSOIDS, leads), of_size, stddev=spread / math.sqrt(_SINUSOIDS)
    )
    return signal + tf.ensure_shape(tf.matmul(waves, size), signal.shape)


def mains_hum(
    signal: tf.Tensor, greatest: float, frequency: float, sampling_rate: float, seed: tf.Tensor
) -> tf.Tensor:
    """Each ECG plus one sinusoid with a random phase, up to ``greatest`` millivolts in each lead.
    All leads pick up the same mains, as the difference of two electrodes, in either sense.
    """
    batch, samples, leads = tf.unstack(tf.shape(signal))
    of_phase, of_size = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    phase = tf.random.stateless_uniform((batch, 1, 1), of_phase, 0, 2 * math.pi)
    size = tf.random.stateless_uniform((batch, 1, leads), of_size, -greatest, greatest)
    seconds = tf.range(samples, dtype=tf.float32)[:, tf.newaxis] / sampling_rate
    return signal + tf.ensure_shape(
        size * tf.sin(2 * math.pi * frequency * seconds + phase), signal.shape
    )


def lead_dropout(signal: tf.Tensor, chance: float, seed: tf.Tensor) -> tf.Tensor:
    """Each lead of each ECG set to zero with this chance (random lead masking)."""
    # Oh et al., "Lead-agnostic self-supervised learning for local and global representations of
    # electrocardiogram", CHIL 2022
    shape = (tf.shape(signal)[0], 1, tf.shape(signal)[2])
    kept = tf.random.stateless_uniform(shape, seed) >= chance
    return signal * tf.cast(kept, signal.dtype)


def lead_group_dropout(
    signal: tf.Tensor, chance: float, leads: Sequence[str], seed: tf.Tensor
) -> tf.Tensor:
    """All limb leads or all chest leads of an ECG set to zero, with this chance of one of the two.
    ``leads`` names the columns; both groups must be among them.
    """
    limb = tf.constant(np.isin(leads, LIMB_LEADS))
    draw = tf.random.stateless_uniform((tf.shape(signal)[0], 1, 1), seed)
    silent = tf.where(draw < chance / 2, limb, tf.logical_and(draw < chance, ~limb))
    return signal * tf.cast(~silent, signal.dtype)


def mixup(
    signal: tf.Tensor, target: tf.Tensor, alpha: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Each ECG and its targets mixed with another of the batch, weighted by Beta(alpha, alpha).
    Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018, section 2.
    """
    # binary cross-entropy is linear in the target: its value is the weighted mean of two losses
    of_order, *of_weight = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
    batch = tf.shape(signal)[0]
    other = tf.random.experimental.stateless_shuffle(tf.range(batch), of_order)
    # Beta(a, a) is g / (g + h) with g and h from Gamma(a)
    weight = tf.sigmoid(
        _log_gamma(batch, alpha, *of_weight[:2]) - _log_gamma(batch, alpha, *of_weight[2:])
    )[:, tf.newaxis]
    mixed = weight * target + (1 - weight) * tf.gather(target, other)
    weight = weight[:, :, tf.newaxis]
    return weight * signal + (1 - weight) * tf.gather(signal, other), mixed


def _log_gamma(count: tf.Tensor, alpha: float, of_gamma: tf.Tensor, of_power: tf.Tensor) -> Any:
    """Logarithms of draws from Gamma(alpha, 1): float32 can't hold many of small alpha."""
    # one from Gamma(alpha + 1) times u**(1 / alpha) (Marsaglia and Tsang, "A simple method for
    # generating gamma variables", ACM Transactions on Mathematical Software 2000, 26:363-372)
    larger = tf.random.stateless_gamma([count], of_gamma, alpha + 1.0)
    uniform = tf.random.stateless_uniform([count], of_power, minval=1e-30)
    return tf.maximum(tf.math.log(larger) + tf.math.log(uniform) / alpha, _LEAST)
