"""The source `simulated`: both layouts give the labels of the hearts that were simulated."""

import shutil

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.simulate import CONDITIONS, HOSPITALS, record_ecg, simulate
from ecg_keras.sources import ptbxl, simulated

RECORDS = 40


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Read-only."""
    folder = tmp_path_factory.mktemp("hospitals")
    for name in HOSPITALS:
        simulate(folder / name, hospital=name, records=RECORDS, seed=4)
    return folder


def index_of(info):
    return int(info.record_id.lstrip("RVHL")) - 1


@pytest.mark.parametrize("name", HOSPITALS)
def test_conditions_are_those_of_the_heart(roots, name):
    infos = simulated.list_records(roots / name, label_set="conditions", sampling_rate=500)
    assert len(infos) == RECORDS
    for info in infos:
        ecg = record_ecg(name, index_of(info), seed=4)
        assert info.labels == ecg.patient.conditions
        assert info.sex == ecg.patient.sex
        assert info.age == (
            None if ecg.patient.age > 89 and name == "lakeside" else ecg.patient.age
        )
        assert info.fold is None
    signal = simulated.read_signal(infos[3])
    expected = record_ecg(name, index_of(infos[3]), seed=4)
    assert signal.sampling_rate == expected.sampling_rate
    np.testing.assert_allclose(signal.values, expected.values, atol=0.0016)


@pytest.mark.parametrize("name", HOSPITALS)
def test_superclasses_follow_from_the_conditions(roots, name):
    both = [
        simulated.list_records(roots / name, label_set=label_set, sampling_rate=100)
        for label_set in ("conditions", "superdiagnostic")
    ]
    for fine, coarse in zip(*both, strict=True):
        assert set(coarse.labels) == {
            CONDITIONS[label].superclass for label in fine.labels if CONDITIONS[label].superclass
        }
    assert simulated.LABEL_SETS["superdiagnostic"] == ptbxl.LABEL_SETS["superdiagnostic"]


def test_ptbxl_reads_the_same_superclasses(roots):
    mine, theirs = (
        source.list_records(roots / "lakeside", label_set="superdiagnostic", sampling_rate=100)
        for source in (simulated, ptbxl)
    )
    assert [info.labels for info in mine] == [info.labels for info in theirs]
    assert [info.patient_id for info in mine] == [info.patient_id for info in theirs]
    assert {info.fold for info in theirs} <= set(range(1, 11))


def test_the_rate_chooses_the_folder(roots):
    for rate in (100, 500):
        infos = simulated.list_records(
            roots / "lakeside", label_set="conditions", sampling_rate=rate
        )
        assert simulated.read_signal(infos[0]).values.shape == (10 * rate, 12)


def test_a_folder_that_is_not_simulated_is_refused(tmp_path):
    for root in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError) as error:
            simulated.list_records(root, label_set="conditions", sampling_rate=100)
        assert str(error.value) == (
            f"{root}: no complete simulated database: it has no valid simulation.json. Write one "
            "with `ecg-keras simulate`, or call it again to finish one."
        )


def test_a_lost_record_is_noticed(roots, tmp_path):
    root = tmp_path / "raw"
    shutil.copytree(roots / "riverside", root)
    (root / "g1" / "RV00007.hea").unlink()
    with pytest.raises(DataError) as error:
        simulated.list_records(root, label_set="conditions", sampling_rate=100)
    assert str(error.value) == (
        f"{root}: 40 records were simulated and 39 are there. Delete the folder and simulate it "
        "again."
    )
