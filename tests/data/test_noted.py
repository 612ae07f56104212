"""Which figures of a record are noted, with the lead that they show in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_keras.config import Data
from ecg_keras.data.conversion import Converted
from ecg_keras.data.noted import noting
from ecg_keras.records import RecordInfo
from ecg_keras.signals import LEAD_MEASURES, LEADS, LeadQuality, measure_quality, measure_traits


def converted(change=lambda values: values, *, rate=500.0, seconds=10.0, **info):
    """A record, stored with 10 s at 100 Hz, whose samples were changed."""
    random = np.random.default_rng(0)
    one, two, *chest = random.normal(0, 0.5, (8, 1000))
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    values = change(np.stack([*limbs, *chest], axis=1)).astype(np.float32)
    step = max(0.001, float(np.abs(values).max()) / 32767)
    return Converted(
        RecordInfo("r1", "p1", Path("r1"), **{"labels": ("AF",), **info}),
        np.rint(values / step).astype("<i2"),
        step,
        measure_quality(values, LEADS),
        bytes(64),
        replace(measure_traits(values, 100), heart_rate=70.0),
        LeadQuality(*(np.zeros(12, np.float32) for _ in LEAD_MEASURES)),
        (rate, seconds),
    )


def changed(lead, change):
    def apply(values):
        values[:, LEADS.index(lead)] = change(values[:, LEADS.index(lead)])
        return values

    return apply


def spike(values):
    values[500] = -25.0
    return values


NOTE = noting(Data(source="chapman", raw=Path("raw")), "rhythm", LEADS)


def test_an_ordinary_record_is_not_noted():
    assert NOTE(converted(age=50.0)) == []


@pytest.mark.parametrize(
    ("record", "lead", "measure", "value", "what"),
    [
        (
            converted(changed("V2", spike)),
            *("V2", "peak_mv", 25.0),
            "largest sample 25 mV in V2, expected 0.05 to 20 mV",
        ),
        (
            converted(changed("aVF", lambda x: x + 0.03)),
            *("aVF", "einthoven_mv", 0.03),
            "distance from Einthoven's and Goldberger's identities 0.03 mV in aVF, expected at "
            "most 0.02 mV",
        ),
        (converted(age=3.0), None, "age", 3.0, "age 3 years, expected 4 to 98 years"),
        (
            converted(seconds=12.0),
            *(None, "original_seconds", 12.0),
            "length of the recording 12 s, expected 9.99 to 10.01 s",
        ),
        (
            converted(rate=499.9),
            *(None, "original_hz", 499.9),
            "sampling rate of the recording 499.9 Hz, expected 500 Hz",
        ),
        (
            converted(labels=("AF", "SR")),
            *(None, "labels", 2.0),
            "number of labels 2, expected at most 1",
        ),
    ],
)
def test_what_is_unusual_is_noted_with_lead_and_value(record, lead, measure, value, what):
    (one,) = NOTE(record)
    assert (one.record_id, one.lead, one.measure) == ("r1", lead, measure)
    assert one.value == pytest.approx(value, rel=0.02)
    assert one.what == what


def test_a_small_signal_a_strange_rate_and_a_slow_heart():
    record = converted(lambda values: values / 100, rate=100.0)
    record = replace(record, traits=replace(record.traits, heart_rate=15.0))
    found = {one.measure: one.lead for one in NOTE(record)}
    assert set(found) == {"peak_mv", "rms_mv", "original_hz", "heart_rate"}
    assert found["peak_mv"] in LEADS and found["heart_rate"] is None


def test_what_is_unknown_is_not_noted():
    record = converted(age=None)
    record = replace(
        record,
        traits=replace(record.traits, heart_rate=np.nan),
        quality=replace(record.quality, einthoven_mv=np.nan),
    )
    assert NOTE(record) == []


def shares(**values):
    record = converted()
    quality = {name: np.zeros(12, np.float32) for name in LEAD_MEASURES}
    for name, by_lead in values.items():
        for lead, share in by_lead.items():
            quality[name][LEADS.index(lead)] = share
    return replace(record, lead_quality=LeadQuality(**quality))


def test_each_lead_without_contact_or_at_its_end_is_noted():
    found = NOTE(shares(flat={"V3": 0.97, "V4": 0.6, "V5": 0.2}, clipped={"V1": 0.2, "V2": 0.05}))
    assert [(one.measure, one.lead) for one in found] == [
        ("flat", "V3"),
        ("flat", "V4"),
        ("clipped", "V1"),
    ]
    assert found[0].what == "share of time without change 0.97 in V3, expected at most 0.25"


def test_padding_is_no_lost_contact():
    note = noting(Data(source="mine", raw=Path("raw"), short="pad"), "rhythm", LEADS)
    padded = dict.fromkeys(LEADS, 0.7)
    record = replace(shares(flat=padded), original=(500.0, 3.0))
    assert note(record) == []
    record = replace(shares(flat={**padded, "V6": 0.95}), original=(500.0, 3.0))
    (one,) = note(record)
    assert (one.lead, one.value) == ("V6", pytest.approx(0.8333, abs=1e-4))
