"""Upstreams that are there already: published weights and runs, as a study starts from them."""

import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from published_weights import publish
from studies import MODES, run_here, simulated, study_plan, tiny

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.report import write_study
from ecg_keras.study import gather, given_upstreams
from ecg_keras.training import Run
from ecg_keras.workflow import import_weights

pytestmark = pytest.mark.usefixtures("without_tfdv")
SIGNALS = {"data": {"label_set": "superdiagnostic", "split": {"method": "patients"}}}
ONCE = {"training": {"batch_size": 16, "phases": [{"epochs": 1}]}}


@pytest.fixture
def theirs(tmp_path):
    publish(tmp_path)
    return tmp_path / "theirs.pt"


def listed(tmp_path, theirs, **sections):
    given = {
        "base": SIGNALS | ONCE,
        "upstreams": {"theirs": {"from": str(theirs)}, "lake": simulated("lakeside", 60)},
        "downstreams": {"river": simulated("riverside", 80)},
        "grid": {"seeds": [0], "backbones": ["resnet1d18", "gru"]},
        "folder": str(tmp_path / "study"),
    }
    return study_plan(tmp_path, **given | sections)


def import_here(plan):
    """The run of the published weights, made without a process of its own."""
    given = plan.given["theirs"]
    return import_weights(given.path, given.run.folder).run


def test_they_start_runs_of_their_network_alone_and_all_of_these_have_their_signals(
    tmp_path, theirs
):
    plan = listed(tmp_path, theirs)
    recipes = {cell.name: cell.recipe for cell in plan.cells}
    assert set(recipes) == {
        "pretrain-lake-resnet1d18-s0",
        "pretrain-lake-gru-s0",
        "river-resnet1d18-scratch-s0",
        "river-resnet1d18-finetune-from-theirs-s0",
        "river-resnet1d18-finetune-from-lake-s0",
        "river-gru-scratch-s0",
        "river-gru-finetune-from-lake-s0",
    }
    for name, recipe in recipes.items():
        theirs_too = "resnet1d18" in name
        assert recipe.data.sampling_rate == (25 if theirs_too else 100), name
        assert (recipe.model.preprocessing.unit == "uV") is theirs_too, name
    start = recipes["river-resnet1d18-finetune-from-theirs-s0"].initialise
    assert start.from_ == str(plan.given["theirs"].run.folder)
    assert plan.given["theirs"].run.folder.parent == tmp_path / "study" / "runs" / "imported"


@pytest.mark.parametrize("imported", [False, True])
def test_they_start_no_run_of_a_head_that_their_weights_are_not_for(tmp_path, theirs, imported):
    if imported:
        theirs = import_here(listed(tmp_path, theirs)).folder
    grid = {"seeds": [0], "upstreams": ["theirs"], "heads": ["as_published", "mean_max"]}
    plan = listed(tmp_path, theirs, grid=grid)
    started = {cell.recipe.model.head: cell.recipe.mode for cell in plan.cells}
    heads = [cell.recipe.model.head for cell in plan.cells if cell.recipe.mode == "finetune"]
    assert heads == ["as_published"] and started["mean_max"] == "scratch"


@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize(("seen", "source"), [("ludb", "ludb"), ("challenge", "ptbxl")])
def test_a_database_that_they_have_seen_is_left_out(tmp_path, seen, source, imported):
    theirs, _ = publish(tmp_path, changes=[("database: Elsewhere", f"database: {seen}")])
    if imported:
        theirs = import_weights(theirs, tmp_path / "runs" / "theirs").run.folder
    plan = listed(
        tmp_path,
        theirs,
        downstreams={"seen": {"data": {"source": source}}, "river": simulated("riverside", 80)},
        grid={"seeds": [0], "upstreams": ["theirs"]},
    )
    starts = [cell.name for cell in plan.cells if cell.recipe.mode == "finetune"]
    assert starts == ["river-resnet1d18-finetune-from-theirs-s0"]


@pytest.mark.parametrize(
    ("upstreams", "message"),
    [
        ({"theirs": {"from": 3}}, r"upstreams\.theirs\.from must be the path .* Received: 3"),
        (
            {"theirs": {"from": "theirs.pt", "data": {"source": "ptb"}}},
            r"upstreams\.theirs: these weights are there already .* Received: data",
        ),
        ({"theirs": {"from": "none.pt"}}, r"upstreams\.theirs\.from: none\.pt: there is no such"),
        ({"theirs": {"from": "runs/none"}}, r"upstreams\.theirs\.from: runs/none: no finished run"),
    ],
)
def test_what_can_not_start_a_run_is_refused_before_anything_is_made(tmp_path, upstreams, message):
    with pytest.raises(ConfigError, match=message):
        listed(tmp_path, "unused", upstreams=upstreams)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.write_bytes(b"no weights" * 100), r"theirs\.pt: "),
        (
            lambda file: publish(file.parent, changes=[("labels: [NORM, MI, ", "labels: [MI, ")]),
            r"theirs\.pt: its network has 5 labels, and .* names 4",
        ),
    ],
    ids=["no weights", "other labels"],
)
def test_a_file_that_is_not_what_its_card_says_is_refused_before_anything_is_listed(
    tmp_path, theirs, damage, message
):
    damage(theirs)
    with pytest.raises(ConfigError, match=rf"upstreams\.theirs\.from: .*{message}") as refused:
        listed(tmp_path, theirs)
    assert len(str(refused.value).splitlines()) == 1


def test_weights_that_are_imported_are_not_read_again(tmp_path, theirs, monkeypatch):
    import_here(listed(tmp_path, theirs))

    def refuse(published):
        raise DataError("a later version's check")

    monkeypatch.setattr("ecg_keras.workflow.published.PublishedWeights.check", refuse)
    assert listed(tmp_path, theirs).cells
    with pytest.raises(ConfigError, match="a later version's check"):
        listed(tmp_path, theirs, folder=str(tmp_path / "another"))


def test_what_they_do_not_want_is_refused_with_the_key(tmp_path, theirs):
    base = {**ONCE, "data": {**SIGNALS["data"], "sampling_rate": 100}}
    with pytest.raises(ConfigError, match=r"data\.sampling_rate: is 100.*want 25"):
        listed(tmp_path, theirs, base=base)


def test_two_of_one_network_that_want_different_signals_need_a_study_each(tmp_path, theirs):
    publish(tmp_path, name="others.pt", rate=50, samples=200)
    upstreams = {name: {"from": str(tmp_path / f"{name}.pt")} for name in ("theirs", "others")}
    with pytest.raises(ConfigError, match=re.escape("make a study of each")):
        listed(tmp_path, theirs, upstreams=upstreams)


def test_two_runs_of_one_name_start_a_run_each_unless_they_are_the_same(tmp_path, theirs):
    made = import_here(listed(tmp_path, theirs))
    folders = {name: tmp_path / name / "pretrained" for name in ("ours", "theirs", "copy")}
    for folder in folders.values():
        shutil.copytree(made.folder, folder)
    Run(folders["theirs"]).write_status(fingerprint="another")
    upstreams = {name: {"from": str(folder)} for name, folder in folders.items()}
    grid = {"seeds": [0], "backbones": ["resnet1d18"]}
    plan = listed(tmp_path, theirs, upstreams=upstreams, grid=grid)
    starts = {
        cell.name: cell.recipe.initialise.from_
        for cell in plan.cells
        if cell.recipe.mode == "finetune"
    }
    assert starts == {
        "river-resnet1d18-finetune-from-ours-s0": str(folders["ours"]),
        "river-resnet1d18-finetune-from-theirs-s0": str(folders["theirs"]),
    }
    runs = {arm.upstream: name for (arm, *_), name in plan.points.items() if arm.upstream}
    assert runs["copy"] == runs["ours"] != runs["theirs"]


IMPORTS = """
import sys
sys.stdin.read()
{}
"""


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ('print(\'{"exit_code": 2, "error": "the card is wrong."}\')', ConfigError, "^the card is"),
        ('print(\'{"exit_code": 1, "error": "no such tensor."}\')', DataError, "^no such tensor"),
        ("sys.exit('No space left')", DataError, r"theirs\.pt: can't be imported: No space left"),
        ("import os; os._exit(9)", DataError, r"theirs\.pt: can't be imported: exit code 9"),
    ],
)
def test_what_ends_the_import_ends_the_study(tmp_path, theirs, monkeypatch, code, kind, message):
    command = [sys.executable, "-c", IMPORTS.format(code)]
    monkeypatch.setattr(given_upstreams, "command_of", lambda module: command)
    plan = listed(tmp_path, theirs)
    with pytest.raises(kind, match=message):
        run_here(plan)
    import_here(plan)
    given_upstreams.import_published(plan.given.values())  # which is nothing


def test_of_several_imports_the_one_that_failed_is_named(tmp_path, monkeypatch):
    code = "import json, os, sys; os.mkdir(json.load(sys.stdin)[0][1]); os._exit(9)"
    monkeypatch.setattr(given_upstreams, "command_of", lambda module: [sys.executable, "-c", code])
    first, second = (
        SimpleNamespace(
            path=Path(f"{name}.pt"),
            run=SimpleNamespace(folder=tmp_path / name),
            published=SimpleNamespace(card_path="card", is_made_in=lambda run: run.folder.exists()),
        )
        for name in ("first", "second")
    )
    with pytest.raises(DataError, match=r"^second\.pt: can't be imported: exit code 9"):
        given_upstreams.import_published([first, second])


def test_the_process_that_imports_answers_what_is_wrong(tmp_path, theirs, monkeypatch):
    imports = [[str(theirs), str(theirs.parent), str(theirs.with_name("none.yaml"))]]
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(imports)))
    read, write = os.pipe()
    given_upstreams.main(write)
    answer = json.loads(os.read(read, 1000))
    assert answer["exit_code"] == 2 and "none.yaml" in answer["error"]


def test_a_study_runs_from_them_and_its_page_has_the_controls(tmp_path, monkeypatch):
    # in this process a network would keep the memory of a GPU
    monkeypatch.setattr(given_upstreams, "import_weights", None)
    theirs, _ = publish(tmp_path, family="gru")
    plan = tiny(
        tmp_path,
        base=ONCE | {"data": {**SIGNALS["data"], "shards": str(tmp_path / "shards")}},
        upstreams={"theirs": {"from": str(theirs)}},
        modes=MODES,
        grid={"backbones": ["gru"], "seeds": [0]},
        controls=True,
    )
    assert run_here(plan).counts["done"] == 4
    result = gather(plan)
    ways = {one.arm.way for one in result.comparisons}
    assert ways == {"finetune from theirs"}
    assert [one.arm.upstream for one in result.controls] == ["theirs", "theirs"]
    assert any(line.startswith("Of theirs there is one network: ") for line in result.not_done)
    assert not any("grid.upstream_seeds" in line for line in result.not_done)
    page = write_study(result, tmp_path / "page").read_text()
    assert "the ECGs that they were trained on are not here" in page

    # the run that was made of them starts another study, in which nothing is imported
    made = plan.given["theirs"].run
    shutil.copytree(made.folder, tmp_path / "kept")
    grid = {"backbones": ["gru"], "seeds": [0], "upstreams": ["theirs"]}
    again = listed(tmp_path, tmp_path / "kept", grid=grid)
    assert again.given["theirs"].published is None
    (start,) = {
        cell.recipe.initialise.from_ for cell in again.cells if cell.recipe.mode == "finetune"
    }
    assert Run(Path(start)).read_status()["fingerprint"] == made.read_status()["fingerprint"]
