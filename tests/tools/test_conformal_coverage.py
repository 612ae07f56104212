"""The script that measures sets of answers: rows of simulations, and of runs."""

import re

import numpy as np
import pytest

from ecg_keras.evaluation import Predictions


def test_patients_with_many_ecgs_are_drawn_together(script):
    rng = np.random.default_rng(0)
    truth, probabilities, patients = script.draw(rng, 200, 0.3, "1 or 10-30")
    assert truth.shape == probabilities.shape == (len(patients), 1)
    assert set(np.bincount(patients).tolist()) <= {1, *range(10, 31)}
    for one in range(200):
        assert len(set(truth[patients == one, 0].tolist())) == 1
    _, _, alone = script.draw(rng, 50, 0.3, "one")
    assert alone.tolist() == list(range(50))
    held = np.array([True, False, True])
    assert script.mean_share(held, np.array([7, 7, 9])) == 0.75


def test_each_way_has_a_row_with_its_error(script, monkeypatch):
    monkeypatch.setattr(script, "REPEATS", 3)
    monkeypatch.setattr(script, "NEW", 100)
    header, _, *rows = script.simulate()
    assert len(rows) == 5 * len(script.WAYS)
    for row in rows:
        assert row.count("|") == header.count("|")
        assert re.search(r"\| \d+\.\d ± \d+\.\d % \|", row)


def test_the_test_patients_of_runs_are_counted_once_each(script, tmp_path):
    rng = np.random.default_rng(0)
    folders = [tmp_path / "fold0", tmp_path / "fold1"]
    for folder in folders:
        (folder / "predictions").mkdir(parents=True)
        for split in ("valid", "test"):
            targets = rng.integers(0, 2, (80, 1))
            logits = 2 * targets - 1 + rng.normal(size=(80, 1))
            names = np.array([f"{folder.name}-{split}-{number}" for number in range(80)])
            Predictions(
                record_ids=names,
                patient_ids=names,
                targets=targets.astype(np.float32),
                probabilities=(1 / (1 + np.exp(-logits))).astype(np.float32),
                labels=("MI",),
            ).save(folder / f"predictions/{split}.npz")
    _, _, row = script.measure(folders)
    label, _, present, absent, *_ = (cell.strip() for cell in row.strip("|").split("|"))
    assert label == "MI"
    counted = [int(re.search(r"\((\d+)\)$", cell)[1]) for cell in (present, absent)]
    assert sum(counted) == 160
    shares = [float(cell.split()[0]) for cell in (present, absent)]
    assert shares == pytest.approx([90, 90], abs=15)
