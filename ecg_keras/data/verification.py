"""Before a database is converted: are its leads, unit and sampling rate what it says they are?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecg_keras.config import Data
from ecg_keras.data.dataset import Repaired
from ecg_keras.data.records import RecordInfo
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, derive_leads
from ecg_keras.signals.repair import Finding, Repair
from ecg_keras.signals.verification import LEAST_RECORDS, Recording, verify

SAMPLE = 32
# hearts of children beat faster and point elsewhere
ADULT = 16
# of so many records that are drawn, those that can't be read are passed over
_DRAWN = 2 * SAMPLE
# of half an hour, a minute at 1000 Hz is enough, and 32 of them fit in memory
_SAMPLES = 60_000


@dataclass(frozen=True)
class Verified:
    """What was decided once for all records of a database.

    Attributes:
        repair: of every record.
        repairs: the same for ``dataset.json``.
        identities: whether the limb leads obey Einthoven's and Goldberger's identities, so that a
            record in which they don't is broken.
    """

    repair: Repair = field(default_factory=Repair)
    repairs: tuple[Repaired, ...] = ()
    identities: bool = False


def verify_source(
    source: Any, infos: Sequence[RecordInfo], data: Data, warn: Callable[[str], None]
) -> Verified:
    """Verifies a database by a sample of its signals, as ``data.verify`` says.

    The sample is the same for the same records, wherever and however often it is drawn.

    Args:
        source: the source's module.
        infos: of the records to be converted, in the order of their ids.
        data: the recipe's settings.
        warn: told what is repaired.

    Returns:
        What to do to each record; nothing where all is well, or where ``data.verify`` is ``off``.

    Raises:
        DataError: something is not what it is said to be, and is not to be, or can't be, repaired.
    """
    if data.verify == "off":
        return Verified()
    adults = [info for info in infos if info.age is None or info.age >= ADULT]
    enough = len(adults) >= LEAST_RECORDS
    recordings = _read_sample(source, adults if enough else infos)
    result = verify(recordings, adults=enough)
    if not result.findings:
        return Verified(identities=result.identities)
    repair = result.repair
    if repair is None or data.verify == "refuse":
        raise DataError(_refusal(data, result.findings, repair))
    repairs = tuple(
        Repaired(one.what, one.evidence, one.repair.sentences())
        for one in result.findings
        if one.repair is not None
    )
    for one in repairs:
        warn(f"{data.raw}: {one.line()}")
    return Verified(repair, repairs, result.identities)


def _read_sample(source: Any, infos: Sequence[RecordInfo]) -> list[Recording]:
    order = np.random.default_rng(0).permutation(len(infos))[:_DRAWN]
    recordings: list[Recording] = []
    for index in order:
        if len(recordings) == SAMPLE:
            break
        try:
            signal = source.read_signal(infos[index])
        except (DataError, OSError):
            continue  # it will be put into quarantine with its reason
        values = signal.values[:_SAMPLES].copy()
        if np.all(np.isfinite(values)):
            # with all limb leads, the order of the others can be told, too
            values, leads = derive_leads(values, signal.leads, LEADS)
            recordings.append(Recording(values, signal.sampling_rate, leads))
    return recordings


def _refusal(data: Data, findings: Sequence[Finding], repair: Repair | None) -> str:
    told = "\n".join(f"  {one.what}. Evidence: {one.evidence}." for one in findings)
    if repair is None:
        ways = (
            "The signals do not tell how to make all of it right. Mend the files or what reads "
            "them, or, if it is as it should be, use the signals as they are with "
            "--set data.verify=off."
        )
    else:
        ways = (
            "Mend the files or what reads them. Or have every record repaired with "
            f"--set data.verify=fix, by which {'; '.join(repair.sentences())}."
        )
    return f"{data.raw}: the signals are not what they are said to be:\n{told}\n{ways}"
