"""Which of the random changes a dataset allows."""

from __future__ import annotations

from collections.abc import Sequence

from ecg_keras.config import Augment
from ecg_keras.errors import ConfigError
from ecg_keras.signals import LEADS

LIMB_LEADS = LEADS[:6]


def check_augment(
    settings: Augment, *, leads: Sequence[str], sampling_rate: float, num_samples: int
) -> None:
    """Refuses changes that these ECGs can't have.

    Args:
        settings: how strong each change is; zero switches it off.
        leads: of the ECGs, spelled as in `ecg_keras.signals.LEADS`.
        sampling_rate: in Hz.
        num_samples: of each ECG.

    Raises:
        ConfigError: the crop is longer than the ECG or has no sample, the shift can move the whole
            ECG out, the mains hum is not below half of the sampling rate, or all leads are of one
            group, so that nothing would be left of an ECG.

    Example:
        >>> check_augment(Augment(crop=2.5), leads=["I", "V1"], sampling_rate=100, num_samples=1000)
    """
    trained = num_samples
    if settings.crop is not None:
        trained = round(settings.crop * sampling_rate)
        if not 1 <= trained <= num_samples:
            raise ConfigError(
                f"crop must be at most {num_samples / sampling_rate:g} s, which is the whole ECG, "
                f"and at least one sample. Received: {settings.crop:g}."
            )
    if settings.shift * sampling_rate >= trained:
        raise ConfigError(
            f"shift must be below {trained / sampling_rate:g} s, or nothing may be left of what is "
            f"trained on. Received: {settings.shift:g}."
        )
    if settings.mains_hum and 2 * settings.mains_hz >= sampling_rate:
        raise ConfigError(
            f"mains_hum: {settings.mains_hz} Hz can't be sampled at {sampling_rate:g} Hz: it would "
            f"appear as another frequency. Set data.sampling_rate above {2 * settings.mains_hz}, "
            "or mains_hum to 0."
        )
    limb = [lead for lead in leads if lead in LIMB_LEADS]
    if settings.lead_group_dropout and len(limb) in (0, len(leads)):
        raise ConfigError(
            "lead_group_dropout silences all limb leads or all chest leads, and these ECGs have "
            f"one of the groups only: {', '.join(leads)}. Set it to 0."
        )
