"""Tables as devices, spreadsheets and scripts write them: read to the bit, or refused by name."""

import codecs

import numpy as np
import pytest
from small_signals import microvolts

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.formats.csv_files import list_table_columns, read_csv
from ecg_keras.signals import LEADS

VALUES = microvolts(5, 60)
VALUES[7, 3], VALUES[9, 0], VALUES[9, 1] = (
    2168,
    -1234,
    12,
)  # more than a thousand, whatever is drawn
MV = [[f"{one / 1000:.3f}" for one in row] for row in VALUES]
UV = [[str(one) for one in row] for row in VALUES]
GROUPED = [[f"{one:,}" for one in row] for row in VALUES.tolist()]
SECONDS = [f"{number / 500:.3f}" for number in range(len(VALUES))]
CLOCK = [f"10:00:{number / 500:06.3f}" for number in range(len(VALUES))]
DATES = [f"2024-03-01T10:00:{number / 500:06.3f}" for number in range(len(VALUES))]


def table(rows, sep=",", end="\n"):
    return end.join(sep.join(map(str, row)) for row in rows) + end


def comma(rows):
    return [[cell.replace(".", ",") for cell in row] for row in rows]


def beside(column, rows):
    return [[cell, *row] for cell, row in zip(column, rows, strict=True)]


def turned(rows, *heads):
    columns = [list(column) for column in zip(*rows, strict=True)]
    return [
        [*head, *column] for head, column in zip(zip(*heads, strict=True), columns, strict=True)
    ]


def noted(rows):
    return [[*row, "beat, early" * (number % 9 == 5)] for number, row in enumerate(rows)]


HEADED = table([LEADS, *MV])
MILLIVOLTS = {
    "clock": table([["time", *LEADS], *beside(CLOCK, MV)]),
    "date and time": table([["time", *LEADS], *beside(DATES, MV)], ";"),
    "date and clock in two columns": table(
        [["day", "at", *LEADS], *beside(["01.03.2024"] * len(MV), beside(CLOCK, MV))], "\t"
    ),
    "notes": table([[*LEADS, "notes"], *noted(MV)], ";"),
    "notes in quotes": table([[*LEADS, "n"], *([*row, '"a, b"'] for row in MV)]),
    "leads behind others": table(
        [["n", *LEADS, "resp"], *([n, *r, "x"] for n, r in enumerate(MV))]
    ),
    "units below": table([["t", *LEADS], ["[s]", *["[mV]"] * 12], *beside(SECONDS, MV)], "\t"),
    "units above": table([["s", *["mV"] * 12], ["t", *LEADS], *beside(SECONDS, MV)]),
    "two lines of names": table([["", *["ECG"] * 12], ["t", *LEADS], *beside(SECONDS, MV)]),
    "device, blank": f"Device;X1\nSerial;0815\nRate;500\n\n{table([LEADS, *MV], ';')}",
    "a long preamble": "".join(f"Key {n}: {n}\n" for n in range(90)) + HEADED,
    "a preamble of numbers": table([["Age", 63], ["Height", 170], ["Rate", 500]]) + HEADED,
    "lead list above": f"Leads: I, II, V1\n{HEADED}",
    "hash before names": f"# recorder X1\n# {HEADED}",
    "hashes between": HEADED.replace("\n", "\n# page 2\n", 30).replace("# page 2\n", "", 29),
    "percent signs": f"% recorder\n%{table([LEADS, *MV], chr(9))}",
    "a separator that Excel is told": f"sep=;\n{table([LEADS, *MV], ';')}",
    "pipes at both ends": table([["", *LEADS, ""], *([["", *row, ""] for row in MV])], "|"),
    "fixed widths": table(([f"{cell:>9}" for cell in row] for row in [LEADS, *MV]), " "),
    "tabs and blanks": table(([f" {cell} " for cell in row] for row in [LEADS, *MV]), "\t"),
    "decimal commas and tabs": table([LEADS, *comma(MV)], "\t"),
    "decimal commas and pipes": table([LEADS, *comma(MV)], "|"),
    "decimal commas and blanks": table([LEADS, *comma(MV)], " "),
    "decimal commas in quotes": table([LEADS, *([f'"{c}"' for c in row] for row in comma(MV))]),
    "decimal commas, points in times": table([["s", *LEADS], *beside(SECONDS, comma(MV))], ";"),
    "decimal commas in times, too": table([["s", *LEADS], *comma(beside(SECONDS, MV))], ";"),
    "single quotes": table([[f"'{c}'" for c in row] for row in [LEADS, *MV]]),
    "commas": HEADED,
    "semicolons": table([LEADS, *MV], ";"),
    "decimal commas and semicolons": table([LEADS, *comma(MV)], ";"),
    "utf-8 mark and ends of Windows": codecs.BOM_UTF8 + HEADED.replace("\n", "\r\n").encode(),
    "utf-16, little end": HEADED.encode("utf-16"),
    "utf-16, big end": codecs.BOM_UTF16_BE + HEADED.encode("utf-16-be"),
    "utf-16 without a mark": HEADED.encode("utf-16-le"),
    "windows": table([["Länge °", *LEADS], *beside(SECONDS, MV)]).encode("cp1252"),
    "Chinese": table([["时间", *LEADS], *beside(SECONDS, MV)]).encode("gb18030"),
    "old Macs": HEADED.replace("\n", "\r"),
    "an end as in DOS": HEADED.replace("\n", "\r\n") + "\x1a",
    "double ends": HEADED.replace("\n", "\r\r\n"),
    "no end": HEADED.rstrip("\n"),
    "blank lines": HEADED.replace("\n", "\n\n", 20).replace("\n", "\n   \n", 1),
    "empty lines of a spreadsheet": HEADED + "," * 11 + "\n" + "," * 11 + "\n",
    "printed minus": HEADED.replace("-", "\u2212"),
    "en dash": HEADED.replace("-", "\u2013"),
    "exponents": table([LEADS, *([f"{one / 1000:.4E}" for one in row] for row in VALUES)]),
    "plus signs": table([LEADS, *([f"{one / 1000:+.3f}" for one in row] for row in VALUES)]),
    "no zero before the point": HEADED.replace("0.", "."),
    "below": HEADED + "\nEnd of file\n",
    "below, with numbers": f"{HEADED}Samples,{len(MV)}\nRate,500\n",
    "means below": table([["s", *LEADS], *beside(SECONDS, MV), ["Mean", *["0.1"] * 12]]),
    "a separator more": table([[*LEADS, ""], *([*row, ""] for row in MV)], ";"),
    "a separator more behind samples alone": table([LEADS, *([*row, ""] for row in MV)], ";"),
    "a separator more and a clock": table([["t", *LEADS], *([*r, ""] for r in beside(CLOCK, MV))]),
    "turned": table(turned(MV, LEADS)),
    "turned, counted by pandas": table([["", *range(len(MV))], *turned(MV, LEADS)]),
    "turned, with units": table(turned(MV, LEADS, ["mV"] * 12), ";"),
    "turned, with units in names": table(turned(MV, [f"{lead} (mV)" for lead in LEADS])),
    "turned, counted, with times": table(
        [["lead", *range(len(MV))], ["time", *SECONDS], *turned(MV, LEADS)], "\t"
    ),
    "turned, with units and times": table(
        [["time", "s", *SECONDS], *turned(MV, LEADS, ["mV"] * 12), ["HR", "bpm"], ["note", ""]]
    ),
    "turned, below its rate and unit": "Sampling rate: 500 Hz\nUnit: mV\n"
    + table(turned(MV, LEADS)),
    "turned, decimal commas": table(turned(comma(MV), LEADS), ";"),
    "turned, quoted": table([[f'"{c}"' for c in row] for row in turned(MV, LEADS)]),
    "turned, more separators": table([*row, ""] for row in turned(MV, LEADS)),
    "turned, below a preamble": "Device: X\n\n" + table(turned(MV, LEADS), " "),
    "R's quotes": table([[f'"{lead}"' for lead in LEADS], *MV], " "),
    "Spanish": table([["DI", "DII", "DIII", *LEADS[3:]], *MV]),
    "long names": table([[f"ECG Lead {lead} (mV)" for lead in LEADS], *MV]),
    "units in names": table([[f"{lead} in mV" for lead in LEADS], *MV]),
    "C1 to C6": table(
        [[lead.replace("V", "C") if lead[0] == "V" else lead for lead in LEADS], *MV]
    ),
}
MICROVOLTS = {
    "whole": table([LEADS, *UV]),
    "whole, times with points": table([["s", *LEADS], *beside(SECONDS, UV)]),
    "groups and semicolons": table([LEADS, *GROUPED], ";"),
    "groups and tabs": table([LEADS, *GROUPED], "\t"),
    "groups in quotes": table([LEADS, *([f'"{c}"' for c in row] for row in GROUPED)]),
    "groups and times": table([["s", *LEADS], *beside(SECONDS, GROUPED)], ";"),
    "groups of points": table(
        [LEADS, *([c.replace(",", ".") for c in row] for row in GROUPED)], ";"
    ),
    "groups of blanks": table(
        [LEADS, *([c.replace(",", " ") for c in row] for row in GROUPED)], ";"
    ),
    "groups of hard blanks": table(
        [LEADS, *([c.replace(",", "\u202f") for c in row] for row in GROUPED)], "\t"
    ),
    "Swiss groups": table([LEADS, *([c.replace(",", "\u2019") for c in row] for row in GROUPED)]),
    "groups and decimals": table([LEADS, *([f"{c}.0" for c in row] for row in GROUPED)], ";"),
    "the German way": table(
        [LEADS, *([f"{c.replace(',', '.')},0" for c in row] for row in GROUPED)], ";"
    ),
    "turned groups": table(turned(GROUPED, LEADS), ";"),
    "units in names, windows": table([[f"{lead} (µV)" for lead in LEADS], *UV]).encode("cp1252"),
    "units in names, Greek": table([[f"{lead} [μV]" for lead in LEADS], *UV]),
    "units behind names": table([[f"{lead}_uV" for lead in LEADS], *UV]),
    "units in words": table([LEADS, ["microvolts"] * 12, *UV]),
    "unit above": f"Device: X1\nUnit: µV\n{table([LEADS, *UV])}",
}


def read(tmp_path, text, **settings):
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(path, **{"sampling_rate": 500, "unit": "mV", **settings})


@pytest.mark.parametrize("text", MILLIVOLTS.values(), ids=MILLIVOLTS)
def test_millivolts(tmp_path, text):
    signal = read(tmp_path, text)
    assert signal.leads == LEADS
    assert np.array_equal(signal.values, np.float32(VALUES / 1000))


@pytest.mark.parametrize("text", MICROVOLTS.values(), ids=MICROVOLTS)
def test_microvolts(tmp_path, text):
    signal = read(tmp_path, text, unit="uV")
    assert signal.leads == LEADS
    assert np.array_equal(signal.values, np.float32(VALUES) / np.float32(1000))


@pytest.mark.parametrize(
    "mark", ["-", "--", "NaN", "nan", "NA", "N/A", "#N/A", "null", "None", "?", ""]
)
def test_a_missing_sample_has_many_marks(tmp_path, mark):
    rows = [list(row) for row in MV]
    rows[7] = [mark] * 12
    rows[0][2] = mark
    values = read(tmp_path, table([LEADS, *rows], ";")).values
    expected = np.float32(VALUES / 1000)
    expected[7], expected[0, 2] = np.nan, np.nan
    assert np.array_equal(values, expected, equal_nan=True)


def test_a_lead_that_ends_early_has_missing_samples(tmp_path):
    rows = [row[:11] if number > 50 else row for number, row in enumerate(MV)]
    lost = np.isnan(read(tmp_path, table([LEADS, *rows])).values)
    assert lost[51:, 11].all() and lost.sum() == len(MV) - 51


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("rows", [MV, UV], ids=["mV", "uV"])
@pytest.mark.parametrize("form", ["{}", "{}.0", '"{}"', "'{}'"])
def test_a_header_that_counts_the_columns_is_no_sample(tmp_path, start, rows, form):
    numbers = [form.format(number) for number in range(start, start + 12)]
    unit = "mV" if rows is MV else "uV"
    for text in (table([numbers, *rows]), table([["", *numbers], *beside(SECONDS, rows)])):
        leads = LEADS if text[0] != "," else ["s", *LEADS]
        assert len(read(tmp_path, text, unit=unit, leads=leads).values) == len(rows)


def test_two_columns_are_counted_only_where_samples_have_decimals(tmp_path):
    settings = {"leads": ["I", "II"]}
    assert len(read(tmp_path, table([[0, 1], *(row[:2] for row in MV)]), **settings).values) == 60
    assert len(read(tmp_path, table([[0, 1], *(row[:2] for row in UV)]), **settings).values) == 61


def test_what_is_left_out_is_said(tmp_path):
    rows = [["time", *LEADS, "notes", ""], *([*row, "x", ""] for row in beside(CLOCK, MV))]
    assert read(tmp_path, table(rows)).remarks == (
        "columns that are not among the twelve leads are left out: 'time', 'notes'",
    )
    rows = [["", *LEADS], *beside(SECONDS, MV)]
    assert read(tmp_path, table(rows) + "End\n").remarks == (
        "lines below the samples are left out",
        "columns that are not among the twelve leads are left out: 'column 1'",
    )
    rows = [["time", *SECONDS], *turned(MV, LEADS)]
    assert read(tmp_path, table(rows)).remarks == (
        "columns that are not among the twelve leads are left out: 'time'",
    )
    many = [*LEADS, *(f"c{number}" for number in range(50))]
    rows = [many, *([*row, *range(50)] for row in MV)]
    assert read(tmp_path, table(rows)).remarks[0].endswith("'c8', 'c9' and 40 more")
    assert read(tmp_path, HEADED).remarks == ()


def test_a_unit_that_is_stated_serves_and_another_is_refused(tmp_path):
    for name in ("units in names, windows", "units behind names", "units in words", "unit above"):
        signal = read(tmp_path, MICROVOLTS[name], unit=None)
        assert np.array_equal(signal.values, np.float32(VALUES) / np.float32(1000))
        with pytest.raises(
            DataError, match=r"a\.csv: it says that lead I is in units of 0\.001 mV"
        ):
            read(tmp_path, MICROVOLTS[name], unit="mV")
    with pytest.raises(DataError, match=r"data\.folder\.unit is uV"):
        read(tmp_path, MILLIVOLTS["turned, with units"], unit="uV")
    with pytest.raises(ConfigError, match=r"a\.csv: a CSV file does not say its unit"):
        read(tmp_path, HEADED, unit=None)


def test_a_unit_above_turned_rows_is_that_of_rows_without_one(tmp_path):
    above, rows = "Device: X1\nUnit: \u00b5V\n\n", table(turned(UV, LEADS))
    expected = np.float32(VALUES) / np.float32(1000)
    for unit in (None, "uV"):
        assert np.array_equal(read(tmp_path, above + rows, unit=unit).values, expected)
    with pytest.raises(DataError, match=r"says that lead I is in units of 0\.001 mV"):
        read(tmp_path, above + rows)
    # without names, too
    with pytest.raises(DataError, match=r"says that lead I is in units of 0\.001 mV"):
        read(tmp_path, above + table(zip(*UV, strict=True)), leads=LEADS)
    names = [f"{lead} (mV)" for lead in LEADS]
    values = read(tmp_path, above + table(turned(MV, names)), unit=None).values
    assert np.array_equal(values, np.float32(VALUES / 1000))


def test_each_lead_has_its_own_unit(tmp_path):
    names = [f"{lead} ({'mV' if lead[0] != 'V' else 'µV'})" for lead in LEADS]
    rows = [[*mv[:6], *uv[6:]] for mv, uv in zip(MV, UV, strict=True)]
    signal = read(tmp_path, table([names, *rows]), unit=None)
    assert np.allclose(signal.values, VALUES / 1000, atol=1e-6)
    names[3] = "aVR"
    with pytest.raises(ConfigError, match="does not say its unit"):
        read(tmp_path, table([names, *rows]), unit=None)


def test_names_of_columns_without_a_header(tmp_path):
    leads = ["time", *LEADS, "notes"]
    rows = [[*row, "x"] for row in beside(DATES, MV)]
    signal = read(tmp_path, table(rows, ";"), leads=leads)
    assert signal.leads == LEADS and np.array_equal(signal.values, np.float32(VALUES / 1000))
    signal = read(tmp_path, "Patient;X\n\n" + table(rows, ";"), leads=leads)
    assert np.array_equal(signal.values, np.float32(VALUES / 1000))


def test_own_spellings(tmp_path):
    names = [f"ch{number}" for number in range(12)]
    own = dict(zip(names, LEADS, strict=True))
    signal = read(tmp_path, table([[f"{name} " for name in names], *MV]), lead_names=own)
    assert signal.leads == LEADS
    with pytest.raises(
        DataError, match=r"2 columns are lead I: 'I' \(column 1\), 'ch0' \(column 2"
    ):
        read(tmp_path, table([["I", "ch0"], *(row[:2] for row in MV)]), lead_names=own)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            table([LEADS, *UV, ["err"] + ["1"] * 11, *UV]),
            r"line 61 of the samples has 'err' in column 1",
        ),
        (table([LEADS, *MV, ["1"] * 13, *MV]), "line 61 of the samples has more cells than the 12"),
        (
            table([["t", *LEADS], *beside(CLOCK, MV), ["1"] * 14, *beside(CLOCK, MV)]),
            "line 61 of the",
        ),
        (table([LEADS, *(["1", *row] for row in MV)]), "its header names 12 columns, .* 13 cells"),
        (table([LEADS, *comma(MV), *MV], ";"), "hold ',' and '.' in places that contradict"),
        (table([LEADS, *UV[:3], ["1,2,3"] * 12], ";"), "'1,2,3' is no number"),
        (table([LEADS, *UV[:3], ["12 34"] * 12], ";"), "line 4 of the samples has '12 34'"),
        (table([LEADS, *(["1,234"] * 12 for _ in range(9))], ";"), r"with data\.folder\.decimal"),
        (table([LEADS, ["0.1 mV"] * 12]), "a.csv: "),
        ("#I,1,2\n#II,3,4\n", "no line begins with the name of a lead"),
        (table([range(12)]), "holds no sample"),
        (table([range(12), LEADS]), "holds no sample"),
        (table([LEADS, *MV[:9], LEADS, *MV]), "line 10 of the samples has 'I' in column 1"),
        (table([*MV[:9], ["break"] * 12, *MV]), "no header names its 12"),
        (
            "lead,sample,value\n" + table([lead, n, n] for lead in LEADS for n in range(9)),
            "a line for",
        ),
        (table([[*LEADS, "II"], *([*row, row[1]] for row in MV)]), r"2 columns are lead II"),
        (table([["I", *LEADS], *beside(SECONDS, MV)]), r"2 columns are lead I: "),
        (table(MV), r"no header names its 12 columns.*data\.folder\.leads"),
        (table([[f"ch{n}" for n in range(12)], *MV]), r"none of its columns .*Received: ch0, ch1"),
        (table([["ecg"], *([row[0]] for row in MV)]), "none of its columns .*Received: ecg. Where"),
        (table([row[0]] for row in MV), "no header names its 1 column\\. Name"),
        ("<xml>\n<a>I</a>\n</xml>\n", "holds no sample"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)) * 9, "a.csv: "),
    ],
)
def test_what_can_not_be_read_for_sure_is_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_the_user_says_what_a_comma_means(tmp_path):
    text = table([["I", "II"], *(["1,234", "-2,345"] for _ in range(9))], ";")
    assert read(tmp_path, text, decimal=",").values[0].tolist() == [
        np.float32(1.234),
        np.float32(-2.345),
    ]
    assert read(tmp_path, text, decimal=".").values[0].tolist() == [1234, -2345]
    with pytest.raises(
        DataError, match=r"contradict one another, and data\.folder\.decimal is ','"
    ):
        read(tmp_path, HEADED, decimal=",")
    text = table([["II"], *([cell] for cell in ("0,5", "-1,25", "2"))])
    assert read(tmp_path, text, decimal=",").values.ravel().tolist() == [0.5, -1.25, 2]


@pytest.mark.parametrize("span", [(0, 0.05), (0.02, 0.06), (0.0301, 0.1), (0.1, 9), (5, 6), None])
@pytest.mark.parametrize(
    "name",
    ["clock", "blank lines", "turned", "below", "decimal commas and tabs", "notes in quotes"],
)
def test_a_part_is_what_the_whole_has_there(tmp_path, name, span):
    whole = read(tmp_path, MILLIVOLTS[name]).values
    part = read(tmp_path, MILLIVOLTS[name], span=span)
    stop = part.start + len(part.values)
    assert np.array_equal(part.values, whole[part.start : stop])
    assert part.total == (None if len(part.values) == len(whole) else len(whole))
    if span is not None:
        assert part.start <= min(span[0] * 500, 60) and stop >= min(span[1] * 500, 60) - 1e-9


@pytest.mark.parametrize(
    "text",
    [
        "ecg_id,patient_id,age\n1,2,30\n2,3,40\n",
        "file;AF;SR\na.edf;0;1\nb.edf;1;0\n",
        ",description,form\nNORM,normal ECG,1.0\nMI,infarction,\n",
        "name\tsite\nx\tnorth wing\n",
        'ID,"scp, codes"\n1,"{\'NORM\': 100}"\n',
    ],
)
def test_a_table_of_texts_or_ids_is_told_from_a_recording(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert list_table_columns(path)


@pytest.mark.parametrize(
    "text",
    [
        HEADED,
        table(MV),
        table([("time", *LEADS), *beside(DATES, MV)]),
        table([(*LEADS, "note"), *[[*row, "sinus rhythm"] for row in MV]]),
        table([("ch1", "ch2"), *[row[:2] for row in MV]]),
        table([("t", "ch1"), *[[f"10:00:{n:02} AM", row[0]] for n, row in enumerate(MV[:50])]]),
        "Patient,Smith\nRate,500 Hz\n" + HEADED,
        table([["I", *MV[0]], ["II", *MV[1]]]),
        "\0\1",
        "",
    ],
)
def test_what_may_be_a_recording_is_no_table(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert list_table_columns(path) == ()
    path.unlink()
    assert list_table_columns(path) == ()


def test_names_of_leads_of_your_own_are_leads(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("kanal eins,note\n0.1,good beat\n")
    assert list_table_columns(path) == ("kanal eins", "note")
    assert list_table_columns(path, {"kanal eins": "I"}) == ()
