"""What is expected of the figures of a dataset's records: of any 12-lead ECG, and of its database.

`ecg_keras.validation` makes the schema of a dataset from it. What the documentation of a database
promises is in the module of its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from ecg_keras.simulate import HOSPITALS
from ecg_keras.sources.contract import MOST, NEARLY_ALL, SOME, Expectations, Range
from ecg_keras.sources.finding import corpus_of

# what an electrode on the chest can pick up, spikes and drift included, in millivolts
AMPLITUDES: Mapping[str, Range] = MappingProxyType(
    {"peak_mv": (0.05, 20.0), "rms_mv": (0.01, 10.0), "einthoven_mv": (0.0, 0.02)}
)
# a record outside of these is no usable ECG. No electrode holds more (IEC 60601-2-25), and ten
# steps of 1 uV are no beat: a unit that is a thousand times off is outside, either way. Limb leads
# that miss the identities by more are not what they are called: real ones miss them by a tenth of
# it, rarely by half
USABLE: Mapping[str, Range] = MappingProxyType(
    {"peak_mv": (0.01, 300.0), "einthoven_mv": (0.0, 0.05)}
)
# the slowest and the fastest rhythm that people live with, in beats a minute
HEART_RATES: Range = (20.0, 320.0)


class Described(Protocol):
    """What says where recordings are from: a dataset, or the settings that make one."""

    @property
    def source(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...


def record_ranges(expected: Expectations) -> dict[str, Range]:
    """Within what each figure of a single record should be, both ends included.

    Example:
        >>> record_ranges(Expectations())["peak_mv"]
        (0.05, 20.0)
    """
    return {
        "age": expected.age,
        **AMPLITUDES,
        "heart_rate": HEART_RATES,
        "original_hz": (min(expected.rates, default=1.0), max(expected.rates, default=1e5)),
        "original_seconds": expected.seconds,
    }


def find_expectations(dataset: Described) -> Expectations:
    """What is expected of a dataset's recordings: what any ECG has, where its source is unknown.

    Example:
        >>> from types import SimpleNamespace
        >>> find_expectations(SimpleNamespace(source="ludb", settings={})).age
        (11.0, 90.0)
    """
    simulate, folder = dataset.settings.get("simulate"), dataset.settings.get("folder")
    if simulate:
        place = HOSPITALS[simulate["hospital"]]
        # PTB-XL's layout has a copy at 100 Hz
        copies = (100.0,) if place.layout == "ptbxl" else ()
        return Expectations(
            rates=(*copies, float(place.sampling_rate)),
            seconds=(place.seconds - 0.01, place.seconds + 0.01),
            ages_known=MOST,
            sexes_known=NEARLY_ALL,
        )
    if folder:
        return Expectations(
            # a column that was named holds something
            ages_known=SOME if folder["age"] else 0.0,
            sexes_known=SOME if folder["sex"] else 0.0,
        )
    corpus = corpus_of(dataset.source)
    return Expectations() if corpus is None else corpus.expectations
