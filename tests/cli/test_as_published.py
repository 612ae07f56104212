"""A run as published, with the weaknesses of that protocol, and folds of the same records."""

import json

import pytest
from sklearn.metrics import f1_score

from ecg_keras import data
from ecg_keras.evaluation import Predictions
from ecg_keras.training import Run, read_log

pytestmark = pytest.mark.usefixtures("without_tfdv")
DATA = """\
data:
  source: simulated
  raw: {raw}
  simulate: {{hospital: {hospital}, records: {records}}}
  label_set: superdiagnostic
  sampling_rate: 50
  seconds: 4
  resample: decimate
"""
TRAINING = """\
model: {{backbone: gru, head: pooled, scaling: {scaling}}}
training:
  batch_size: 16
  epsilon: 1e-8
  validate_on: test
  select: best_weighted_f1
  phases: [{{epochs: {epochs}, learning_rate: 0.01}}]
evaluation: {{thresholds: {thresholds}, bootstrap: 100}}
"""
PUBLISHED = "  split: {method: records, valid: 0, test: 0.33, seed: 1}\n  leaks: allow\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two recipes: an upstream scaled per record, and an unscaled fine-tuning from it."""
    folder = tmp_path_factory.mktemp("as_published")
    up = DATA.format(raw=folder / "raw" / "up", hospital="riverside", records=40)
    down = DATA.format(raw=folder / "raw" / "down", hospital="lakeside", records=70)
    (folder / "up.yaml").write_text(
        "mode: pretrain\n"
        + up
        + PUBLISHED
        + TRAINING.format(scaling="minmax", epochs=1, thresholds="validation")
    )
    (folder / "down.yaml").write_text(
        "mode: finetune\n"
        + down
        + "  train_records: 30\n  subset: first\n"
        + PUBLISHED
        + "initialise: {from: up.yaml, scaling: own}\n"
        + TRAINING.format(scaling="none", epochs=3, thresholds="fixed")
    )
    return folder


def test_a_run_as_published_says_what_flatters_it(ecg_keras, folder, monkeypatch):
    monkeypatch.chdir(folder)
    answer = ecg_keras("train", "down.yaml")
    assert answer.code == 0, answer.err
    assert answer.err.count(" test AUROC 0.") == 4 and "valid AUROC" not in answer.err
    run, up = folder / "runs" / "down", folder / "runs" / "up"
    dataset = data.read_dataset(run / "dataset.json")
    assert [split.records for split in dataset.splits.values()] == [46, 0, 24]
    assert dataset.shared_patients > 0
    assert f"{dataset.shared_patients} patients have records in more than one split" in answer.err
    assert not (run / "predictions" / "valid.npz").exists()

    test = Predictions.load(run / "predictions" / "test.npz")
    logged = [float(row["val_weighted_f1"]) for row in read_log(run / "log.csv")]
    best = f1_score(test.targets, test.probabilities >= 0.5, average="weighted", zero_division=0)
    assert max(logged) == pytest.approx(best, abs=1e-5)
    scores = json.loads((run / "scores.json").read_text())
    assert scores["summary"]["weighted_f1"]["value"] == pytest.approx(best)
    assert set(scores["thresholds"].values()) == {0.5}
    assert json.loads((up / "scores.json").read_text())["thresholds_from"] == "test"

    page = (run / "report.html").read_text()
    assert "The test split itself chose the epoch, as in the published protocol" in page
    assert "drawn by record, without regard to patients" in page
    assert "chose the epoch and the thresholds" in (up / "report.html").read_text()

    shown = ecg_keras("evaluate", "runs/down")
    assert shown.code == 0 and "Every label's threshold is 0.5." in shown.out
    shards = Run(run).read_place("shards")
    elsewhere = ecg_keras("evaluate", "runs/up", "--shards", shards, "--bootstrap", 100)
    assert elsewhere.code == 0, elsewhere.err
    assert ecg_keras("evaluate", "runs/up", "--shards", shards, "--split", "valid").err.count(
        "the valid split has no record"
    )


def test_over_all_folds_every_record_is_tested_once(ecg_keras, folder, monkeypatch):
    monkeypatch.chdir(folder)
    sound = "data.split={{method: patients, folds: 3, fold: {}}}"
    settings = [
        "--set",
        "training.validate_on=valid",
        "--set",
        "data.shards=folds",
        "--set",
        "run=x",
    ]
    tested = []
    for fold in range(3):
        answer = ecg_keras("prepare", "down.yaml", *settings, "--set", sound.format(fold))
        assert answer.code == 0, answer.err
        (shards,) = {*(folder / "folds").glob("[!.]*")} - {path for path, _ in tested}
        assert data.describe(shards).shared_patients == 0
        tested.append((shards, list(data.read_shards(shards, "test"))))
    records = [one.record_id for _, fold in tested for one in fold]
    patients = [{one.patient_id for one in fold} for _, fold in tested]
    assert len(records) == len(set(records)) == 70
    assert sum(map(len, patients)) == len(set.union(*patients)) < 70
    wrong = ecg_keras("train", "down.yaml", *settings, "--set", sound.format(3))
    assert wrong.code == 2
    assert "fold must be 0 to 2, as there are 3 folds. Received: 3." in wrong.err
