"""A run folder with its baseline and shards, written by the test, with labels that need care."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from lake import hospital

from ecg_keras import evaluation
from ecg_keras.config import Data, Recipe, dump_recipe
from ecg_keras.data import Duplicates, LeftOut, prepare, read_shards
from ecg_keras.json_files import write_json
from ecg_keras.training import Run

LOG = "epoch,phase,learning_rate,loss,val_loss,val_macro_auroc,val_macro_auprc,seconds"


def predictions(shards, split, skill):
    """The targets of a split, and probabilities that are right by ``skill``."""
    records = list(read_shards(shards, split))
    targets = np.stack([record.target for record in records])
    noise = np.random.default_rng(len(split)).normal(size=targets.shape)
    logits = skill * (2.0 * targets - 1) + noise
    return evaluation.Predictions(
        hospital.LABELS,
        [record.record_id for record in records],
        [record.patient_id for record in records],
        targets,
        1 / (1 + np.exp(-logits)),
    )


def write_run(folder, shards, dataset, mode, skill):
    run = Run(folder)
    folder.mkdir()
    extra = {"initialise": {"from": "upstream.yaml"}} if mode == "finetune" else {}
    recipe = Recipe.model_validate(
        {
            "mode": mode,
            "data": {"source": "lake.hospital", "raw": "raw"},
            "training": {"phases": [{"epochs": 3, "train_from": "head"}, {"epochs": 7}]},
            **extra,
        }
    )
    run.recipe.write_text(dump_recipe(recipe), encoding="utf-8")
    run.dataset.write_text(dataset.dump(), encoding="utf-8")
    write_json(run.environment, {"python": "3.11", "devices": "<CPU>"})
    run.write_status(
        state="trained",
        name=folder.name,
        mode=mode,
        shards=str(shards),
        best_epoch=8,
        num_parameters=8_744_581,
        seconds=90.0,
    )
    with run.log.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(LOG.split(","))
        for epoch in range(1, 11):
            score = "" if epoch == 2 else 0.9 - 0.3 * math.exp(-epoch / 3)
            rows.writerow([epoch, 1 + (epoch > 3), 1e-3, 0.7 / epoch, 0.8 / epoch, score, 0.5, 9])
    test, valid = (predictions(shards, split, skill) for split in ("test", "valid"))
    test.save(run.predictions("test"))
    valid.save(run.predictions("valid"))
    evaluation.evaluate(test, valid, bootstrap=100).save_json(run.scores)
    return run


@pytest.fixture(scope="session")
def made_run(tmp_path_factory):
    """A fine-tuned run, its baseline beside it, and the shards. Copy it to change it."""
    root = tmp_path_factory.mktemp("report")
    raw, shards = root / "raw", root / "shards"
    raw.mkdir()
    made = prepare(Data(source="lake.hospital", raw=raw), shards)
    dataset = replace(
        made,
        dropped=tuple(LeftOut(f"d{number}", "too short") for number in range(25)),
        quarantined=(LeftOut("q1", "lead V1 is <flat>"),),
        duplicates=(Duplicates(("train07", "test03"), ("train", "test")),),
    )
    run = write_run(root / "lake_finetune", shards, dataset, "finetune", 1.5)
    baseline = write_run(root / "lake_scratch", shards, dataset, "scratch", 0.4)
    evaluation.compare(
        evaluation.Predictions.load(run.predictions("test")),
        evaluation.Predictions.load(baseline.predictions("test")),
        names=(run.name, baseline.name),
        bootstrap=100,
    ).save_json(run.comparison)
    run.write_status(baseline_run=str(baseline.folder))
    return run
