"""A recipe key that a version adds, off by default, or a metric makes nothing stale."""

import json
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from test_golden import train

from ecg_keras import evaluation, metrics, report
from ecg_keras.config import Data, Evaluation, Training, data_sections, load_study, recipe_sections
from ecg_keras.config.values import Settings
from ecg_keras.errors import ConfigError
from ecg_keras.study import list_cells, snapshot
from ecg_keras.study.running import check_unchanged

pytestmark = pytest.mark.parametrize("golden", ["3b08258-moved"], indirect=True, scope="module")

SECTIONS = [
    one
    for one in {**vars(data_sections), **vars(recipe_sections)}.values()
    if isinstance(one, type) and issubclass(one, Settings)
]
# of our own files, those with one record of several fields; scores are tested where they are made
RECORDS = (
    "dataset.json",
    "status.json",
    "leaks.json",
    "environment.json",
    "validation.json",
    "progress.json",
    "cell.json",
)
NEW = ((Data, "denoise"), (Training, "lookahead"), (Evaluation, "folds_of"))


def rebuild():
    for section in SECTIONS:
        section.model_rebuild(force=True)


@pytest.fixture
def newer(monkeypatch):
    """A version with three further keys and a further metric."""
    for section, name in NEW:
        fields = section.__pydantic_fields__
        monkeypatch.setitem(fields, name, FieldInfo(annotation=bool, default=False))
    rebuild()
    monkeypatch.setitem(metrics.METRICS, "macro_new", metrics.METRICS["macro_f1"])
    yield
    monkeypatch.undo()
    rebuild()


def test_no_run_is_made_again(golden, newer):
    assert train("scratch") == train("finetune") == []


def test_a_study_stays_finished(golden, newer):
    plan = list_cells(load_study("study.yaml"))
    assert snapshot(plan).counts["done"] == len(plan.cells)
    check_unchanged(plan, plan.cells)


def test_a_key_that_is_switched_on_is_told(golden, newer):
    path = Path("scratch.yaml")
    path.write_text(path.read_text().replace("batch_size: 16", "batch_size: 16, lookahead: true"))
    with pytest.raises(ConfigError, match=r"other settings: training\.lookahead: False -> True\."):
        train("scratch")
    path.write_text(path.read_text().replace(", lookahead: true", ""))


def test_further_fields_are_passed_over(golden):
    files = [path for name in RECORDS for path in Path().glob(f"**/{name}")]
    for path in files:
        tree = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**tree, "of_a_later_version": {"x": [1]}}), encoding="utf-8")
    assert {path.name for path in files} == set(RECORDS)
    assert train("scratch") == train("finetune") == []
    assert train("stopped") == ["train stopped", "evaluate stopped", "report stopped"]
    plan = list_cells(load_study("study.yaml"))
    assert snapshot(plan).counts["done"] == len(plan.cells)


def test_scores_that_lack_a_metric_are_read(golden, newer):
    scores = evaluation.Scores.load_json(Path("runs/finetune/scores.json"))
    assert scores.summary["macro_new"] is None and scores.summary["macro_auroc"] is not None
    assert evaluation.Comparison.load_json(Path("runs/finetune/comparison.json")).metric
    report.write_report("runs/finetune")
