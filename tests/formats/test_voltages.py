"""Units of voltage in the spellings of devices and standards."""

import pytest

from ecg_keras.formats.voltages import unit_in_mv
from ecg_keras.formats.wfdb_headers import UNITS_IN_MV


@pytest.mark.parametrize(
    ("texts", "size"),
    [
        (("V", "volt", "Volts", "v "), 1000.0),
        (("mV", "MV", "mv\0\0", "millivolt", "milliVolts", "[mV]", "(mV)"), 1.0),
        (("uV", "UV", " uV", "\xb5V", "\u03bcV", "\xc2\xb5V", "\xce\xbcV", "microV", "u V"), 0.001),
        (("nV", "nanovolts", "NV"), 1e-6),
        (("", " ", "Ohm", "mmHg", "mVs", "kV", "pV", "um", "%", "mV/s", "1"), None),
    ],
)
def test_each_spelling(texts, size):
    assert {text: unit_in_mv(text) for text in texts} == dict.fromkeys(texts, size)


def test_units_of_wfdb_headers_mean_the_same():
    assert {text: unit_in_mv(text) for text in UNITS_IN_MV} == UNITS_IN_MV
