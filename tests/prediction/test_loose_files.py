"""What is listed of files and folders before any recording is read."""

import h5py
import pytest

from ecg_keras.prediction.loose_files import LooseFiles, UnreadableError

READER = LooseFiles(sampling_rate=500, unit="mV")


@pytest.mark.parametrize("shape", [(2**50, 10, 12), (1, 2_000_000_000, 12), (2**26, 2, 1)])
def test_an_array_that_claims_any_size_is_one_recording_that_can_not_be_read(tmp_path, shape):
    with h5py.File(tmp_path / "claims.h5", "w") as file:
        file.create_dataset("tracings", shape, "i1")
    (info,) = READER.list_records([tmp_path])
    assert info.row is None
    with pytest.raises(UnreadableError, match=r"claims\.h5: "):
        READER.read_signal(info)
