"""Recorders that store other leads than each of the twelve: eight, eighteen, two, Cabrera's."""

import numpy as np
import pytest

from ecg_keras.config import Data
from ecg_keras.data.preparation import prepare
from ecg_keras.data.reading import read_shards
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS

SEVERAL = "leads III, aVR, aVL, aVF are not recorded, and derived from two other limb leads"


@pytest.fixture
def place(case):
    return case("11-device-leads")


def stored(place, raw, **settings):
    """The stored signals by record, and what was said of them."""
    data = Data(
        source="folder", raw=place / raw, sampling_rate=100, seconds=4, workers=1, **settings
    )
    said = []
    dataset = prepare(data, place / "shards", on_warning=said.append)
    signals = {
        one.record_id: one.signal
        for split in ("train", "valid", "test")
        for one in read_shards(place / "shards", split)
    }
    assert said[1:] == [f"{place / raw}: {remark}" for remark in dataset.remarks]
    return signals, dataset.remarks


def truth(place, record):
    """The twelve leads in millivolts, which the recorder of eighteen stored as they are."""
    microvolts = np.fromfile(place / "raw18" / f"{record}.dat", "<i2").reshape(-1, 18)
    return microvolts[:, :12] / 1000


@pytest.mark.parametrize(
    ("raw", "remarks"),
    [
        ("raw8", (f"{SEVERAL} (12 of 12 records, such as r00)",)),
        ("raw_mixed", (f"{SEVERAL} (4 of 12 records, such as r00)",)),
        ("raw18", ()),
    ],
)
def test_all_twelve_leads_are_stored_and_what_was_derived_is_said(place, raw, remarks):
    signals, said = stored(place, raw)
    assert said == remarks and len(signals) == 12
    for record, values in signals.items():
        # the truth is rounded to whole microvolts, and so is what is stored
        assert np.abs(values - truth(place, record)).max() < 0.0011


def test_eight_leads_are_stored_as_they_are_where_no_more_are_wanted(place):
    eight = ("I", "II", *LEADS[6:])
    signals, said = stored(place, "raw8", leads=eight)
    assert said == ()
    kept = [LEADS.index(lead) for lead in eight]
    for record, values in signals.items():
        assert np.abs(values - truth(place, record)[:, kept]).max() < 1e-6


def test_cabreras_order_is_read_by_the_names(place):
    signals, _ = stored(place, "raw_cabrera")  # with -aVR
    for record, values in signals.items():
        assert np.abs(values - truth(place, record)).max() < 0.0011


def test_an_inverted_lead_that_is_called_avr_is_refused(place):
    with pytest.raises(DataError, match=r"(?s)lead aVR is inverted.*data\.verify=fix"):
        stored(place, "raw_cabrera_as_avr")


def test_leads_that_two_channels_can_not_give_are_asked_for(place):
    with pytest.raises(DataError, match=r"r0\d: the recording has no lead I, .*It has: V1\. .*"):
        stored(place, "raw_holter2")
    with pytest.raises(DataError, match=r"none of its signals is one of the leads.*ECG1, ECG2"):
        stored(place, "raw_holter_generic")
    signals, _ = stored(place, "raw_holter2", leads=("V1",))
    for record, values in signals.items():
        assert np.abs(values[:, 0] - truth(place, record)[:, 6]).max() < 1e-6
