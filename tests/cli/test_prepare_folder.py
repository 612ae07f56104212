"""`ecg-keras prepare` on a hospital's own folder of mixed formats, and what it says is wrong."""

import shutil

import numpy as np
import pytest
from small_folder import write_csv, write_folder

from ecg_keras.data.dataset import read_dataset
from ecg_keras.data.reading import read_shards
from ecg_keras.simulate import simulate
from ecg_keras.sources import read_records

RECIPE = """\
mode: scratch
data:
  source: folder
  raw: {raw}
  shards: {shards}
  seconds: 2
  workers: {workers}
  folder: {{unit: uV, sampling_rate: 500}}
"""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """Fifteen simulated ECGs: twelve as `write_folder` writes them, three as CSV."""
    folder = tmp_path_factory.mktemp("hospital")
    root = folder / "raw"
    simulate(folder / "simulated", hospital="lakeside", records=15)
    read = read_records("simulated", folder / "simulated", sampling_rate=500)
    signals = [np.rint(1000 * record.signal.values).astype("<i2") for record in read]
    write_folder(root, 12, lambda number: signals[number])
    with (root / "labels.csv").open("a") as table:
        for number in range(12, 15):
            write_csv(root / "csv" / f"c{number}.csv", signals[number])
            table.write(f"csv/c{number},p{number},70,F,{number % 2},1\n")
    return root


@pytest.fixture
def prepare(ecg_keras):
    """Prepares the recordings of a folder into shards of another."""

    def run(folder, raw, *options, workers=1):
        folder.mkdir(exist_ok=True)
        recipe = folder / "mine.yaml"
        recipe.write_text(RECIPE.format(raw=raw, shards=folder / "shards", workers=workers))
        return ecg_keras("prepare", recipe, *options)

    return run


def test_every_format_becomes_shards(prepare, hospital, tmp_path):
    answer = prepare(tmp_path, hospital)
    assert answer.code == 0, answer.err
    told = " ".join(answer.err.split())
    assert told.count("is read as file from 'file', patient from 'patient_id', age from") == 1
    assert "labels: AF 7 (such as edf/e1), MI 13 (such as dicom/d2). Left aside: no column" in told
    assert "no column says which" not in told
    (description,) = (tmp_path / "shards").glob("*/dataset.json")
    dataset = read_dataset(description)
    assert (dataset.source, dataset.label_set, dataset.labels) == ("folder", "labels", ("AF", "MI"))
    assert sum(split.records for split in dataset.splits.values()) == 15
    assert not dataset.quarantined and not dataset.dropped and not dataset.duplicates
    assert dataset.settings["folder"]["unit"] == "uV"
    kinds = set()
    for split in dataset.splits:
        for record in read_shards(description.parent, split):
            kinds.add(record.record_id.partition("/")[0])
            number = int(record.record_id.partition("/")[2][1:])
            assert record.patient_id == f"p{number}"
            assert record.labels == ("AF",) * (number % 2) + ("MI",) * (number > 1)
    assert kinds == {"wfdb", "edf", "dicom", "csv"}


@pytest.mark.slow
def test_processes_write_the_same_bytes(prepare, hospital, tmp_path):
    one, two = (tmp_path / name for name in ("one", "two"))
    assert prepare(one, hospital).code == 0
    assert prepare(two, hospital, workers=2).code == 0
    first, second = (
        {file.name: file.read_bytes() for file in folder.rglob("*.tfrecord")}
        for folder in (one, two)
    )
    assert len(first) == 3 and first == second


def test_what_is_wrong_with_a_table_is_told(prepare, hospital, tmp_path):
    raw = shutil.copytree(hospital, tmp_path / "raw")
    table = raw / "labels.csv"
    table.write_text(table.read_text().replace("patient_id", "patient"))
    answer = prepare(tmp_path, raw)
    assert answer.code == 1
    assert "labels.csv: there is no column 'patient_id'" in answer.err
    assert "Did you mean 'patient'?" in answer.err and "scores flatter" in answer.err
    assert prepare(tmp_path, raw, "--set", "data.folder.patient=patient").code == 0
    answer = prepare(tmp_path / "null", raw, "--set", "data.folder.patient=null")
    assert answer.code == 0
    told = " ".join(answer.err.split())
    assert "no column says which recordings are of one person" in told
    assert "Left aside: patient." in told


def test_damaged_files_are_listed_with_their_reasons(prepare, hospital, tmp_path):
    raw = shutil.copytree(hospital, tmp_path / "raw")
    (raw / "edf" / "e1.edf").write_bytes((raw / "edf" / "e1.edf").read_bytes()[:9000])
    (raw / "dicom" / "d2.dcm").unlink()
    answer = prepare(tmp_path, raw)
    assert answer.code == 1
    assert "2 of 15 records can't be used" in answer.err
    assert "edf/e1.edf: truncated or damaged" in answer.err
    assert "dicom/d2.dcm: No such file" in answer.err
    answer = prepare(tmp_path, raw, "--set", "data.quarantine=0.2")
    assert answer.code == 0, answer.err
    assert answer.err.count("2 of 15 records were put into quarantine") == 1
    assert "put into quarantine" not in answer.out and "quarantined 2" in answer.out  # said once
    again = prepare(tmp_path, raw, "--set", "data.quarantine=0.2")
    assert again.out.count("2 of 15 records were put into quarantine") == 1


def test_a_recipe_is_checked_before_the_table_is_there(ecg_keras, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("mode: scratch\ndata: {source: folder, raw: nowhere}\n")
    assert ecg_keras("recipe", "check", recipe).code == 0
    answer = ecg_keras("recipe", "check", recipe, "--set", "data.label_set=rhythm")
    assert answer.code == 2
    assert "source folder has the labels of its table: remove label_set" in answer.err


def test_a_label_that_no_test_record_has_stops_before_training(ecg_keras, hospital, tmp_path):
    raw = shutil.copytree(hospital, tmp_path / "raw")
    table = raw / "labels.csv"
    head, *rows = table.read_text().splitlines()
    rows = [",".join([*row.split(",")[:-2], "1", str(n % 2)]) for n, row in enumerate(rows)]
    table.write_text("\n".join([head, *rows]) + "\n")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        RECIPE.format(raw=raw, shards=tmp_path / "shards", workers=1).replace(
            "unit: uV", "labels: [AF], unit: uV"
        )
        + "training: {phases: [{epochs: 1}]}\nrun: runs/mine\n"
    )
    for _ in range(2):  # and again, where everything else is done
        answer = ecg_keras("train", recipe)
        assert answer.code == 1
        assert "found anomalies (3):" in answer.err
        assert "train: labels: no label is present in some of its" in answer.err
        assert "(AF in" in answer.err and "nothing can be learnt" in answer.err
        assert not list(tmp_path.rglob("model.keras"))
