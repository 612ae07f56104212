"""Every command but `train`, once, on a finished project."""

import json
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from finished_runs import shards_of
from planted_faults import fit_header
from small_databases import write_database

from ecg_keras.cli import COMMANDS
from ecg_keras.config import load_recipe
from ecg_keras.data import read_shards
from ecg_keras.evaluation import Predictions, Scores
from ecg_keras.export import read_card
from ecg_keras.export.signatures import SIGNATURES
from ecg_keras.models import BACKBONES
from ecg_keras.signals import LEADS
from ecg_keras.sources import SOURCES
from ecg_keras.workflow import compare_runs

HELP = """
import sys
from ecg_keras.cli import main
main()
heavy = {"tensorflow", "keras", "numpy", "pandas", "rich"} & set(sys.modules)
print(*sorted(heavy), file=sys.stderr, end="")
"""


def test_help_is_quick_and_imports_nothing_heavy():
    begun = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-c", HELP, "--help"], capture_output=True, text=True, check=True
    )
    assert time.perf_counter() - begun < 5, "0.2 s on an idle machine"
    assert answer.stderr == ""
    for name, row in COMMANDS.items():
        assert f"  {name} " in answer.stdout
        assert row.line.split()[0] in answer.stdout


@pytest.mark.parametrize("command", [*COMMANDS, "recipe check", "recipe show"])
def test_every_command_has_help(ecg_keras, command):
    answer = ecg_keras(*command.split(), "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: ecg-keras {command} ")
    assert answer.err == ""


def test_the_version_is_told(ecg_keras):
    assert ecg_keras("--version").out.startswith("ecg-keras, version 0.")


def test_recipe_check_and_show(ecg_keras, project, tmp_path, monkeypatch):
    monkeypatch.chdir(project)
    answer = ecg_keras("recipe", "check", "up.yaml", "finetune.yaml")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "up.yaml: good",
        "finetune.yaml: good, needs up.yaml and scratch.yaml",
    ]
    shown = ecg_keras("recipe", "show", "scratch.yaml", "--set", "training.seed=7")
    (tmp_path / "shown.yaml").write_text(shown.out)
    again = load_recipe(tmp_path / "shown.yaml").recipe
    assert again == load_recipe("scratch.yaml", {"training.seed": 7}).recipe
    assert "select: best_macro_auroc" in shown.out


def test_recipe_check_and_a_dry_run_warn_of_a_rate_at_which_the_network_does_not_learn(
    ecg_keras, project, monkeypatch
):
    monkeypatch.chdir(project)
    key = "training.phases.0.learning_rate"
    network = ("--set", "model.backbone=s4")
    good = ecg_keras("recipe", "check", "scratch.yaml", *network, "--set", f"{key}=0.001")
    assert (good.out, good.err) == ("scratch.yaml: good\n", "")
    monkeypatch.setattr("ecg_keras.cli.console.show_costs", lambda *given: None)
    for command in (("recipe", "check", "scratch.yaml"), ("train", "scratch.yaml", "--dry-run")):
        high = ecg_keras(*command, *network, "--set", f"{key}=0.003", "--set", "run=runs/high")
        assert high.code == 0
        assert f"--set {key}=0.001" in high.err
        assert "! " in high.err


def test_prepare_writes_shards_and_nothing_more(ecg_keras, write_recipes, tmp_path):
    write_recipes(tmp_path)
    assert ecg_keras("prepare", "up.yaml", "--dry-run").out.count("to do") == 2
    assert not (tmp_path / "shards").exists()
    answer = ecg_keras("prepare", "up.yaml")
    assert answer.code == 0
    (folder,) = (tmp_path / "shards").glob("[!.]*")
    assert answer.out.endswith(f"shards  shards/{folder.name}\n")
    assert "NORM" in answer.out
    assert not (tmp_path / "runs").exists()
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert "prepare shards: there already" in ecg_keras("prepare", "up.yaml").err
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_validate_tells_good_shards_from_a_lead_with_the_wrong_sign(ecg_keras, tmp_path):
    write_database("ptbxl", tmp_path / "raw")
    path = tmp_path / "raw/records100/00000/00003_lr.dat"
    samples = np.fromfile(path, "<i2").reshape(-1, 12)
    samples[:, 1] *= -1
    recipe = "mode: scratch\ndata: {source: ptbxl, raw: raw, split: {valid: 0.3, test: 0.3, "
    (tmp_path / "a.yaml").write_text(recipe + "method: patients}}\n")
    assert ecg_keras("prepare", "a.yaml").code == 0
    (good,) = (tmp_path / "shards").glob("[!.]*")
    answer = ecg_keras("validate", good)
    assert (answer.code, answer.out) == (0, f"{good}: no anomalies\n")

    samples.tofile(path)
    fit_header(path)
    answer = ecg_keras("prepare", "a.yaml", "--set", "data.shards=faulty")
    assert "records100/00000/00003_lr: the limb leads don't belong together" in answer.err
    faulty = ("--set", "data.shards=faulty", "--set", "data.verify=off")
    assert ecg_keras("prepare", "a.yaml", *faulty).code == 0
    folder = next(path.parent for path in (tmp_path / "faulty").glob("*/dataset.json"))
    answer = ecg_keras("validate", folder)
    assert answer.code == 1
    assert "einthoven_mv: values up to " in answer.out
    assert answer.out.endswith(f"{folder}: 1 anomaly\n")
    answer = ecg_keras("train", "a.yaml", *faulty)
    assert answer.code == 1
    assert f"{folder.relative_to(tmp_path)}: validation found anomalies (1):\n" in answer.err
    assert "einthoven_mv" in answer.err
    assert "--set data.anomalies=warn" in answer.err
    assert not list(tmp_path.rglob("model.keras"))


def test_validate_allows_for_chance_between_two_small_datasets(ecg_keras, copied):
    """That drift is told where there is some: test_validate_command.py."""
    pytest.importorskip("tensorflow_data_validation", exc_type=ImportError)
    up, scratch = shards_of(copied, "up"), shards_of(copied, "scratch")
    assert ecg_keras("validate", scratch, "--against", scratch).code == 0
    answer = ecg_keras("validate", scratch, "--against", up)
    assert answer.code == 0
    assert f"drift from {up}" in answer.out
    assert "no anomalies" in answer.out


def test_describe(ecg_keras, project):
    answer = ecg_keras("describe", shards_of(project, "scratch"))
    assert answer.code == 0
    assert answer.out.splitlines()[:2] == [
        "simulated, label set superdiagnostic",
        "I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6; 50 Hz, 4 s",
    ]
    heading, *leads = answer.out.splitlines()[-13:]
    assert heading.split("  ")[0] == "median (95 %)"
    assert [line.split()[0] for line in leads] == list(LEADS)
    table, answer = answer.out, ecg_keras("describe", "--verify", shards_of(project, "scratch"))
    assert answer.out == f"{table}each shard has the bytes that were written\n"
    assert ecg_keras("describe", "--verify", "--sources").code == 2
    answer = ecg_keras("describe", "--sources", "--backbones")
    words = [line.split()[0] for line in answer.out.splitlines()]
    assert set(words) == {*SOURCES, "network", *BACKBONES}
    line = next(line for line in answer.out.splitlines() if line.startswith("xception_time"))
    assert line.split() == ["xception_time", "CNN", "pooled", "stem", "stage1", "embedding", "head"]
    assert "superdiagnostic      5 labels: NORM, MI, STTC, HYP, CD" in answer.out


def test_simulate(ecg_keras, tmp_path):
    arguments = ["simulate", "there", "--hospital", "riverside", "--records", 12, "--seed", 3]
    answer = ecg_keras(*arguments)
    assert (answer.code, answer.out) == (0, "there: 12 recordings of riverside\n")
    assert len(list((tmp_path / "there").rglob("*.hea"))) == 12
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "there").rglob("*")}
    assert ecg_keras(*arguments).code == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "there").rglob("*")} == before


def test_evaluate_tells_the_scores_that_training_computed(ecg_keras, project):
    run = project / "runs" / "scratch"
    answer = ecg_keras("evaluate", run)
    assert answer.code == 0
    value = json.loads((run / "scores.json").read_text())["summary"]["macro_auroc"]["value"]
    (line,) = [line for line in answer.out.splitlines() if line.startswith("macro AUROC")]
    assert f" {value:.3f} [" in line


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("runs/scratch", "--split", "valid"), "--split needs --shards: a run's own scores are of"),
        (("runs/scratch", "--allow-leaks"), "--allow-leaks needs --shards"),
        (("runs/scratch", "--bootstrap", 500), "--bootstrap needs --shards"),
        (("runs/scratch/predictions/test.npz", "--split", "valid"), "a file holds one split"),
    ],
)
def test_evaluate_refuses_what_it_would_not_use(ecg_keras, project, given, expected):
    answer = ecg_keras("evaluate", project / given[0], *given[1:])
    assert answer.code == 2 and expected in answer.err


def test_evaluate_on_shards_gives_the_same_scores_on_ones_own(ecg_keras, project):
    run, own = project / "runs" / "scratch", shards_of(project, "scratch")
    answer = ecg_keras("evaluate", run, "--shards", own, "--bootstrap", 200)
    assert answer.out == ecg_keras("evaluate", run).out
    elsewhere = ecg_keras("evaluate", run, "--shards", shards_of(project, "up"), "--split", "valid")
    assert elsewhere.code == 0
    records = len(Predictions.load(project / "runs/up/predictions/valid.npz").record_ids)
    assert elsewhere.out.startswith(f"{records} records of ")


def test_another_calibration_is_scored_and_exported_anew(ecg_keras, project, copied):
    run = copied / "runs" / "finetune"
    network = Predictions.load(run / "predictions" / "test.npz")
    weights = (run / "model.keras").read_bytes()
    given = ("train", "finetune.yaml", "--set", "evaluation.calibration=platt")
    answer = ecg_keras(*given)
    assert answer.code == 0
    assert "Probabilities are calibrated on the validation split: a slope and an" in answer.out
    assert (run / "model.keras").read_bytes() == weights
    said = Predictions.load(run / "predictions" / "test.npz")
    calibration = Scores.load_json(run / "scores.json").calibration
    np.testing.assert_array_equal(said.probabilities, calibration.apply(network).probabilities)
    assert np.abs(said.probabilities - network.probabilities).max() > 0.01

    (ecg,) = read_shards(shards_of(copied, "finetune"), "test", [said.record_ids[0]])
    served = tf.saved_model.load(str(run / "saved_model" / "1")).signatures["serving_default"]
    answer = served(signal=tf.constant(ecg.signal[None]))["probabilities"].numpy()
    np.testing.assert_allclose(answer[0], said.probabilities[0], atol=1e-5)

    marks = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    assert ecg_keras(*given).code == 0
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()} == marks
    own = ecg_keras("evaluate", run, "--shards", shards_of(copied, "finetune"), "--bootstrap", 200)
    assert own.out == ecg_keras("evaluate", run).out


def test_compare(ecg_keras, project):
    runs = project / "runs"
    answer = ecg_keras("compare", runs / "finetune", runs / "scratch", "--bootstrap", 200)
    assert answer.code == 0
    stored = json.loads((runs / "finetune" / "comparison.json").read_text())
    difference = stored["summary"]["macro_auroc"]["value"]
    assert f"a difference of {difference:+.3f}" in answer.out
    by_f1 = ecg_keras(
        "compare", runs / "finetune", runs / "scratch", "--metric", "macro_f1", "--level", "0.9"
    )
    assert "macro F1" in by_f1.out.splitlines()[0]
    assert "90 %" in by_f1.out


def test_a_run_is_compared_with_predictions_made_elsewhere(ecg_keras, project, tmp_path):
    runs = project / "runs"
    for split in ("test", "valid"):
        said = Predictions.load(runs / "scratch" / "predictions" / f"{split}.npz")
        said.save(tmp_path / f"{split}.npz")
    given = ("--bootstrap", 200, "--names", "finetune", "scratch")
    answer = ecg_keras("compare", runs / "finetune", "test.npz", *given)
    ours = ecg_keras("compare", runs / "finetune", runs / "scratch", *given)
    # nobody knows how theirs was trained and tuned, nor what speaks against it
    names = ("finetune", "scratch")
    known = compare_runs(runs / "finetune", runs / "scratch", names=names, bootstrap=200)
    untold = (known.budget_sentence, *known.warnings)
    sentence, *lines = [line for line in ours.out.splitlines() if line not in untold]
    unknown = sentence.replace("Neither was tuned.", "How they were tuned is not known.")
    assert unknown != sentence
    assert answer.out.splitlines() == [unknown, *lines]
    assert answer.err == ""


def test_compare_writes_a_page(ecg_keras, project, tmp_path):
    runs, page = project / "runs", tmp_path / "new" / "compare.html"
    given = ("compare", runs / "finetune", runs / "scratch", "--bootstrap", 200)
    answer = ecg_keras(*given, "--page", page)
    assert answer.code == 0
    assert answer.out == f"{ecg_keras(*given).out}{page}\n"
    text = page.read_text()
    assert "finetune against scratch" in text
    assert answer.out.splitlines()[0] in re.sub(r"\s+", " ", text)
    first = page.read_bytes()
    assert ecg_keras(*given, "--page", page).code == 0
    assert page.read_bytes() == first


def test_report(ecg_keras, copied):
    page = copied / "runs" / "finetune" / "report.html"
    before = page.read_bytes()
    page.unlink()
    answer = ecg_keras("report", "runs/finetune", "--shards", shards_of(copied, "finetune"))
    assert (answer.code, answer.out) == (0, "runs/finetune/report.html\n")
    assert page.read_bytes() == before


def test_export_replaces_only_when_told(ecg_keras, project, tmp_path):
    run = project / "runs" / "finetune"
    answer = ecg_keras("export", run, "serving/ecg/1")
    assert (answer.code, answer.out) == (0, "serving/ecg/1\n")
    loaded = tf.saved_model.load(str(tmp_path / "serving/ecg/1"))
    assert set(loaded.signatures) == {row.name for row in SIGNATURES}
    marks = {path: path.stat().st_mtime_ns for path in (tmp_path / "serving").rglob("*")}
    answer = ecg_keras("export", run, "serving/ecg/1")
    assert answer.code == 2
    assert "serving/ecg/1 exists already. Export to serving/ecg/2" in answer.err
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "serving").rglob("*")} == marks
    assert ecg_keras("export", run, "serving/ecg/1", "--replace").code == 0
    assert ecg_keras("export", run, "serving/ecg").code == 2
    assert sorted(path.name for path in (tmp_path / "serving/ecg").iterdir()) == ["1"]


def test_export_in_fewer_bits_says_what_is_lost(ecg_keras, copied):
    given = ("export", "runs/finetune", "phone/ecg", "--format", "onnx", "--precision")
    answer = ecg_keras(*given, "int8", "--max-loss", 1)
    assert answer.code == 0, answer.err
    place, line = answer.out.splitlines()
    card = read_card(copied / place)
    assert (place, card.format, card.precision) == ("phone/ecg", "onnx", "int8")
    valid = Predictions.load(copied / "runs/finetune/predictions/valid.npz")
    assert line == f"int8, {card.loss.sentence()}"
    assert line.startswith(f"int8, on {len(valid.targets)} validation ECGs: macro AUROC 0.")
    assert 0 < card.loss.mean_difference <= card.loss.max_difference < 0.2
    # without the run's ECGs nothing gives int8 its ranges, and what float16 loses is not known
    shutil.rmtree(shards_of(copied, "finetune"))
    before = (copied / "phone/ecg/model.onnx").read_bytes()
    answer = ecg_keras(*given, "int8", "--replace")
    assert (answer.code, answer.out) == (1, "")
    assert "int8 needs ECGs of the run's training and validation splits" in answer.err
    assert (copied / "phone/ecg/model.onnx").read_bytes() == before
    answer = ecg_keras(*given, "float16", "--replace")
    assert (answer.code, answer.out) == (0, "phone/ecg\n"), answer.err
    assert "what float16 loses was not measured" in answer.err
    assert read_card(copied / "phone/ecg").loss is None
