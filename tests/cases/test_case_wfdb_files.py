"""WFDB files from the field: formats, headers with quirks, exchanged and hostile ones."""

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.formats import read_wfdb
from ecg_keras.signals import LEADS

# spelled as in Spain, Italy and Latin America
SPELLED = {"DI": "I", "DII": "II", "DIII": "III"}


@pytest.mark.parametrize(
    ("folder", "records"),
    [("01-wfdb-formats", 10), ("02-wfdb-headers", 25), ("03-wfdb-212-quirks", 17)],
)
def test_every_record_is_read_as_it_was_written(case, folder, records):
    place = case(folder)
    with np.load(place / "truth.npz") as truth:
        assert len(truth) == records
        for name in truth:
            signal = read_wfdb(place / "raw" / name, lead_names=SPELLED)
            assert signal.leads == LEADS and signal.sampling_rate == 100, name
            # NaN only where it is NaN in the truth
            np.testing.assert_allclose(signal.values, truth[name], atol=1e-6, err_msg=name)


def test_exchanged_signal_files_are_refused_and_no_other(case):
    raw = case("26-swapped-dat") / "raw"
    refused = {}
    for number in range(12):
        name = f"r{number:02d}"
        try:
            assert read_wfdb(raw / name).values.shape == (400, 12)
        except DataError as error:
            refused[name] = str(error)
    assert sorted(refused) == ["r03", "r05", "r07"]
    assert f"{raw}/r03.dat: the checksum of signal I is " in refused["r03"]
    assert f"{raw}/r04.dat: the checksum of signal I is " in refused["r05"]
    assert "and r05.hea says" in refused["r05"]
