"""`ecg-keras predict` and `embed`, as a user types them."""

import inspect
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from ecg_keras.attribution import explain_recordings
from ecg_keras.cli.asking_options import _count_workers
from ecg_keras.cli.explain_command import explain
from ecg_keras.models import load_model
from ecg_keras.signals import LEADS


@pytest.fixture
def here(project, tmp_path):
    """A finished run and a few of its hospital's recordings, in the current folder."""
    shutil.copytree(project / "runs" / "finetune", tmp_path / "run")
    (tmp_path / "in").mkdir()
    for path in sorted((project / "raw/down").glob("g1/RV000[0-3]?.*")):
        shutil.copy(path, tmp_path / "in")
    return tmp_path


def test_a_few_files_are_read_in_this_process(tmp_path):
    for few in (["a.csv"], [f"{one}.csv" for one in range(16)], ["http://x"]):
        assert _count_workers(4, few) == 1
    for many in (["*.csv"], ["rec?.csv"], ["rec[0-9].csv"], [f"{tmp_path}"], ["a.csv"] * 17):
        assert _count_workers(4, many) == 4


def test_a_folder_is_answered_with_a_table_a_file_and_a_page(ecg_keras, here):
    answer = ecg_keras(
        "predict", "run", "in", "--out", "a.jsonl", "--page", "a.html", "--page-ecgs", 2
    )
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    rows = [json.loads(line) for line in (here / "a.jsonl").read_text().splitlines()]
    assert lines[0].split()[0] == "recording"
    assert lines[-1].startswith(f"{len(rows)} recordings: ")
    assert lines[1].startswith(rows[0]["record_id"])
    page = (here / "a.html").read_text()
    assert page.count("<svg") == page.count("Marked: what speaks for and against") == 2
    assert not (here / "a.jsonl.part").exists()


def test_what_answers_rest_on_is_printed_written_and_drawn(ecg_keras, here):
    (here / "two").mkdir()
    for path in sorted((here / "in").iterdir())[:4]:  # headers and signals
        shutil.copy(path, here / "two")
    (here / "two" / "sites.csv").write_text("name,site\nx,north wing\n")
    answer = ecg_keras(
        "explain",
        "run",
        "two",
        "--label",
        "MI",
        "--steps",
        8,
        "--out",
        "a.npz",
        "--page",
        "a.html",
    )
    assert answer.code == 0, answer.err
    assert "! 1 table of texts or ids left out, which hold no samples: " in answer.err
    lines = answer.out.splitlines()
    assert lines[0].split() == ["recording", "label", "probability", "where"]
    assert lines[1].split()[1] == "MI" and "%" in lines[1]
    assert {"a.npz", "a.html"} <= set(lines)
    with np.load(here / "a.npz") as file:
        assert file["attributions"].shape == file["signals"].shape == (2, 200, 12)
        assert file["labels"].tolist() == ["MI", "MI"]
    page = (here / "a.html").read_text()
    assert page.count("Marked: what speaks for and against MI") == 2
    assert "share of the largest: integrated gradients for MI" in page
    assert "flagged beyond a distance that" in page
    answer = ecg_keras("explain", "run", "two", "--label", "HYPE")
    assert answer.code == 2 and "no label named 'HYPE'" in answer.err


def test_explain_asks_as_few_at_once_as_its_function():
    given = inspect.signature(explain_recordings).parameters["batch_size"].default
    assert [one.default for one in explain.params if one.name == "batch_size"] == [given]


def test_a_file_that_can_not_be_read_is_told_with_exit_code_1(ecg_keras, here):
    (here / "x.edf").write_text("junk")
    first = sorted((here / "in").glob("*.hea"))[0]
    answer = ecg_keras("predict", "run", first, "x.edf")
    assert answer.code == 1
    assert "2 recordings: 1 answered, 0 abstained, 1 unreadable" in answer.out
    assert answer.err.startswith("! x.edf: no EDF file")


def test_an_abstention_is_an_answer_of_exit_code_0(ecg_keras, here):
    first = sorted((here / "in").glob("*.hea"))[0]
    first.write_text(first.read_text().replace(" 1000/mV", " 100/mV").replace("1000.0", "100.0"))
    answer = ecg_keras("predict", "run", first)
    assert answer.code == 0
    assert "0 answered, 1 abstained" in answer.out


def test_what_is_wrong_with_a_command_is_one_line(ecg_keras, here):
    for words, code, message in (
        (["gone", "in"], 1, "gone: no such model"),
        (["run", "nothing/*.csv"], 1, "no file has such a name"),
        (["run", "in", "--out", "a.xlsx"], 2, "the ending of its name says the format"),
        (["run", "in", "--lead-names", "x"], 2, "--lead-names takes NAME=LEAD"),
        (["run", "in", "--model-rate", "100"], 2, "says its labels, leads and sampling rate"),
    ):
        answer = ecg_keras("predict", *words)
        assert answer.code == code, answer
        assert message in answer.err


def test_embeddings_of_shards_have_a_row_for_each_record(ecg_keras, here, project):
    (shards,) = [
        path
        for path in (project / "shards").glob("[!.]*")
        if json.loads((path / "dataset.json").read_text())["fingerprint"]
        == json.loads((here / "run/dataset.json").read_text())["fingerprint"]
    ]
    answer = ecg_keras("embed", "run", shards, "e.parquet", "--split", "valid")
    assert answer.code == 0, answer.err
    table = pd.read_parquet(here / "e.parquet")
    counts = json.loads((shards / "dataset.json").read_text())["splits"]
    assert len(table) == counts["valid"]["records"]
    width = load_model(here / "run").get_layer("head").input.shape[-1]
    assert {len(one) for one in table.embedding} == {width}
    assert set(table.split) == {"valid"}


def test_a_lone_file_needs_no_labels_for_embeddings(ecg_keras, here):
    shutil.copy(here / "run/model.keras", here / "lone.keras")
    answer = ecg_keras("embed", "lone.keras", "in", "e.parquet")
    assert answer.code == 2 and "Say so with --model-leads and --model-rate (leads" in answer.err
    first = sorted((here / "in").glob("*.hea"))[0]
    said = ["--model-leads", ",".join(LEADS), "--model-rate", 100]
    answer = ecg_keras("embed", "lone.keras", first, "e.jsonl", *said)
    assert answer.code == 0, answer.err
    width = load_model(here / "run").get_layer("head").input.shape[-1]
    assert len(json.loads((here / "e.jsonl").read_text())["embedding"]) == width
