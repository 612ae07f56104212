"""One record of a source to what a shard stores: leads, rate, length, int16 samples, quality."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.config import Data
from ecg_keras.data.outcomes import LeftOut, too_short
from ecg_keras.data.partial_reading import Kept, read_kept, read_windows
from ecg_keras.data.recording_parts import Reader, SignalReader, reader_of
from ecg_keras.data.settings import stored_leads, stored_length
from ecg_keras.data.source_check import Verified
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo
from ecg_keras.signals import (
    LEAD_MEASURES,
    LeadQuality,
    Quality,
    Traits,
    fit_length,
    measure_lead_quality,
    measure_quality,
    measure_traits,
    resample,
)
from ecg_keras.sources import USABLE, source_of

# of the figures of a recording, and of each lead, those in which sets of recordings are compared
FIGURES = ("peak_mv", "rms_mv", "einthoven_mv", "heart_rate", "original_hz", "original_seconds")
LEAD_FIGURES = ("deflection_mv", "noise_mv", "baseline_mv")
STEP_MV = 0.001  # of a stored sample, or more where the largest asks for it
MOST_STEPS = 32767  # of an int16
# a record whose limb leads miss the identities by more is broken where its database obeys them
_BROKEN_MV = USABLE["einthoven_mv"][1]
# what the system answers where a file is not there or may not be read, or a drive or share is gone
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM)
# and where a file itself is wrong; whatever else it answers is a fault of the disk, the network or
# the machine, as all files were read before, for their hashes
_OF_THE_FILE = (
    None,  # of a library that reads the file
    *_GONE,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EINVAL,
    errno.ESPIPE,
    errno.ENXIO,
    errno.EILSEQ,
)


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
        lead_quality: of what is kept, as it was read and as it is stored.
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

    @property
    def figures(self) -> dict[str, float]:
        """Those of the recording, by their names in shards; NaN where one is unknown."""
        quality, (hz, seconds) = self.quality, self.original
        values = (quality.peak_mv, quality.rms_mv, quality.einthoven_mv, self.traits.heart_rate)
        return dict(zip(FIGURES, (*values, hz, seconds), strict=True))

    @property
    def lead_figures(self) -> dict[str, AnyArray]:
        """Those of each lead ``(num_leads,)``, by their names in shards; NaN where unknown."""
        measures = {name: getattr(self.lead_quality, name) for name in LEAD_MEASURES}
        return {"deflection_mv": self.traits.deflections_mv, **measures}


class Dropped(LeftOut):
    """Left out because the recipe says so."""


class Quarantined(LeftOut):
    """Left out because it can't be used."""


class Gone(Quarantined):
    """Left out because a file of it is not there, or may not be read."""


def convert(
    infos: Iterable[RecordInfo], data: Data, verified: Verified
) -> Iterator[Converted | Dropped | Quarantined]:
    """Reads and converts records one by one, with an outcome for each, in the same order. What is
    wrong with one record becomes its outcome; a wrong setting, and a disk that fails, is raised.
    """
    read = reader_of(source_of(data))
    return (_convert(info, read, data, verified) for info in infos)


def quantise(values: Float32Array) -> tuple[npt.NDArray[np.int16], float]:
    """Samples as little-endian int16, and millivolts per step as a float32 holds it. A step is 1
    µV, or as much more as the largest sample asks for.
    """
    peak = max(float(values.max()), -float(values.min()))
    step = float(np.float32(max(STEP_MV, peak / MOST_STEPS)))
    steps = values / np.float32(step)
    return np.rint(steps, out=steps).astype("<i2"), step


def convert_windows(
    info: RecordInfo,
    source: SignalReader,
    data: Data,
    verified: Verified,
    first: int = 0,
    *,
    alone: bool = False,
) -> Iterator[Converted | Dropped | Quarantined]:
    """Converts a recording in consecutive windows of ``data.seconds``, whatever its length.

    Args:
        info: of the recording.
        source: reads it; ``data.source`` is not asked.
        data: the settings by which each window is converted, as `prepare` converts a record.
        verified: what was decided for all recordings.
        first: number of the window to begin with.
        alone: only the one window that ``data.window`` names, as in shards.

    Yields:
        What became of each window, in their order. The rest of a recording that is no window is
        one that ends with the recording where it has half the length or more, else it is left out.

    Raises:
        DataError: the recording can't be read, or lacks a lead.

    Example:
        >>> next(convert_windows(info, source, data, Verified())).samples.shape
        (1000, 12)
    """
    what = reader_of(source), info, data, verified.repair
    for kept in [read_kept(*what)] if alone else read_windows(*what, first):
        try:
            if isinstance(kept, DataError):
                raise kept
            yield _store(info, kept, data, verified)
        except (ConfigError, DataError) as error:
            yield Quarantined(info.record_id, str(error))


def _convert(
    info: RecordInfo, read: Reader, data: Data, verified: Verified
) -> Converted | Dropped | Quarantined:
    try:
        return _store(info, read_kept(read, info, data, verified.repair), data, verified)
    except (ConfigError, DataError) as error:
        if (fault := fault_of_machine(error)) is not None:
            raise DataError(
                f"{info.path}: can't be read now: {fault.strerror}. It could be read before, so "
                "that this is no fault of the recording. See to the disk, the network or the "
                "limits of the machine: the same command resumes after the last whole shard."
            ) from error
        # relative to the database, so that the shards' description does not depend on its place
        reason = str(error).replace(f"{data.raw}/", "")
        place = str(info.path).replace(f"{data.raw}/", "")
        kind = Gone if any(one.errno in _GONE for one in _errors_behind(error)) else Quarantined
        return kind(info.record_id, reason if place in reason else f"{place}: {reason}")


def fault_of_machine(error: BaseException) -> OSError | None:
    """The error of the system behind another one, where it says nothing of the recording."""
    return next((one for one in _errors_behind(error) if one.errno not in _OF_THE_FILE), None)


def _errors_behind(error: BaseException | None) -> Iterator[OSError]:
    """All errors of the system that led to an error."""
    while error is not None:
        if isinstance(error, OSError):
            yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _store(info: RecordInfo, kept: Kept, data: Data, verified: Verified) -> Converted | Dropped:
    """What is kept of a recording, as a shard stores it."""
    leads = stored_leads(data)
    signal, (start, stop) = kept.signal, kept.window
    rates = signal.sampling_rate, data.sampling_rate
    values = resample(
        signal.values,
        *rates,
        method=data.resample,
        start=start,
        stop=stop,
        offset=signal.start,
        total=kept.total,
    )
    # nothing is left to be cut: a window says where zeros are added
    sides = "centre" if data.window == "centre" else "start"
    fitted = fit_length(values, stored_length(data), window=sides, short=data.short)
    if fitted is None:
        seconds = len(values) / data.sampling_rate
        reason = too_short(seconds, data.seconds)
        return Dropped(info.record_id, reason, seconds, data.seconds)
    columns, scale = quantise(np.asfortranarray(fitted))
    samples = np.ascontiguousarray(columns)
    stored = columns * np.float32(scale)
    quality = measure_quality(stored, leads)
    low, high = USABLE["peak_mv"]
    if data.verify != "off" and not low <= quality.peak_mv <= high:
        raise DataError(_say_impossible(quality.peak_mv))
    if verified.identities and quality.einthoven_mv > _BROKEN_MV:
        raise DataError(_say_broken(stored, leads, quality.einthoven_mv))
    return Converted(
        info,
        samples,
        scale,
        quality,
        kept.content,
        measure_traits(stored, data.sampling_rate),
        measure_lead_quality(kept.values, rates[0], stored, data.sampling_rate),
        (signal.sampling_rate, kept.total / signal.sampling_rate),
        kept.remarks,
    )


def _say_impossible(peak_mv: float) -> str:
    """Why an amplitude is not that of an ECG."""
    low, high = USABLE["peak_mv"]
    return (
        f"the largest sample is {peak_mv:.4g} mV, and that of an ECG is {low:g} to {high:g} mV. "
        "Correct its unit or gain, or use all records as they are with data.verify: off."
    )


def _say_broken(stored: Float32Array, leads: tuple[str, ...], missed: float) -> str:
    """Why limb leads miss Einthoven's and Goldberger's identities."""
    zeros = np.median(stored, axis=0)
    if measure_quality(stored - zeros, leads).einthoven_mv <= _BROKEN_MV:
        return (
            f"the leads are off zero, by {np.abs(zeros).max():.2g} mV, so that they miss "
            f"Einthoven's or Goldberger's identities by {missed:.2g} mV. Subtract the value that "
            "the recorder writes for zero."
        )
    return (
        "the limb leads don't belong together: they miss Einthoven's or Goldberger's identities "
        f"by {missed:.2g} mV, other records by less than 0.01 mV."
    )
