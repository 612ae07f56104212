import shutil

import numpy as np
import pytest
from my_lab import hospital

from ecg_keras import data
from ecg_keras.config import Data
from ecg_keras.errors import DataError


def test_shared_recordings_and_patients_are_listed(hospital_raw, hospital_shards, tmp_path):
    rows = hospital.write(tmp_path / "raw", seed=3)
    # another recording of patient p0003, the others are new; and r0010 again, with twice the gain
    patients = [row[1] if row[1] == "p0003" else f"new{row[1]}" for row in rows]
    hospital.rewrite(
        tmp_path / "raw",
        [(row[0], name, *row[2:]) for row, name in zip(rows, patients, strict=True)],
    )
    np.save(tmp_path / "raw" / "r0020.npy", 2 * np.load(hospital_raw / "r0010.npy"))
    settings = Data(source="my_lab.hospital", raw=tmp_path / "raw", seconds=2, sampling_rate=50)
    data.prepare(settings, tmp_path / "shards")
    shared = data.describe_shared(hospital_shards, tmp_path / "shards")
    ((name, split, other, other_split),) = shared.recordings
    assert (name, other) == ("r0010", "r0020")
    ((patient, splits, other_splits),) = shared.patients
    assert patient == "p0003"
    assert shared.table().splitlines() == [
        f"{hospital_shards} and {tmp_path / 'shards'} share 1 recording and 1 patient",
        f"  recording r0010 ({split}) is r0020 ({other_split})",
        f"  patient p0003 ({', '.join(splits)}) is there, too ({', '.join(other_splits)})",
    ]


def test_patients_of_different_databases_are_not_compared(hospital_shards, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(hospital_shards, other)
    text = (other / "dataset.json").read_text()
    (other / "dataset.json").write_text(text.replace('"my_lab.hospital"', '"their_lab"'))
    shared = data.describe_shared(hospital_shards, other)
    assert len(shared.recordings) == 40
    assert not shared.patients
    assert "patients can't be compared" in shared.table()


def test_signatures_of_an_earlier_rule_are_named(hospital_shards, tmp_path):
    other = tmp_path / "earlier"
    shutil.copytree(hospital_shards, other)
    text = (other / "dataset.json").read_text()
    assert '"signatures": 2' in text
    # as earlier versions wrote it
    (other / "dataset.json").write_text(text.replace(',\n "signatures": 2', ""))
    shared = data.describe_shared(hospital_shards, other)
    assert shared.unchecked.startswith("The signatures of earlier were made by an earlier rule")
    assert shared.table().endswith(f"\n  {shared.unchecked}")
    assert "earlier rule" not in data.describe_shared(other, other).table()


def test_a_folder_without_shards_is_told(hospital_shards, tmp_path):
    with pytest.raises(DataError, match="there is no such folder of shards"):
        data.describe_shared(hospital_shards, tmp_path / "none")
