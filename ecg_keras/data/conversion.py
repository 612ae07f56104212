"""One record of a source to what a shard stores: leads, rate, length, int16 samples, quality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.config import Data
from ecg_keras.data.dataset import LeftOut
from ecg_keras.data.records import RecordInfo, Signal
from ecg_keras.data.sources import source_of
from ecg_keras.data.verification import Verified
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.signals import (
    LEADS,
    Quality,
    Traits,
    canonical_lead,
    check_finite_and_alive,
    derive_leads,
    fit_length,
    kept_part,
    measure_quality,
    measure_traits,
    resample,
    resampled_length,
    select_leads,
    signature,
)
from ecg_keras.signals.lead_quality import LeadQuality, measure_lead_quality

STEP_MV = 0.001
GREATEST = 32767
# a record whose limb leads miss the identities by this in the median is broken where those of its
# database obey them: real ones miss them by 0.002 at most
BROKEN_MV = 0.05


@dataclass(frozen=True, eq=False)
class Converted:
    """A record as a shard stores it.

    Attributes:
        info: what the source's tables say.
        samples: little-endian int16 ``(num_samples, num_leads)``.
        scale: millivolts per integer step.
        quality: figures of the stored samples.
        content: `signals.signature` of the recording, whatever of it is stored.
        traits: of the stored samples.
        lead_quality: of the recording as it was read and as it is stored.
        original: sampling rate in Hz and length in seconds of the whole recording as it was read.
        remarks: what its reader left out, and which leads were derived, in words.
    """

    info: RecordInfo
    samples: npt.NDArray[np.int16]
    scale: float
    quality: Quality
    content: bytes
    traits: Traits
    lead_quality: LeadQuality
    original: tuple[float, float]
    remarks: tuple[str, ...] = ()


class Dropped(LeftOut):
    """Left out because the recipe says so."""


class Quarantined(LeftOut):
    """Left out because it can't be used."""


def stored_leads(data: Data) -> tuple[str, ...]:
    """The leads of the shards in column order, in standard spelling."""
    leads = tuple(canonical_lead(lead) for lead in data.leads or LEADS)
    if len(set(leads)) < len(leads):
        raise ConfigError(f"data.leads must name each lead once. Received: {', '.join(leads)}.")
    return leads


def stored_length(data: Data) -> int:
    """The number of samples of each signal in the shards."""
    length = round(data.seconds * data.sampling_rate)
    if length < 1:
        raise ConfigError(
            "data.seconds times data.sampling_rate must give at least one sample. Received: "
            f"{data.seconds} s at {data.sampling_rate} Hz."
        )
    return length


def convert(
    infos: Iterable[RecordInfo], data: Data, verified: Verified
) -> Iterator[Converted | Dropped | Quarantined]:
    """Reads and converts records one by one, with an outcome for each, in the same order.

    What is wrong with one record becomes its outcome; a wrong setting is raised.

    Args:
        infos: listed by the source that ``data`` names.
        data: the recipe's settings.
        verified: what `verification.verify_source` decided for all records.
    """
    source, leads, length = source_of(data), stored_leads(data), stored_length(data)
    return (_convert(info, source, leads, length, data, verified) for info in infos)


def quantise(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int16], float]:
    """Samples as int16 and their step: 1 µV, or as much more as the largest sample asks for.

    Args:
        values: finite millivolts.

    Returns:
        little-endian int16 samples, and millivolts per step as a float32 holds it.

    Example:
        >>> samples, step = quantise(np.array([[0.5, -1.2345]], dtype=np.float32))
        >>> samples.tolist(), round(step, 6)
        ([[500, -1234]], 0.001)
    """
    peak = max(float(values.max()), -float(values.min()))
    step = float(np.float32(max(STEP_MV, peak / GREATEST)))
    steps = values / np.float32(step)
    return np.rint(steps, out=steps).astype("<i2"), step


def _convert(
    info: RecordInfo,
    source: Any,
    leads: tuple[str, ...],
    length: int,
    data: Data,
    verified: Verified,
) -> Converted | Dropped | Quarantined:
    try:
        signal = source.read_signal(info)
        # all limb leads, for the repair was found by them
        values, held = derive_leads(signal.values, signal.leads, LEADS)
        derived = [lead for lead in held[len(signal.leads) :] if lead in leads]
        remarks = (*signal.remarks, *_say_derived(derived))
        if len(held) > len(signal.leads):
            signal = replace(signal, values=values, leads=held)
        if verified.repairs:
            repaired = verified.repair.apply(signal.values, signal.sampling_rate, signal.leads)
            signal = Signal(*repaired)
        # column after column in memory: what is measured for each lead is several times faster
        recorded = np.asfortranarray(signal.values)
        chosen = select_leads(recorded, signal.leads, leads)
        check_finite_and_alive(chosen, leads)
        rates = signal.sampling_rate, data.sampling_rate
        whole = resampled_length(len(chosen), *rates)
        start, stop = kept_part(whole, length, data.window)
        values = resample(chosen, *rates, method=data.resample, start=start, stop=stop)
        fitted = fit_length(values, length, window=data.window, short=data.short)
        if fitted is None:
            seconds = whole / data.sampling_rate
            return Dropped(info.record_id, f"{seconds:g} s are shorter than {data.seconds:g} s")
        columns, scale = quantise(np.asfortranarray(fitted))
        samples = np.ascontiguousarray(columns)
        stored = columns * np.float32(scale)
        quality = measure_quality(stored, leads)
        if verified.identities and quality.einthoven_mv > BROKEN_MV:
            raise DataError(_say_broken(stored, leads, quality.einthoven_mv))
        return Converted(
            info,
            samples,
            scale,
            quality,
            signature(recorded, signal.leads, signal.sampling_rate),
            measure_traits(stored, data.sampling_rate),
            measure_lead_quality(chosen, rates[0], stored, data.sampling_rate),
            (signal.sampling_rate, len(signal.values) / signal.sampling_rate),
            remarks,
        )
    except (DataError, OSError) as error:
        # relative to the database, so that the shards' description does not depend on its place
        reason = str(error).replace(f"{data.raw}/", "")
        place = str(info.path).replace(f"{data.raw}/", "")
        return Quarantined(info.record_id, reason if place in reason else f"{place}: {reason}")


def _say_derived(leads: Sequence[str]) -> list[str]:
    if not leads:
        return []
    what = f"lead {leads[0]} is" if len(leads) == 1 else f"leads {', '.join(leads)} are"
    return [f"{what} not recorded, and derived from two other limb leads"]


def _say_broken(stored: npt.NDArray[np.float32], leads: tuple[str, ...], missed: float) -> str:
    """Why limb leads miss Einthoven's and Goldberger's identities."""
    zeros = np.median(stored, axis=0)
    if measure_quality(stored - zeros, leads).einthoven_mv <= BROKEN_MV:
        return (
            f"the leads stand off zero, by {np.abs(zeros).max():.2g} mV, so that they miss "
            f"Einthoven's or Goldberger's identities by {missed:.2g} mV. Subtract the value that "
            "the recorder writes for zero."
        )
    return (
        "the limb leads don't belong together: they miss Einthoven's or Goldberger's identities "
        f"by {missed:.2g} mV, other records by less than 0.01 mV."
    )
