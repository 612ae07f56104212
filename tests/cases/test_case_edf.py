"""EDF files as devices and converters write them: read right, or refused by name."""

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.formats import read_recording
from ecg_keras.signals import LEADS

# fmt: off
READ = (
    "plain", "plus_c", "plus_d_nogap", "label_ecg", "label_ekg", "label_ref", "label_ecgref",
    "label_lead", "label_under", "label_di", "label_mdc", "mv", "micro", "flipped_phys",
    "unfinished", "tail_bytes", "resp", "comma_decimal", "offset", "lower_v",
)
# fmt: on
REFUSED = {
    "plus_d_gap": "data record 3 begins 30 s late",
    "plus_c_gap": "data record 3 begins 30 s late",
    "plus_empty_reserved_gap": "data record 3 begins 30 s late",
    "nodim": r"lead I is in ''.*set data\.folder\.unit",
    "same_phys": "lead V3 has no valid calibration",
    "wrong_count": "holds 4 data records, and its header promises 5",
    "cut_record": "truncated or damaged: it holds 3 data records and 2300 bytes",
    "two_rates": r"Received: 50 Hz \(I II III aVR aVL aVF\), 100 Hz \(V1",
}


@pytest.fixture
def folder(case):
    return case("05-edf")


@pytest.mark.parametrize("name", READ)
def test_it_is_read(folder, name):
    signal = read_recording(folder / "raw" / f"{name}.edf", "edf")
    assert signal.leads == LEADS and signal.sampling_rate == 100
    assert np.abs(signal.values - np.load(folder / "truth.npy")).max() < 1e-6


@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_it_is_refused(folder, name, message):
    with pytest.raises(DataError, match=rf"{name}\.edf: .*{message}"):
        read_recording(folder / "raw" / f"{name}.edf", "edf")


def test_an_upper_case_ending(folder):
    signal = read_recording(folder / "raw" / "UPPER.EDF", "edf")
    assert np.abs(signal.values - np.load(folder / "truth.npy")).max() < 1e-6


def test_an_empty_unit_with_the_setting(folder):
    signal = read_recording(folder / "raw" / "nodim.edf", "edf", unit="uV")
    assert np.abs(signal.values - np.load(folder / "truth.npy")).max() < 1e-6


def test_nanovolts_are_what_the_header_says(folder):
    # its physical range makes a step 100 nV, a tenth of the other files' steps
    signal = read_recording(folder / "raw" / "nv.edf", "edf")
    assert np.abs(signal.values - np.load(folder / "truth.npy") / 10).max() < 1e-6


def test_labels_with_a_glued_prefix_are_leads_or_named(folder):
    try:
        signal = read_recording(folder / "raw" / "label_glued.edf", "edf")
    except DataError as error:
        assert "ECGI, ECGII" in str(error) and "data.folder.lead_names" in str(error)
    else:
        assert np.abs(signal.values - np.load(folder / "truth.npy")).max() < 1e-6
