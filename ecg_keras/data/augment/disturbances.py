"""What is recorded besides the heart: `noise`, `coloured_noise`, `baseline_wander`, `mains_hum`.

Each lead gets its own, so that limb leads no longer obey Einthoven's law to the last microvolt.
"""

from __future__ import annotations

import math

import tensorflow as tf

# breathing and movement: from the low cutoff of a diagnostic ECG to that of a monitor (Kligfield
# et al., "Recommendations for the standardization and interpretation of the electrocardiogram:
# Part I", Circulation 2007, 115:1306-1324, section "Low-frequency filtering")
WANDER_HZ = (0.05, 0.5)
SINUSOIDS = 4


def noise(signal: tf.Tensor, spread: float, seed: tf.Tensor) -> tf.Tensor:
    """Each sample plus ``N(0, spread)`` millivolts."""
    return signal + tf.random.stateless_normal(tf.shape(signal), seed, stddev=spread)


def coloured_noise(signal: tf.Tensor, spread: float, exponent: float, seed: tf.Tensor) -> tf.Tensor:
    """Each lead plus Gaussian noise with a power that falls with frequency as ``1/f**exponent``.

    A spectrum is drawn, independent normal real and imaginary parts of size ``f**(-exponent/2)``,
    and turned into samples (Timmer and König, "On generating power law noise", Astronomy and
    Astrophysics 1995, 300:707-710). It has no constant part; its lowest frequency is one over the
    length of the signal, after which it would repeat.

    Args:
        signal: float32 ``(batch, num_samples, num_leads)`` in millivolts.
        spread: standard deviation of the noise in millivolts.
        exponent: 0 is white, 1 pink, 2 brown.
        seed: two integers.
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
    """Each ECG plus a slow drift: four sinusoids of 0.05 to 0.5 Hz, drawn uniformly.

    The leads of an ECG drift at the same frequencies, each with amplitudes and phases of its own:
    the body breathes once, and moves each electrode otherwise.

    Args:
        signal: float32 ``(batch, num_samples, num_leads)`` in millivolts.
        spread: standard deviation of the drift over all ECGs, in millivolts.
        sampling_rate: in Hz.
        seed: two integers.
    """
    batch, samples, leads = tf.unstack(tf.shape(signal))
    of_frequency, of_size = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    frequency = tf.random.stateless_uniform((batch, 1, SINUSOIDS), of_frequency, *WANDER_HZ)
    seconds = tf.range(samples, dtype=tf.float32)[:, tf.newaxis] / sampling_rate
    angle = 2 * math.pi * frequency * seconds
    waves = tf.concat([tf.cos(angle), tf.sin(angle)], axis=-1)
    # normal weights of cosine and sine: any phase is as likely, and the variance is the same
    # at all times
    size = tf.random.stateless_normal(
        (batch, 2 * SINUSOIDS, leads), of_size, stddev=spread / math.sqrt(SINUSOIDS)
    )
    return signal + tf.ensure_shape(tf.matmul(waves, size), signal.shape)


def mains_hum(
    signal: tf.Tensor, greatest: float, frequency: float, sampling_rate: float, seed: tf.Tensor
) -> tf.Tensor:
    """Each ECG plus the hum of the mains: one sinusoid with a random phase.

    Its amplitude in a lead is uniform from ``-greatest`` to ``greatest`` millivolts: all leads pick
    up the same mains, as the difference of two electrodes, in either sense.

    Args:
        signal: float32 ``(batch, num_samples, num_leads)`` in millivolts.
        greatest: in millivolts.
        frequency: in Hz, below half of the sampling rate.
        sampling_rate: in Hz.
        seed: two integers.
    """
    batch, samples, leads = tf.unstack(tf.shape(signal))
    of_phase, of_size = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    phase = tf.random.stateless_uniform((batch, 1, 1), of_phase, 0, 2 * math.pi)
    size = tf.random.stateless_uniform((batch, 1, leads), of_size, -greatest, greatest)
    seconds = tf.range(samples, dtype=tf.float32)[:, tf.newaxis] / sampling_rate
    return signal + tf.ensure_shape(
        size * tf.sin(2 * math.pi * frequency * seconds + phase), signal.shape
    )
