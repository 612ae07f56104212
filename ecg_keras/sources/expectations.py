"""What the documentation of each database promises, and what any 12-lead ECG is like.

`ecg_keras.validation` makes the schema of a dataset from it. A range is what its database may
hold: a part of the database, however chosen, stays within it. How frequent a label is depends on
which records are taken, so it is not told here; comparing two datasets tells that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

from ecg_keras.simulate.hospitals import HOSPITALS

Range = tuple[float, float]


@dataclass(frozen=True)
class Expectations:
    """What the recordings of a database have in common.

    Attributes:
        rates: the sampling rates that recordings were made at, in Hz; empty allows any.
        seconds: how long whole recordings are.
        age: in years.
        ages_known, sexes_known: the least share of records whose age or sex is known. Below 1 it
            is asked of splits that lack twenty values, so that few records break it by chance.
        folds: number of official folds, counted from 1; 0 where there are none.
        labelled: the least share of records with a label, likewise, by label set.
        most_labels: how many labels a record has at most, by label set; as many as there are
            where it is not named.
    """

    rates: tuple[float, ...] = ()
    seconds: Range = (0.0, 1e6)
    age: Range = (0.0, 120.0)
    ages_known: float = 0.0
    sexes_known: float = 0.0
    folds: int = 0
    labelled: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    most_labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


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
TEN_SECONDS = (9.99, 10.01)
ANY = Expectations()
# shares of records: where every one should have a value, where almost every one has, so that a part
# of the database has too, and where any has
NEARLY_ALL, MOST, SOME = 0.99, 0.5, 1e-6

_PTBXL = Expectations(
    rates=(100.0, 500.0),
    seconds=TEN_SECONDS,
    age=(0.0, 95.0),  # those above 89 are hidden in most records: 1.3 %
    ages_known=MOST,
    sexes_known=NEARLY_ALL,
    folds=10,
    labelled=MappingProxyType(
        dict.fromkeys(("superdiagnostic", "subdiagnostic", "diagnostic", "rhythm", "all"), MOST)
    ),
)
# Zheng et al. 2020: 4 to 98 years, one rhythm each
_CHAPMAN = Expectations(
    rates=(500.0,),
    seconds=TEN_SECONDS,
    age=(4.0, 98.0),
    ages_known=MOST,
    sexes_known=MOST,
    most_labels=MappingProxyType({"rhythm": 1}),
)
# Ribeiro et al. 2020: over 16 years, 7 or 10 s; what is stored has at most 4096 samples
_CODE = Expectations(
    rates=(400.0,),
    seconds=(1.0, 10.25),
    age=(16.0, 120.0),
    ages_known=MOST,
    sexes_known=MOST,
)

EXPECTATIONS: Mapping[str, Expectations] = MappingProxyType(
    {
        # Wagner et al. 2020: 0 to 95 years, every sex known, 411 of 21,799 without a superclass
        "ptbxl": _PTBXL,
        "ptbxl_challenge": replace(_PTBXL, rates=(500.0,), folds=0, labelled=MappingProxyType({})),
        # Liu et al. 2018: 6 to 144 s; 6 of 6,877 recordings have three labels
        "cpsc2018": Expectations(
            rates=(500.0,),
            seconds=(5.9, 144.1),
            sexes_known=MOST,
            labelled=MappingProxyType({"cpsc2018": MOST}),
            most_labels=MappingProxyType({"cpsc2018": 3}),
        ),
        "cpsc2018_extra": Expectations(rates=(500.0,), seconds=(5.0, 150.0), sexes_known=MOST),
        # Perez Alday et al. 2020: 5 to 10 s
        "georgia": Expectations(rates=(500.0,), seconds=(4.9, 10.01), sexes_known=MOST),
        # Bousseljot et al. 1995: 17 to 87 years, 32 to 120 s at 1000 Hz, 15 persons of unknown age
        "ptb": Expectations(
            rates=(1000.0,),
            seconds=(30.0, 125.0),
            age=(17.0, 87.0),
            most_labels=MappingProxyType({"diagnosis": 1}),
        ),
        "ptb_diagnostic": Expectations(
            rates=(1000.0,),
            seconds=(30.0, 125.0),
            age=(17.0, 87.0),
            ages_known=MOST,
            sexes_known=MOST,
            most_labels=MappingProxyType({"diagnosis": 1, "reason": 1}),
        ),
        "chapman": _CHAPMAN,
        "chapman_csv": _CHAPMAN,
        "ningbo": Expectations(
            rates=(500.0,), seconds=TEN_SECONDS, ages_known=MOST, sexes_known=MOST
        ),
        # its headers: 18 to 80 years, half an hour at 257 Hz
        "incart": Expectations(
            rates=(257.0,),
            seconds=(1799.0, 1801.0),
            age=(18.0, 80.0),
            ages_known=MOST,
            sexes_known=MOST,
        ),
        "challenge": Expectations(rates=(257.0, 500.0, 1000.0), seconds=(4.9, 1801.0)),
        # Kalyakulina et al. 2020: 11 to 90 years, every age and sex known
        "ludb": Expectations(
            rates=(500.0,),
            seconds=TEN_SECONDS,
            age=(11.0, 90.0),
            ages_known=NEARLY_ALL,
            sexes_known=NEARLY_ALL,
            labelled=MappingProxyType({"superdiagnostic": MOST}),
        ),
        "code_test": _CODE,
        "code15": _CODE,
        # Liu et al. 2022: 10 to 60 s, every age and sex known
        "sph": Expectations(
            rates=(500.0,),
            seconds=(9.9, 60.1),
            ages_known=MOST,
            sexes_known=MOST,
            labelled=MappingProxyType({"statements": MOST}),
        ),
        # what the recipe says of them is added, see `find_expectations`
        "folder": ANY,
        "simulated": ANY,
    }
)


class Described(Protocol):
    """What says where recordings are from: a dataset, or the settings that make one."""

    @property
    def source(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...


def record_ranges(expected: Expectations) -> dict[str, Range]:
    """Within what each figure of a single record should be, both ends included.

    Example:
        >>> record_ranges(ANY)["peak_mv"]
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
    return EXPECTATIONS.get(dataset.source, ANY)
