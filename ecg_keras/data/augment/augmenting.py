"""`augment`: a batch with every random change that a recipe switches on."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ecg_keras.config import Augment
from ecg_keras.data.augment.disturbances import baseline_wander, coloured_noise, mains_hum, noise
from ecg_keras.data.augment.gains import gain, lead_dropout, lead_group_dropout
from ecg_keras.data.augment.mixing import mixup
from ecg_keras.data.augment.moves import crop, shift

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


def augment(
    signal: tf.Tensor,
    target: tf.Tensor,
    settings: Augment,
    *,
    sampling_rate: float,
    leads: Sequence[str],
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch of ECGs with every change that the settings switch on.

    What happens to the heart's signal on its way comes first: a part of the recording (crop,
    shift), the amplifier (gain), what it picks up (wander, hum, noise), and electrodes that fell
    off. Mixing with another ECG of the batch is last.

    Args:
        signal: float32 ``(batch, num_samples, num_leads)`` in millivolts.
        target: float32 ``(batch, num_labels)``, 0 to 1.
        settings: how strong each change is; zero switches it off. `check_augment` says whether
            these ECGs allow it.
        sampling_rate: in Hz.
        leads: names of the columns, spelled as in `ecg_keras.signals.LEADS`.
        seed: two integers; the same seed gives the same changes.

    Returns:
        Signal and target of the same shapes, the signal as long as ``settings.crop`` says. Only
        ``settings.mixup`` changes the target.

    Example:
        >>> signal, target = tf.ones((2, 100, 12)), tf.ones((2, 5))
        >>> changed, _ = augment(
        ...     signal, target, Augment(gain=0.1), sampling_rate=100.0, leads=LEADS, seed=[0, 1]
        ... )
        >>> changed.shape
        TensorShape([2, 100, 12])
    """
    parts = tf.unstack(tf.random.experimental.stateless_split(seed, len(KEYS)))
    key = dict(zip(KEYS, parts, strict=True))
    if settings.crop:
        signal = crop(signal, round(settings.crop * sampling_rate), key["crop"])
    if settings.shift:
        signal = shift(signal, settings.shift * sampling_rate, key["shift"])
    if settings.gain:
        signal = gain(signal, settings.gain, key["gain"])
    if settings.baseline_wander:
        signal = baseline_wander(
            signal, settings.baseline_wander, sampling_rate, key["baseline_wander"]
        )
    if settings.mains_hum:
        signal = mains_hum(
            signal, settings.mains_hum, settings.mains_hz, sampling_rate, key["mains_hum"]
        )
    if settings.coloured_noise:
        signal = coloured_noise(
            signal, settings.coloured_noise, settings.noise_exponent, key["coloured_noise"]
        )
    if settings.noise:
        signal = noise(signal, settings.noise, key["noise"])
    if settings.lead_group_dropout:
        signal = lead_group_dropout(
            signal, settings.lead_group_dropout, leads, key["lead_group_dropout"]
        )
    if settings.lead_dropout:
        signal = lead_dropout(signal, settings.lead_dropout, key["lead_dropout"])
    if settings.mixup:
        signal, target = mixup(signal, target, settings.mixup, key["mixup"])
    return signal, target
