"""Real recordings: answered where they are sound, and reasons where they are odd."""

import os
from dataclasses import replace
from html import unescape
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny import mean

import ecg_keras as ecg
from ecg_keras.config import Data
from ecg_keras.data import prepare
from ecg_keras.errors import printable
from ecg_keras.prediction import LooseFiles, open_trained
from ecg_keras.report import prediction_page
from ecg_keras.signals import LEADS

pytestmark = pytest.mark.real
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "cases"


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


@pytest.mark.parametrize("place", ["ptbxl/records100", "challenge/training", "chagas/holdout_data"])
def test_published_recordings_are_nearly_all_answered(network, real_data, place):
    answers = ecg.predict(network, real_data / place)
    assert answers.count("unreadable") == 0
    assert answers.count("answered") >= 0.9 * len(answers.rows)


@pytest.fixture(scope="module")
def cases():
    root = Path(os.environ.get("ECG_KERAS_TEST_CASES", BESIDE))
    if not root.is_dir():
        pytest.skip(f"needs the odd files: set ECG_KERAS_TEST_CASES, or put them in {BESIDE}")
    return root


# of each folder, how many of its recordings are sound, or have no fault that shows
@pytest.mark.parametrize(
    ("case", "answered", "settings"),
    [
        ("01-wfdb-formats", 10, {"verify": False}),  # of one byte, so they are small
        ("02-wfdb-headers", 25, {}),
        ("03-wfdb-212-quirks", 13, {}),
        ("04-csv-exports", 31, {"unit": "mV"}),
        ("05-edf", 22, {}),
        ("06-mixed-rates", 13, {}),
        ("07-dicom", 23, {}),
        ("08-label-tables", 16, {}),
        ("09-holter-gaps", 12, {}),
        ("10-file-names", 23, {}),
        ("11-device-leads", 48, {}),
        ("12-degenerate-labels", 24, {}),
        ("16-csv-thousands", 24, {"unit": "uV"}),
        ("17-csv-numbered-header", 24, {"unit": "mV", "leads": LEADS}),
        ("23-folds-and-paths", 15, {}),
        ("26-swapped-dat", 9, {}),
    ],
)
def test_odd_files_of_the_field_are_answered_where_they_are_sound(
    network, cases, case, answered, settings
):
    network = replace(network, data=network.data.model_copy(update={"short": "pad"}))
    reading = LooseFiles(**{"sampling_rate": 100, "unit": "uV", **settings})
    answers = ecg.predict(network, cases / case, reading=reading)
    assert answers.count("answered") >= answered, [one.reason for one in answers.rows]
    for one in answers.rows:
        assert (one.values is None) == bool(one.reason)
        assert one.values is None or np.isfinite(one.values).all()


def test_hostile_files_are_unreadable_each_for_its_reason(network, cases):
    answers = ecg.predict(network, cases / "27-hostile")
    assert [one.status for one in answers.rows] == ["unreadable"] * len(answers.rows)
    assert answers.rows and all(one.reason for one in answers.rows)


def test_odd_names_are_on_the_page(network, cases, tmp_path):
    reading = LooseFiles(sampling_rate=100, unit="uV")
    answers = ecg.predict(network, cases / "10-file-names", reading=reading, shown=20)
    page = unescape(prediction_page(answers, tmp_path / "a.html").read_text())
    assert page.count("<svg") == 20
    for name in answers.shown:
        assert printable(name) in page
