"""Recordings of many rates in one folder, one of them a rate that a device measured."""

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from ecg_keras.config import Data
from ecg_keras.data import prepare
from ecg_keras.data.reading import read_shards
from ecg_keras.formats import read_wfdb

RATES = (100, 1000, 128, 200, 240, 250, 257, 300, 360, 400, 499.97, 500, 976.5625)
NAMES = {f"r{rate}".replace(".", "_") for rate in RATES}


def test_every_recording_is_stored_at_100_hz_whatever_its_rate(case, tmp_path):
    raw = case("06-mixed-rates") / "raw"
    data = Data(source="folder", raw=raw, sampling_rate=100, seconds=4)
    dataset = prepare(data, tmp_path / "shards", on_warning=lambda message: None)
    assert (dataset.quarantined, dataset.dropped) == ((), ())
    stored = {
        record.record_id: record.signal
        for split in ("train", "valid", "test")
        for record in read_shards(tmp_path / "shards", split)
    }
    assert stored.keys() == NAMES
    for name, signal in stored.items():
        recorded = read_wfdb(raw / name)
        rate = Fraction(str(round(recorded.sampling_rate, 4)))
        measured = rate == Fraction("499.97")
        ratio = Fraction(100) / (500 if measured else rate)
        values = recorded.values.astype(float)
        expected = resample_poly(values, ratio.numerator, ratio.denominator, 0, padtype="line")
        # after four seconds 499.97 Hz and 500 are a quarter of a millisecond apart
        least = 0.05 if measured else 0.02
        np.testing.assert_allclose(signal[20:380], expected[20:380], rtol=0, atol=least)


def test_of_recordings_that_can_not_be_decimated_each_is_left_out_by_its_name(case, tmp_path):
    raw = case("06-mixed-rates") / "raw"
    data = Data(
        source="folder", raw=raw, sampling_rate=100, seconds=4, resample="decimate", quarantine=0.9
    )
    dataset = prepare(data, tmp_path / "shards", on_warning=lambda message: None)
    left_out = {one.record_id: one.reason for one in dataset.quarantined}
    kept = {"r100", "r1000", "r200", "r300", "r400", "r500"}
    assert left_out.keys() == NAMES - kept
    assert left_out["r499_97"].startswith("r499_97: method decimate takes every n-th sample")
