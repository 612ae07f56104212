"""Gains that are no gains: LUDB's files are read right wherever they lie, others are refused."""

import numpy as np
import pytest
from small_databases import write_ludb_record, write_wfdb
from small_signals import RATE, microvolts

from ecg_keras.errors import DataError
from ecg_keras.formats import find_recording, read_recording, read_wfdb
from ecg_keras.formats.wfdb_files import READ_AS_LUDB, read_unknown
from ecg_keras.sources import ludb

REFUSED = "the gain of each signal is its own span, as if every lead were exactly 1 mV high"


@pytest.fixture
def record(tmp_path):
    write_ludb_record(tmp_path, 7, ["Rhythm: Sinus rhythm"])
    return tmp_path / "data" / "7"


def change(record, old, new):
    header = record.with_suffix(".hea")
    header.write_text(header.read_text().replace(old, new))


@pytest.mark.parametrize("span", [None, (0.0, 2.0), (3.0, 12.0)])
def test_a_record_of_ludb_is_in_true_millivolts(record, span):
    signal = read_unknown(record, span=span)
    np.testing.assert_allclose(signal.values, microvolts(7, 10 * RATE) / 1000, rtol=1e-6)
    assert signal.total is None
    assert signal.remarks == (READ_AS_LUDB,)


def test_all_of_ludb_is_read_as_its_own_source_reads_it(real_data):
    root = real_data / "ludb"
    infos = ludb.list_records(root, label_set="rhythm", sampling_rate=500)
    for info in infos[::10]:
        found = read_recording(*find_recording(info.path))
        expected = ludb.read_signal(info)
        np.testing.assert_array_equal(found.values, expected.values)
        assert found.leads == expected.leads


@pytest.mark.parametrize(
    ("old", "new"),
    [("#<diagnoses>:", "#"), (" i\n", " chest\n"), (" i\n", " tmp\n")],
    ids=["of no database", "a limb lead less", "two leads exchanged"],
)
def test_other_gains_that_are_spans_are_refused(record, old, new):
    change(record, old, new)
    if "tmp" in new:
        change(record, " v1\n", " i\n")
        change(record, " tmp\n", " v1\n")
    with pytest.raises(DataError, match=REFUSED) as caught:
        read_unknown(record)
    assert str(caught.value).startswith(f"{record}.hea: ")


def test_one_lead_that_is_higher_than_its_gain_is_enough_to_believe_all(record):
    change(record, "#<diagnoses>:", "#")
    header = record.with_suffix(".hea").read_text()
    gain = header.splitlines()[9].split()[2].partition("(")[0]
    change(record, f"{gain}(", f"{int(gain) - 5}(")
    assert read_unknown(record).values == pytest.approx(read_wfdb(record).values)


def test_gains_that_differ_are_gains(tmp_path):
    path = write_wfdb(tmp_path)
    np.testing.assert_array_equal(read_unknown(path).values, read_wfdb(path).values)
    part = read_unknown(path, span=(0.0, 0.004))
    assert part.values.shape == (2, 2) and part.total == 4
