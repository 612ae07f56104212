"""DICOM waveform objects as devices write them: read right, or refused by name."""

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.formats import read_recording
from ecg_keras.signals import LEADS

# fmt: off
READ = (
    "plain", "median_first", "median_original", "implicit", "scp", "derived_rhythm",
    "limb_chest_groups", "group_each", "baseline_uv", "mv_unit", "nv_unit", "codevalue_mdc_name",
    "private_scheme", "meaning_long", "label_only", "cardiology_scheme", "sl32", "no_preamble",
    "fifteen",
)
# fmt: on
# millivolts that its integers are coarser than the truth
ROUNDED = {"ten_uv": 0.005, "ten_baseline": 0.005, "correction": 0.00125}
REFUSED = {
    "bad_code_swap": "code of lead aVR and the name of lead aVL",
    "no_sens": "lead I has no sensitivity: its size is unknown",
    "four_groups": "its groups of leads were taken one after another",
}


@pytest.fixture
def folder(case):
    return case("07-dicom")


@pytest.mark.parametrize(
    ("name", "most"), [*((name, 0) for name in READ), *ROUNDED.items()], ids=str
)
def test_it_is_read(folder, name, most):
    signal = read_recording(folder / "raw" / f"{name}.dcm", "dicom")
    assert signal.leads == LEADS and signal.sampling_rate == 100
    assert np.abs(signal.values - np.load(folder / "truth.npy")).max() < most + 1e-6


def test_eight_leads_are_read_as_stored(folder):
    signal = read_recording(folder / "raw" / "eight.dcm", "dicom")
    assert signal.leads == ("I", "II", *LEADS[6:])
    truth = np.load(folder / "truth.npy")[:, [0, 1, *range(6, 12)]]
    assert np.abs(signal.values - truth).max() < 1e-6


@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_it_is_refused(folder, name, message):
    with pytest.raises(DataError, match=rf"{name}\.dcm: .*{message}"):
        read_recording(folder / "raw" / f"{name}.dcm", "dicom")
