"""The tables of a study say what its result says, in files that read back."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from study_example import LONG, bare, study

from ecg_keras.report.study_page import study_parts
from ecg_keras.report.study_verdicts import comparisons_table
from ecg_keras.report.study_view import StudyView
from ecg_keras.report.table_files import write_tables
from ecg_keras.report.tables import cell_text

NAMES = (
    *("comparisons", "diagnostics", "arms", "labels", "differences", "convergence", "protocols"),
    *("families", "controls", "learning_curves", "label_efficiency", "transferability"),
    *("ledger", "tuning", "findings", "failures", "group_gains", "decision_curves"),
)


@pytest.fixture(scope="module")
def result():
    return study()


def study_tables(result):
    return [table for part in study_parts(StudyView(result)) for table in part.tables]


def read(folder, name):
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_table_is_written_three_ways_with_the_same_bytes_each_time(result, tmp_path):
    first = write_tables(study_tables(result), tmp_path / "one")
    second = write_tables(study_tables(result), tmp_path / "two")
    assert sorted(path.name for path in first) == sorted(
        f"{name}.{ending}" for name in NAMES for ending in ("csv", "md", "tex")
    )
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(p.name for p in first)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_csvs_hold_the_results_numbers(result, tmp_path):
    write_tables(study_tables(result), tmp_path)
    compared = read(tmp_path, "comparisons")
    assert len(compared) == len(result.comparisons) == 48
    for row, one in zip(compared, result.comparisons, strict=True):
        assert (row["downstream"], row["mode"], row["upstream"]) == (
            *(one.arm.downstream, one.arm.mode, one.arm.upstream),
        )
        assert row["size"] == (str(one.arm.size) if one.arm.size else "all")
        assert float(row["difference"]) == one.contrast.value
        assert float(row["difference_high"]) == one.contrast.high
        assert float(row["p_holm"]) == one.verdict.p_value
        assert row["verdict"] == one.verdict.word
        reference = result.arms[one.reference].scores["macro_auroc"]
        assert float(row["reference_score_low"]) == reference.low
    arms = read(tmp_path, "arms")
    assert len(arms) == len(result.arms)
    assert {row["protocol"] for row in arms} == {name.protocol for name in result.arms}
    labels = read(tmp_path, "labels")
    assert len(labels) == sum(len(one.labels) for one in result.comparisons)
    undefined = [row for row in labels if row["label"] == "never"]
    assert undefined and all(row["auroc"] == row["p_delong"] == "" for row in undefined)
    speed = read(tmp_path, "convergence")
    assert {row["epochs"] for row in speed} == {"", "3.0"}
    shifts = read(tmp_path, "protocols")
    assert {row["against"] for row in shifts} == {"sound"}
    assert float(shifts[0]["shift"]) == result.shifts[0].contrast.value
    assert float(shifts[0]["before_low"]) == result.shifts[0].before.low
    curves = read(tmp_path, "learning_curves")
    assert {row["crossover_high"] for row in curves} == {"", "inf"}
    worth = read(tmp_path, "label_efficiency")
    assert [float(worth[0][f"equal_records{end}"]) for end in ("", "_low", "_high")] == [
        120,
        80,
        210,
    ]
    assert [float(worth[0][f"factor{end}"]) for end in ("", "_low", "_high")] == [2.4, 1.6, 4.2]
    assert worth[1]["factor"] == worth[1]["factor_high"] == "inf"
    ledger = read(tmp_path, "ledger")
    assert float(ledger[0]["with_share"]) == 50 + 5400 / 4
    assert {row["saved"] for row in ledger} == {"", "21.25"}
    assert read(tmp_path, "failures") == [
        {"run": result.failures[0][0], "error": "loss is NaN after step 12 <lr 0.01>"}
    ]


def test_a_study_without_more_than_comparisons_writes_headings(result, tmp_path):
    write_tables(study_tables(bare(result)), tmp_path)
    without = ("protocols", "families", "controls", "learning_curves", "label_efficiency")
    for name in (*without, "transferability", "findings"):
        assert read(tmp_path, name) == []
        assert (tmp_path / f"{name}.tex").read_text("utf-8").count(r"\midrule") == 1


def test_the_caption_says_how_many_were_corrected_for(result):
    assert (
        "corrected for the study's 48 comparisons"
        in comparisons_table(StudyView(result), ()).caption
    )


def test_the_best_arm_is_sought_on_the_largest_training_set(result):
    best = result.best
    assert list(best) == ["ptbxl", "ludb_sinus_rhythm_only"]
    for downstream, one in best.items():
        assert one.arm.size == 0
        scores = [
            result.arms[other.arm].scores["macro_auroc"].value
            for other in result.comparisons
            if (other.arm.downstream, other.arm.size) == (downstream, 0)
        ]
        assert result.arms[one.arm].scores["macro_auroc"].value == max(scores)


def test_a_group_names_the_size_only_where_sizes_differ(result):
    name = replace(next(iter(result.arms)), size=0, head="pooled")
    assert StudyView(result).group_title(name) == "resnet1d18, pooled head, all ECGs"
    assert StudyView(result).group_title(replace(name, size=1200)) == (
        "resnet1d18, pooled head, 1,200 ECGs"
    )
    whole = StudyView(study(sizes=(0,), protocols=("sound",)))
    assert whole.group_title(name) == "resnet1d18, pooled head"


def test_one_column_names_an_arm_and_only_what_tells_rows_apart(result):
    few = [one for one in result.comparisons if one.arm.downstream == "ptbxl"]
    table = comparisons_table(StudyView(result), few).for_page()
    assert table.columns[0].key == "arm" and len(table.rows) == len(few)
    named = cell_text("way", table.rows[0][0])
    assert named == "linear_probe from georgia, resnet1d18, 50 ECGs"
    assert "downstream" not in {column.key for column in table.columns}


def test_all_tables_hold_a_value_for_every_column(result):
    for table in study_tables(result):
        assert all(len(row) == len(table.columns) for row in table.rows), table.name
        keys = [column.key for column in table.columns]
        assert len(keys) == len(set(keys))
    (labels,) = [table for table in study_tables(result) if table.name == "labels"]
    assert LONG in {row[7] for row in labels.rows}


def test_the_docs_name_every_table(result):
    docs = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    for table in study_tables(result):
        assert f"`{table.name}`" in docs, table.name
