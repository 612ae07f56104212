"""One table of metrics: recipes, the command line, logs and the documentation derive from it."""

import re
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from ecg_keras.cli import cli
from ecg_keras.config.metric_names import Chooser, MetricName, Selection
from ecg_keras.metrics import FURTHER, METRICS, score_name
from ecg_keras.metrics.table import TABLE
from ecg_keras.study.study_arm import LOGGED
from ecg_keras.training.checkpoint import SELECT

ROOT = Path(__file__).resolve().parents[2]


def test_names_and_titles_are_all_different():
    assert len({row.name for row in TABLE}) == len({row.title for row in TABLE}) == len(TABLE)
    assert [*METRICS, *FURTHER] == [row.name for row in TABLE]


def test_what_selects_is_better_where_it_is_higher():
    assert not any(row.lower_is_better for row in METRICS.values())


def test_a_score_of_another_version_keeps_its_name():
    assert score_name("macro_youden") == "macro youden"


def test_recipes_and_logs_take_every_metric_that_selects():
    assert get_args(MetricName) == tuple(METRICS)
    assert get_args(Chooser) == (*METRICS, "calibrated_loss")
    assert get_args(Selection) == tuple(SELECT)
    assert {SELECT[f"best_{name}"] for name in METRICS} == {
        (f"val_{name}", True) for name in METRICS
    }
    assert {name: f"val_{name}" for name in METRICS} == LOGGED


def test_the_command_line_takes_every_metric_that_selects():
    text = CliRunner().invoke(cli, ["compare", "--help"]).output
    assert f"[{'|'.join(METRICS)}]" in re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    ("page", "key"),
    [
        ("recipes.md", "training.select"),
        ("recipes.md", "tune.by"),
        ("recipes.md", "evaluation.metric"),
        ("study.md", "question.metric"),
    ],
)
def test_the_pages_of_the_recipes_lead_to_the_table(page, key):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{re.escape(key)}` \|.*$", text, re.MULTILINE)
    assert "](statistics.md#scores)" in row
