"""Units of voltage in the words of exporters."""

import pytest

from ecg_keras.formats.csv_units import parse_unit, split_unit, stated_unit

UNITS = {"mV": 1.0, "uV": 0.001, "\u00b5V": 0.001, "\u03bcV": 0.001, "MV": 1.0, "nV": 1e-6}
UNITS |= {"millivolts": 1.0, "microvolt": 0.001, "Milli-Volt": 1.0, "V": 1000.0, "volts": 1000.0}


@pytest.mark.parametrize(("unit", "millivolts"), UNITS.items())
def test_units(unit, millivolts):
    for form in ("{}", "[{}]", "({})", " ( {} ) "):
        assert parse_unit(form.format(unit)) == millivolts
    for form in ("aVR ({})", "aVR[{}]", "aVR_({})", "aVR <{}>"):
        assert split_unit(form.format(unit)) == ("aVR", millivolts)
    for form in ("Unit: {}", "units = {}", "Data Unit;{}", "UNIT\t[{}]"):
        assert stated_unit(form.format(unit)) == millivolts


@pytest.mark.parametrize("name", ["V1_mV", "V1 uV", "V1/mV", "V1 in mV", "V1, mV", "V1.uV"])
def test_units_without_brackets(name):
    assert split_unit(name) == ("V1", 1.0 if "mV" in name else 0.001)


@pytest.mark.parametrize(
    "name", ["aVR", "V1", "I", "a V", "II (adu)", "time (s)", "HR [bpm]", "", "mV"]
)
def test_names_without_a_unit_of_voltage_are_left_alone(name):
    assert split_unit(name) == (name, None)


@pytest.mark.parametrize("cell", ["s", "ms", "0.1 mV", "aVL", "mVs", "Vx", ""])
def test_other_cells_are_no_units(cell):
    assert parse_unit(cell) is None


@pytest.mark.parametrize(
    "line", ["Unit: s", "Community: V", "Units: see V1", "mV", "Unit of the ward: 5"]
)
def test_other_lines_state_no_unit(line):
    assert stated_unit(line) is None
