"""What settings of a recipe come to: the leads and the length that are stored, allowed changes."""

from __future__ import annotations

from collections.abc import Sequence

from ecg_keras.config import Augment, Data
from ecg_keras.errors import ConfigError
from ecg_keras.signals import LEADS, canonical_lead

LIMB_LEADS = LEADS[:6]
# of a stored signal: more than a day at 500 Hz; one is held in memory as a whole
MAX_SAMPLES = 50_000_000


def stored_leads(data: Data) -> tuple[str, ...]:
    """The leads of the shards in column order, in standard spelling."""
    leads = tuple(canonical_lead(lead) for lead in data.leads or LEADS)
    if len(set(leads)) < len(leads):
        raise ConfigError(f"data.leads must name each lead once. Received: {', '.join(leads)}.")
    return leads


def stored_length(data: Data) -> int:
    """The number of samples of each signal in the shards."""
    samples = data.seconds * data.sampling_rate
    if 0.5 < samples <= MAX_SAMPLES:
        return round(samples)
    allowed = f"at most {MAX_SAMPLES} samples" if samples > 1 else "at least one sample"
    raise ConfigError(
        f"data.seconds times data.sampling_rate must give {allowed}. Received: {data.seconds} s at "
        f"{data.sampling_rate} Hz."
    )


def check_augment(
    settings: Augment, *, leads: Sequence[str], sampling_rate: float, num_samples: int
) -> None:
    """Refuses random changes that ECGs of these leads, rate (in Hz) and length can't have."""
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
