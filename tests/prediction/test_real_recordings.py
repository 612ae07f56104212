"""Real recordings: answered where they are sound, and reasons where they are odd."""

from pathlib import Path

import keras
import numpy as np
import pytest
from tiny import mean

import ecg_keras as ecg
from ecg_keras.config import Data
from ecg_keras.data import prepare
from ecg_keras.prediction import LooseFiles, open_trained
from ecg_keras.signals import LEADS

pytestmark = pytest.mark.real
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network of four seconds at 100 Hz, without training."""
    keras.utils.set_random_seed(0)
    backbone = mean(400, 12, head="pooled", seed=0)
    path = tmp_path_factory.mktemp("network") / "m.keras"
    ecg.models.save_model(ecg.models.classifier(backbone, ["MI", "NORM"]), path)
    return open_trained(path, labels=["MI", "NORM"], leads=LEADS, sampling_rate=100)


def test_ludb_is_answered_as_its_shards_are(network, real_data, tmp_path):
    raw = real_data / "ludb"
    prepare(Data(source="ludb", raw=raw, seconds=4), tmp_path / "shards")
    stored = {one.record_id: one.values for one in ecg.predict(network, tmp_path / "shards").rows}
    files = ecg.predict(network, raw / "data", aggregate="trained")
    assert len(files.rows) == 200 and files.count("unreadable") == 0
    assert files.count("answered") >= 198
    for one in files.rows:
        if one.values is not None:
            expected = stored[str(int(Path(one.record_id).stem))]
            assert np.abs(one.values - expected).max() < 1e-6


@pytest.mark.parametrize("place", ["ptbxl/records100", "challenge/training"])
def test_published_recordings_are_nearly_all_answered(network, real_data, place):
    answers = ecg.predict(network, real_data / place)
    assert answers.count("unreadable") == 0
    assert answers.count("answered") >= 0.9 * len(answers.rows)


def test_odd_files_of_the_field_never_end_a_command(network):
    if not CASES.is_dir():
        pytest.skip(f"needs the odd files in {CASES}")
    folders = [one for one in sorted(CASES.iterdir()) if one.is_dir() and any(one.rglob("*.hea"))]
    reading = LooseFiles(sampling_rate=100, unit="uV")
    answers = ecg.predict(network, [*folders, CASES / "04-csv-exports"], reading=reading)
    assert len(answers.rows) > 250
    for one in answers.rows:
        assert (one.values is None) == bool(one.reason)
        assert one.values is None or np.isfinite(one.values).all()
    hostile = [one for one in answers.rows if "27-hostile" in one.record_id]
    assert hostile and {one.status for one in hostile} == {"unreadable"}
