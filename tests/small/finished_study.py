"""A study whose runs are finished without training: predictions are drawn with a planted skill."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecg_keras.config import load_study, run_settings
from ecg_keras.data.dataset import Dataset, SplitSummary
from ecg_keras.evaluation import Predictions
from ecg_keras.json_files import write_json
from ecg_keras.study import Cell, StudyPlan, list_cells
from ecg_keras.workflow import evaluation_mark

LABELS = ("NORM", "MI", "CD")
RECIPE = """\
base: {training: {phases: [{epochs: 4}]}}
upstreams:
  georgia: {data: {source: georgia}}
downstreams:
  ludb: {data: {source: ludb, label_set: superdiagnostic}}
modes:
  scratch: {start: random}
  finetune: {}
"""


def list_study(folder: Path, more: str, finetune: str = "{}") -> StudyPlan:
    """The plan of the recipe above with further lines; ``finetune`` is what that mode sets."""
    path = folder / "study.yaml"
    text = RECIPE.replace("finetune: {}", f"finetune: {{recipe: {finetune}}}")
    path.write_text(f"{text}{more}\nfolder: {folder / 'study'}\n", encoding="utf-8")
    return list_cells(load_study(path))


def finish(
    plan: StudyPlan, skill: Callable[[Cell], float], *, records: int = 240, skip: tuple = ()
) -> None:
    """Writes what a finished run leaves for each cell but those in ``skip``.

    Args:
        plan: of the study.
        skill: how far a cell's scores of the positives lie above those of the negatives.
        records: tested in each fold.
        skip: names of cells that stay unfinished.
    """
    for number, cell in enumerate(plan.cells):
        if cell.name in skip:
            continue
        run, start = cell.run, cell.recipe.initialise
        run.folder.mkdir(parents=True)
        rng = np.random.default_rng(1000 + number)
        for split in ("valid", "test"):
            _predict(cell, split, skill(cell), records, rng).save(run.predictions(split))
        run.scores.write_text("{}")
        run.dataset.write_text(_dataset(cell, records).dump())
        run.write_status(
            state="trained",
            seconds=100.0 if cell.kind == "pretrain" else 20.0,
            shards=str(run.folder.parent / "shards"),
            fingerprint=cell.name,
            settings=run_settings(cell.recipe),
            upstream=None if start is None else Path(start.from_).name,
        )
        with run.log.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["epoch", "phase", "val_macro_auroc", "seconds"])
            for epoch in range(1, 5):
                rows.writerow([epoch, 1, 0.5 + 0.1 * skill(cell) * epoch / 4, 5.0])


def finish_cell(cell: Cell, **changes) -> None:
    """Leaves what a finished cell leaves."""
    run = cell.run
    run.folder.mkdir(parents=True, exist_ok=True)
    run.model.touch()
    run.scores.touch()
    mark = evaluation_mark("abc", cell.recipe.evaluation)
    status = {"state": "trained", "settings": run_settings(cell.recipe), "fingerprint": "abc"}
    upstream = None if cell.recipe.initialise is None else "abc"
    write_json(run.status, status | {"evaluated": mark, "upstream": upstream} | changes)


def _predict(cell: Cell, split: str, skill: float, records: int, rng) -> Predictions:
    """All runs of a fold test the same records; only what is said of them differs."""
    fold = cell.fold or 0
    same = np.random.default_rng(fold)
    targets = same.random((records, len(LABELS))) < 0.3
    ease = same.normal(size=(records, len(LABELS)))
    logits = skill * targets + 0.8 * ease + 0.6 * rng.normal(size=targets.shape)
    ids = [f"{split}{fold}-{i}" for i in range(records)]
    return Predictions(LABELS, ids, ids, targets, 1 / (1 + np.exp(-logits)))


def _dataset(cell: Cell, records: int) -> Dataset:
    counts = dict.fromkeys(LABELS, records // 3)
    return Dataset(
        source=cell.recipe.data.source,
        label_set="superdiagnostic",
        labels=LABELS,
        leads=("I", "II"),
        sampling_rate=100.0,
        num_samples=1000,
        splits={
            name: SplitSummary(size, size, counts, {}, {})
            for name, size in (("train", 1000), ("valid", records), ("test", records))
        },
        dropped=(),
        quarantined=(),
        duplicates=(),
        settings={},
        fingerprint=cell.recipe.data.source,
        raw_digest="",
    )
