"""Longer recordings with trouble inside or outside of the four seconds that are kept."""

import numpy as np
import pytest

from ecg_keras.config import Data
from ecg_keras.data import prepare
from ecg_keras.data.reading import read_shards

GOOD = {f"good{number}" for number in range(8)} | {"nan_after_window", "pacer"}
# what has a good stretch elsewhere, and the second at which the best one begins at the earliest
ELSEWHERE = {"leadoff_in_window": 4.0, "alloff_in_window": 4.0, "leadoff_most": 3.9}
NOWHERE = {"leadoff_but_one", "leadoff_lsb", "saturated"}


def make(case, tmp_path, window):
    raw = case("09-holter-gaps") / "raw"
    data = Data(
        source="folder", raw=raw, sampling_rate=100, seconds=4, window=window, quarantine=0.9
    )
    dataset = prepare(data, tmp_path / "shards", on_warning=lambda message: None)
    stored = {
        record.record_id: record.signal
        for split in ("train", "valid", "test")
        for record in read_shards(tmp_path / "shards", split)
    }
    return stored, {one.record_id: one.reason for one in dataset.quarantined}


@pytest.mark.parametrize("window", ["start", "best"])
def test_no_dead_lead_is_stored_and_no_whole_record_is_refused(case, tmp_path, window):
    stored, left_out = make(case, tmp_path, window)
    assert stored.keys() == GOOD | (ELSEWHERE.keys() if window == "best" else set())
    assert left_out.keys() == NOWHERE | (ELSEWHERE.keys() if window == "start" else set())
    for signal in stored.values():
        assert np.ptp(signal, axis=0).min() > 0.01
        assert np.abs(signal).max() > 0.3
    for name, reason in left_out.items():
        assert reason.startswith(f"{name}: no signal in lead ")
        assert "V3" in reason
        if name in NOWHERE:
            assert "data.window" not in reason
        else:
            begins = float(reason.partition("Nothing is lost from ")[2].split()[0])
            assert begins >= ELSEWHERE[name]
            assert reason.endswith("s: data.window: best keeps them.")


def test_in_the_middle_all_but_the_dead_ones_are_whole(case, tmp_path):
    stored, left_out = make(case, tmp_path, "centre")
    assert stored.keys() == GOOD | ELSEWHERE.keys()
    assert left_out.keys() == NOWHERE
