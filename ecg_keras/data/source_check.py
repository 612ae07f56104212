"""Before a database is converted: are its leads, unit and sampling rate what it says they are?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ecg_keras.config import Data
from ecg_keras.data.dataset import Repaired
from ecg_keras.data.recording_parts import SignalReader, reader_of
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import (
    LEAST_RECORDS,
    Fault,
    Repair,
    is_decimated,
    verify,
)
from ecg_keras.sources import Source, recognise_database

SAMPLE = 32
# hearts of children beat faster and point elsewhere
_ADULT = 16
# of the records that are drawn, those that can't be read are skipped
_DRAWN = 2 * SAMPLE
# of half an hour, a minute is enough, and 32 of them at 1000 Hz fit in memory
_SPAN = (0.0, 60.0)
_SAMPLES = 60_000


@dataclass(frozen=True)
class Verified:
    """What was decided once for all records of a database: its repair, in words as well."""

    repair: Repair = field(default_factory=Repair)
    repairs: tuple[Repaired, ...] = ()
    # whether limb leads obey Einthoven's and Goldberger's: a record in which they don't is broken
    identities: bool = False


def verify_source(
    source: Source, infos: Sequence[RecordInfo], data: Data, warn: Callable[[str], None]
) -> Verified:
    """Verifies a database by a sample of its signals, as ``data.verify`` says. The sample is the
    same for the same records, wherever and however often it is drawn.
    """
    if data.verify == "off":
        return Verified()
    adults = [info for info in infos if info.age is None or info.age >= _ADULT]
    enough = len(adults) >= LEAST_RECORDS
    recordings = read_sample(source, adults if enough else infos, data)
    result = verify(recordings, adults=enough)
    repair = result.repair
    if result.findings and (repair is None or data.verify == "refuse"):
        raise DataError(_refusal(data, result.findings, repair))
    rates = {one.sampling_rate * (repair or Repair()).rate_factor for one in recordings}
    _check_decimation(rates, data)
    if not result.findings or repair is None:
        return Verified(identities=result.identities)
    repairs = tuple(
        Repaired(one.what, one.evidence, one.repair.sentences())
        for one in result.findings
        if one.repair is not None
    )
    for one in repairs:
        warn(f"{data.raw}: {one.line()}")
    return Verified(repair, repairs, result.identities)


def read_sample(source: SignalReader, infos: Sequence[RecordInfo], data: Data) -> list[Signal]:
    """The first minute of up to 32 of these recordings, the same ones whenever it is asked for.

    Those that can't be read are skipped, and those in which a sample within ``data.seconds`` is
    missing. The leads are those that are there.
    """
    read = reader_of(source)
    order = np.random.default_rng(0).permutation(len(infos))[:_DRAWN]
    recordings: list[Signal] = []
    for index in order:
        if len(recordings) == SAMPLE:
            break
        try:
            signal = read(infos[index], _SPAN)
        except DataError:
            continue  # it will be put into quarantine with its reason
        values = signal.values[:_SAMPLES].copy()
        if not np.all(np.isfinite(values)):  # a gap behind what is kept shows nothing
            values = values[: round(data.seconds * signal.sampling_rate)]
        if np.all(np.isfinite(values)):
            recordings.append(Signal(values, signal.sampling_rate, signal.leads))
    return recordings


def _check_decimation(rates: set[float], data: Data) -> None:
    """Refuses a setting that fits no recording; one that fits some is a matter of the others."""
    if data.resample != "decimate" or not rates:
        return
    if not any(is_decimated(rate, data.sampling_rate) for rate in rates):
        received = ", ".join(f"{rate:g} Hz" for rate in sorted(rates)[:5])
        raise ConfigError(
            "data.resample: decimate takes every n-th sample, so recordings must have a whole "
            f"multiple of data.sampling_rate, {data.sampling_rate:g} Hz. Received: {received}. "
            "Choose polyphase, or another data.sampling_rate."
        )


def _refusal(data: Data, findings: Sequence[Fault], repair: Repair | None) -> str:
    evidence = "\n".join(f"  {one.what}. Evidence: {one.evidence}." for one in findings)
    if repair is None:
        advice = (
            "The signals do not show how to make all of it right. Fix the files or what reads "
            "them, or, if it is as it should be, use the signals as they are with "
            "--set data.verify=off."
        )
    else:
        advice = (
            "Fix the files or what reads them. Or have every record repaired with "
            f"--set data.verify=fix, by which {'; '.join(repair.sentences())}."
        )
    other = recognise_database(data.raw, data.source)
    return f"{data.raw}: the signals are not what they are said to be:\n{evidence}\n{advice}{other}"
