"""CSV files as devices and scripts export them."""

import numpy as np
import pytest

from ecg_keras.config import Data
from ecg_keras.errors import DataError
from ecg_keras.formats import read_recording
from ecg_keras.signals import LEADS
from ecg_keras.sources import source_of

MICROVOLTS = {"thousands", "unit_heads2", "cp1252"}
REFUSED = {
    "bare": r"no header names its 12 columns\. .*data\.folder\.leads",
    "num_heads0": r"data\.folder\.leads",
    "num_heads1": r"data\.folder\.leads",
    "turned_bare": r"data\.folder\.leads",
    "dup_ii": r"2 columns are lead II: 'II' \(column 2\), 'II' \(column 13\).*data\.folder\.leads",
    "long": r"a line for each sample of each lead\. Export a column for each lead",
}
NAMED = {"bare", "num_heads0", "num_heads1", "turned_bare", "di_heads", "atm", "meta_lines"}
LEFT_OUT = {
    "atm": "'Elapsed time'",
    "index_col": "'column 1'",
    "note_column": "'annotation'",
    "semi_comma_time": "'Zeit'",
    "semi_comma_dottime": "'Zeit'",
    "time_clock": "'time'",
    "time_iso": "'timestamp'",
    "time_plain": "'time'",
    "units_row": "'t'",
}


def read(path, **settings):
    unit = "uV" if path.stem in MICROVOLTS else "mV"
    return read_recording(path, "csv", **{"sampling_rate": 100, "unit": unit, **settings})


def test_every_export_is_read_or_refused(case):
    place = case("04-csv-exports")
    truth = np.load(place / "truth.npy").astype(np.float32)
    paths = sorted((place / "raw").glob("*.csv"))
    assert len(paths) == 41
    for path in paths:
        if path.stem in REFUSED:
            with pytest.raises(DataError, match=rf"{path.name}: .*{REFUSED[path.stem]}"):
                read(path)
        else:
            check(path, read(path), truth)
        if path.stem in NAMED:
            check(path, read(path, leads=LEADS), truth)


def check(path, signal, truth):
    expected = truth.copy()
    if path.stem == "dash_missing":
        expected[7] = np.nan
    assert signal.leads == LEADS, path.stem
    assert np.array_equal(signal.values, expected, equal_nan=True), path.stem
    said = [one.rpartition(": ")[2] for one in signal.remarks if "twelve leads" in one]
    assert said == [LEFT_OUT[one] for one in LEFT_OUT if one == path.stem], path.stem


@pytest.mark.parametrize("raw", ["raw", "raw_mixed"])
@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("16-csv-thousands", {"unit": "uV", "sampling_rate": 100}),
        ("17-csv-numbered-header", {"unit": "mV", "sampling_rate": 100, "leads": LEADS}),
    ],
)
def test_groups_of_thousands_and_headers_that_count(case, name, folder, raw):
    place = case(name)
    source = source_of(Data(source="folder", raw=place / raw, folder=folder))
    infos = source.list_records(place / raw, label_set="labels", sampling_rate=100)
    assert len(infos) == 12
    for info in infos:
        text = info.path.with_name(f"{info.record_id}.csv").read_text()
        separator = ";" if name[:2] == "16" else ","
        rows = [line.split(separator) for line in text.splitlines()]
        # the arithmetic of the files, not of a reader
        rows = [row for row in rows if row[0] not in ("I", "1")]
        scale = 0.001 if name[:2] == "16" else 1
        truth = np.array([[float(cell.replace(",", "")) * scale for cell in row] for row in rows])
        signal = source.read_signal(info)
        assert signal.leads == LEADS and signal.values.shape == (400, 12) == truth.shape
        assert np.abs(signal.values - truth).max() < 1e-6
