"""docs/statistics.md names every score and every field of the files."""

import dataclasses
from pathlib import Path

import pytest

from ecg_keras.evaluation import Comparison, LabelDifference, LabelResult, Scores
from ecg_keras.metrics import FURTHER, METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*METRICS, *FURTHER])
def test_every_summary_score_is_explained(name):
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        (Scores, "`scores.json`:"),
        (LabelResult, "`scores.json`:"),
        (Comparison, "`comparison.json`:"),
        (LabelDifference, "`comparison.json`:"),
    ],
)
def test_every_field_of_the_files_is_explained(kind, heading):
    table = PAGE.split(heading)[1].split("\n\n")[1]
    for field in dataclasses.fields(kind):
        assert f"`{field.name}`" in table or f'"{field.name}"' in table, field.name
