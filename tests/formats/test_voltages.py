"""Units of voltage in the spellings of devices and standards."""

import pytest

from ecg_keras.formats.voltages import parse_unit, split_unit, stated_unit, unit_in_mv


@pytest.mark.parametrize(
    ("texts", "size"),
    [
        (("V", "volt", "Volts", "v "), 1000.0),
        (("mV", "MV", "mv\0\0", "millivolt", "milliVolts", "[mV]", "(mV)"), 1.0),
        (("uV", "UV", " uV", "\xb5V", "\u03bcV", "\xc2\xb5V", "\xce\xbcV", "microV", "u V"), 0.001),
        (("nV", "nanovolts", "NV"), 1e-6),
        (("4.88 uV", "4.88uV", "4.88E0 \xb5V", "0.00488 mV", "4.88e-3 mV"), 0.00488),
        (
            (
                "",
                " ",
                "Ohm",
                "mmHg",
                "mVs",
                "kV",
                "pV",
                "um",
                "%",
                "mV/s",
                "1",
                "0 uV",
                "-1 uV",
                "4,88 uV",
            ),
            None,
        ),
    ],
)
def test_each_spelling(texts, size):
    assert {text: unit_in_mv(text) for text in texts} == pytest.approx(dict.fromkeys(texts, size))


def test_units_of_wfdb_headers_mean_the_same():
    units = {"v": 1000.0, "mv": 1.0, "uv": 0.001, "µv": 0.001, "μv": 0.001, "nv": 1e-6}
    assert {text: unit_in_mv(text) for text in units} == units


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
    ("line", "size"),
    [
        ("Unit: 2 uV", 0.002), ("Unit:2.5uV", 0.0025), ("Unit=4.88uV", 0.00488),
        ("Units;4,88;\u00b5V", 0.00488), ("unit,0.005 mV", 0.005), ("Unit: .5 uV", 0.0005),
        ("Unit [1e-3 V]", 1.0), ("Unit: 4.88 uV/LSB", 0.00488), ("Unit;1;mV", 1.0),
        ("Unit 2: mV", 1.0), ("Channel 1 unit: uV", 0.001), ("Units: mV/s", 1.0),
    ],
)  # fmt: skip
def test_a_line_may_state_the_step_of_a_recorder(line, size):
    assert stated_unit(line) == pytest.approx(size)


@pytest.mark.parametrize(
    "line",
    ["Unit: s", "Community: V", "Units: see V1", "mV", "Unit of the ward: 5", "ADC units/mV: 200",
     "ADC units per mV: 200", "Unit: uV/bit", "1000 units = 1 mV", "Unit: 0 uV", "Unit: 1/2 mV"],
)  # fmt: skip
def test_other_lines_state_no_unit(line):
    assert stated_unit(line) is None


def test_a_name_of_more_than_200_characters_has_no_unit():
    assert split_unit(f"{195 * 'x'}(mV)") == (195 * "x", 1.0)
    assert split_unit(f"{197 * 'x'}(mV)") == (f"{197 * 'x'}(mV)", None)
