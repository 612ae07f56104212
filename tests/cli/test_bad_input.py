"""Whatever is wrong is told in plain lines, and nothing is left that looks whole but is not."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from finished_runs import shards_of
from planted_faults import fit_header
from small_databases import write_challenge_set, write_database

from ecg_keras.data import writing
from ecg_keras.evaluation import Predictions

RECIPE = """\
mode: scratch
data:
  source: {source}
  raw: raw
  sampling_rate: 50
  seconds: 4
  split: {{method: patients, valid: 0.3, test: 0.3}}
model: {{backbone: gru, head: pooled}}
"""
GOOD = RECIPE.format(source="ptbxl")
PRODUCTS = {"dataset.json", "model.keras", "scores.json", "report.html", "saved_model.pb"}
RECORD = Path("raw/records100/00000/00003_lr.dat")


def refused(answer, code, expected):
    """The command ended with this code and plain lines, one of which says what is expected."""
    assert answer.code == code, answer
    assert "Traceback" not in answer.err
    told = [line for line in answer.err.splitlines() if line.startswith(("ecg-keras: ", "  "))]
    assert told, answer.err
    assert re.search(expected, "\n".join(told)), answer.err


def products(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.name in PRODUCTS)


# ---------------------------------------------------------------- recipes and arguments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            GOOD.replace("ptbxl", "ptbx"),
            r"a\.yaml:3: data\.source: .* mean 'ptbxl'\? Nor is there a Python module ptbx .+\.$",
        ),
        (GOOD + "training: [\n", r"a\.yaml:10: not YAML: "),
        (
            GOOD.replace("scratch", "finetune") + "initialise: {from: up.yaml}\n",
            r"a\.yaml: initialise\.from: up\.yaml: there is no such recipe",
        ),
    ],
)
@pytest.mark.parametrize("command", ["train", "prepare", "recipe check"])
def test_a_wrong_recipe_is_told_with_file_and_line(ecg_keras, tmp_path, command, text, expected):
    (tmp_path / "a.yaml").write_text(text)
    answer = ecg_keras(*command.split(), "a.yaml")
    refused(answer, 2, expected)
    assert len(answer.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("training.seed=[1", r"--set training\.seed=\[1: the value is not YAML"),
        ("trainig.seed=1", r"--set trainig\.seed=1: .* Did you mean 'training'\?$"),
    ],
)
def test_a_wrong_setting_is_told_as_it_was_typed(ecg_keras, tmp_path, setting, expected):
    (tmp_path / "a.yaml").write_text(GOOD)
    answer = ecg_keras("train", "a.yaml", "--set", setting)
    refused(answer, 2, expected)
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trian", "a.yaml"], r"no command named 'trian'.* Did you mean 'train'\?$"),
        (["recipe", "chek", "a.yaml"], r"Did you mean 'check'\?$"),
        (["train", "a.yaml", "--dryrun"], r"No such option.*Did you mean '?--dry-run"),
        (["train"], "Missing argument 'RECIPE'"),
        (["describe"], "name a folder of shards, or give --sources or --backbones"),
        (["compare", "a", "b", "--metric", "auc"], "'auc' is not one of 'macro_auroc'"),
        (["compare", "a", "b", "--bootstrap", "3"], "3 is not in the range x>=100"),
        (["compare", "a", "b", "--page", "a.txt"], r"name ends in \.html. Received: a\.txt"),
    ],
)
def test_a_wrong_command_line_is_told_with_its_usage(ecg_keras, arguments, expected):
    answer = ecg_keras(*arguments)
    assert answer.code == 2
    assert answer.err.startswith("Usage: ecg-keras")
    assert re.search(expected, answer.err.strip()), answer.err


# ---------------------------------------------------------------- raw recordings


@pytest.mark.parametrize("command", ["train", "prepare"])
def test_a_missing_raw_folder_says_how_to_name_it_and_makes_nothing(ecg_keras, tmp_path, command):
    (tmp_path / "a.yaml").write_text(GOOD)
    answer = ecg_keras(command, "a.yaml")
    refused(answer, 1, r"a\.yaml: data\.raw: there is no folder raw\. .*--set data\.raw=FOLDER")
    assert len(answer.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


@pytest.fixture(scope="module")
def ptbxl(tmp_path_factory) -> Path:
    return write_database("ptbxl", tmp_path_factory.mktemp("ptbxl") / "raw")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def overwrite(rows, column, value):
    samples = np.fromfile(RECORD, "<i2").reshape(-1, 12)
    samples[rows, column] = value
    samples.tofile(RECORD)
    fit_header(RECORD)


HEADER, TABLE = RECORD.with_suffix(".hea"), Path("raw/ptbxl_database.csv")
ALL, SOME = slice(None), slice(10, 20)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda: RECORD.write_bytes(RECORD.read_bytes()[:500]),
            r"00003_lr\.dat: truncated: .*again",
        ),
        (RECORD.unlink, r"00003_lr\.dat: No such file.*whole database was downloaded"),
        (
            lambda: edit(HEADER, "00003_lr.dat", "../00003_lr.dat"),
            r"00003_lr\.hea: names the signal file '\.\./00003_lr\.dat'\..*its own folder",
        ),
        (
            lambda: edit(HEADER, "00003_lr.dat", "/etc/passwd"),
            r"00003_lr\.hea: names the signal file '/etc/passwd'\..*its own folder",
        ),
        (lambda: HEADER.write_bytes(b"\0\1"), r"00003_lr\.hea: this is no WFDB header"),
        (lambda: overwrite(SOME, 4, -32768), r"00003_lr: missing .*in lead aVL \(10 samples\)"),
        (lambda: overwrite(ALL, 7, 3), r"00003_lr: no signal in lead V2: constant"),
    ],
)
def test_a_record_that_cannot_be_used_is_named(ecg_keras, ptbxl, tmp_path, damage, expected):
    shutil.copytree(ptbxl, tmp_path / "raw")
    (tmp_path / "a.yaml").write_text(GOOD)
    damage()
    answer = ecg_keras("prepare", "a.yaml")
    refused(answer, 1, expected)
    first, *_, last = answer.err.splitlines()
    assert "raw: 1 of 10 records can't be used, and data.quarantine allows a share of 0.05" in first
    assert last.endswith("or leave these records out with --set data.quarantine=0.1.")
    assert products(tmp_path) == []
    assert ecg_keras("prepare", "a.yaml", "--set", "data.quarantine=0.1").code == 0


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (TABLE.unlink, r"ptbxl_database\.csv: No such file.*Set data\.raw to the folder of the"),
        (lambda: TABLE.write_bytes(b"\xff\xfe\0"), r"ptbxl_database\.csv: not a CSV file"),
        (
            lambda: edit(TABLE, "scp_codes", "scp"),
            r"ptbxl_database\.csv: lacks the column scp_codes",
        ),
        (
            lambda: edit(TABLE, "'NORM'", "'NORMAL'"),
            r"ptbxl_database\.csv: record \d+: scp_codes names NORMAL, which scp_statements\.csv "
            r"does not list\. Correct",
        ),
        (
            lambda: edit(TABLE, "records100/00000/00003_lr", "../../00003_lr"),
            r"ptbxl_database\.csv: record 3: a file name must stay inside raw",
        ),
        (
            lambda: [shutil.rmtree(f"raw/records{rate}") for rate in (100, 500)],
            r"raw: has neither records100 nor records500",
        ),
    ],
)
def test_a_wrong_table_is_told_before_anything_is_written(
    ecg_keras, ptbxl, tmp_path, damage, expected
):
    shutil.copytree(ptbxl, tmp_path / "raw")
    (tmp_path / "a.yaml").write_text(GOOD)
    damage()
    answer = ecg_keras("prepare", "a.yaml")
    refused(answer, 1, expected)
    assert len(answer.err.splitlines()) == 1
    assert not list(tmp_path.rglob("*.tfrecord"))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda header: edit(header, "#Dx: ", "#Dx: 999999,"),
            r"E00003\.hea: #Dx names 999999, which no table of the Challenge lists\. Correct the",
        ),
        (lambda header: edit(header, "#Dx: ", "#Rx: "), r"E00003\.hea: no diagnosis: "),
        (
            lambda header: header.with_suffix(".mat").write_bytes(b"short"),
            r"g2/E00003\.mat: truncated: ",
        ),
        (
            lambda header: header.rename(header.with_name("A0003.hea")),
            r"raw: g2/A0003 is no recording of georgia\. Set data\.raw to the folder georgia",
        ),
    ],
)
def test_a_wrong_recording_of_the_challenge_is_named(ecg_keras, tmp_path, damage, expected):
    write_challenge_set(tmp_path / "raw", [f"E{number:05d}" for number in range(1, 13)])
    (tmp_path / "a.yaml").write_text(RECIPE.format(source="georgia"))
    damage(tmp_path / "raw" / "g2" / "E00003.hea")
    refused(ecg_keras("prepare", "a.yaml"), 1, expected)
    assert products(tmp_path) == []


# ---------------------------------------------------------------- the disk


def test_places_that_can_not_be_written_are_told(ecg_keras, project, ptbxl, tmp_path):
    (tmp_path / "file").touch()
    shutil.copytree(ptbxl, tmp_path / "raw")
    (tmp_path / "a.yaml").write_text(GOOD)
    run = project / "runs" / "scratch"
    for arguments, expected in (
        (
            ["prepare", "a.yaml", "--set", "data.shards=file"],
            r"file/.*can't be written: .*data\.sh",
        ),
        (["simulate", "file/there", "--records", 10], r"file/there: can't be written"),
        (["simulate", "file", "--records", 10], r"file: is a file\. Choose a folder"),
        (["export", run, "file/1"], r"file/1: can't be written: .*choose another folder"),
    ):
        refused(ecg_keras(*arguments), 1, expected)
    refused(
        ecg_keras("prepare", "a.yaml", "--set", "data.shards=raw/shards"),
        2,
        r"data\.shards: .* is inside the raw files raw, which are never written to",
    )
    assert (tmp_path / "file").read_bytes() == b""
    assert products(tmp_path) == []


def test_a_full_disk_leaves_no_half_shard(ecg_keras, ptbxl, tmp_path):
    resource = pytest.importorskip("resource")
    shutil.copytree(ptbxl, tmp_path / "raw")
    (tmp_path / "a.yaml").write_text(GOOD)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        answer = ecg_keras("prepare", "a.yaml")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    refused(answer, 1, r"can't be written: .*make room or choose another folder with data\.shards")
    assert not list(tmp_path.rglob("*.tfrecord"))
    assert ecg_keras("prepare", "a.yaml").code == 0


def test_a_full_disk_keeps_the_old_report(ecg_keras, copied, monkeypatch):
    page = copied / "runs" / "scratch" / "report.html"
    before = page.read_bytes()

    def full(self, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", full)
    answer = ecg_keras("report", "runs/scratch")
    refused(answer, 1, r"report\.html: No space left on device\. Fix this: the same command")
    assert page.read_bytes() == before
    assert [path.name for path in page.parent.glob(".*")] == [".lock"]  # no half page


SLOWLY = """
import time
from ecg_keras.cli import main
from ecg_keras.data import writing
writing.SHARD_BYTES, convert = 10_000, writing.convert
writing.convert = lambda *given: time.sleep(0.1) or convert(*given)
main()
"""


def test_a_killed_prepare_typed_again_ends_with_the_same_bytes(
    ecg_keras, ptbxl, tmp_path, monkeypatch
):
    shutil.copytree(ptbxl, tmp_path / "raw")
    (tmp_path / "a.yaml").write_text(GOOD)
    victim = subprocess.Popen([sys.executable, "-c", SLOWLY, "prepare", "a.yaml"], cwd=tmp_path)
    until = time.monotonic() + 120
    while len(list(tmp_path.glob("shards/*/.unfinished/*.json"))) < 2 and time.monotonic() < until:
        assert victim.poll() is None, "it ended before it was killed"
        time.sleep(0.005)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert products(tmp_path) == []

    monkeypatch.setattr(writing, "SHARD_BYTES", 10_000)
    assert ecg_keras("prepare", "a.yaml").code == 0
    assert ecg_keras("prepare", "a.yaml", "--set", "data.shards=whole").code == 0
    one, other = (
        {path.name: path.read_bytes() for path in tmp_path.glob(f"{name}/*/[!.]*")}
        for name in ("shards", "whole")
    )
    assert len(one) > 4
    assert one == other


# ---------------------------------------------------------------- runs and shards


@pytest.mark.parametrize("command", ["evaluate", "report", "export", "compare", "initialise.from"])
def test_an_unfinished_run_is_refused(ecg_keras, copied, command):
    status = copied / "runs" / "up" / "status.json"
    status.write_text(json.dumps({**json.loads(status.read_text()), "state": "training"}))
    (copied / "runs" / "up" / "model.keras").unlink()
    further = {"export": ["serving/1"], "compare": ["runs/scratch"]}.get(command, [])
    if command == "initialise.from":
        arguments = ["train", "finetune.yaml", "--set", "initialise.from=runs/up"]
        answer = ecg_keras(*arguments, "--set", "run=runs/new")
        refused(answer, 1, r"runs/up/model\.keras: no such model\. .*a run that finished training")
        assert products(copied / "runs" / "new") in ([], [str(copied / "runs/new/dataset.json")])
    else:
        expected = (
            r"runs/up: not a finished run \(its state is training\)\. Run the `ecg-keras train"
        )
        refused(ecg_keras(command, "runs/up", *further), 1, expected)
    assert not (copied / "serving").exists()


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("runs/none", r"runs/none: there is no such run folder\. Name one"),
        ("runs", r"runs: not a run folder: it has no status\.json\. Name the folder of one run"),
    ],
)
def test_a_folder_that_is_no_run_is_refused(ecg_keras, copied, folder, expected):
    for command in (["evaluate"], ["report"], ["compare", "runs/up"], ["export"]):
        further = ["serving/1"] if command == ["export"] else []
        refused(ecg_keras(*command, folder, *further), 1, expected)


def test_a_run_without_scores_says_how_to_get_them(ecg_keras, copied):
    (copied / "runs" / "up" / "scores.json").unlink()
    expected = r"runs/up/scores\.json: this run was not scored: .*`ecg-keras train` command"
    for arguments in (["evaluate"], ["report"], ["compare", "runs/scratch"]):
        refused(ecg_keras(*arguments, "runs/up"), 1, expected)


def test_shards_with_other_labels_are_not_scored(ecg_keras, copied):
    card = shards_of(copied, "scratch") / "dataset.json"
    dataset = json.loads(card.read_text())
    names = dict(zip(dataset["labels"], "ABCDE", strict=True))
    dataset["labels"] = list(names.values())
    for split in dataset["splits"].values():
        split["labels"] = {names[label]: count for label, count in split["labels"].items()}
    card.write_text(json.dumps(dataset))
    refused(
        ecg_keras("evaluate", "runs/scratch", "--shards", card.parent),
        1,
        r"its labels are A, B, C, D, E, and runs/scratch was trained for NORM, MI, STTC, HYP, CD\.",
    )


def test_runs_with_other_labels_or_records_are_not_compared(ecg_keras, copied):
    refused(
        ecg_keras("compare", "runs/up", "runs/scratch"),
        1,
        r"records of up and scratch differ: .* Test both on the same split of the same dataset",
    )
    path = copied / "runs" / "scratch" / "predictions" / "test.npz"
    test = Predictions.load(path)
    Predictions(
        tuple("ABCDE"), test.record_ids, test.patient_ids, test.targets, test.probabilities
    ).save(path)
    refused(
        ecg_keras("compare", "runs/finetune", "runs/scratch"),
        1,
        r"labels of finetune and scratch differ: NORM, MI, STTC, HYP, CD and A, B, C, D, E\.",
    )


def test_a_shard_truncated_after_prepare_is_named(ecg_keras, copied):
    shards = shards_of(copied, "scratch")
    shard = next(shards.glob("train-*.tfrecord"))
    shard.write_bytes(shard.read_bytes()[:-100])
    expected = rf"{shard.name}: this shard has \d+ bytes instead of \d+\. Delete the folder and run"
    for code, *arguments in (
        (1, "describe", shards),
        (2, "validate", shards),
        (1, "evaluate", "runs/scratch", "--shards", shards),
        (1, "train", "scratch.yaml", "--set", "run=runs/new"),
    ):
        refused(ecg_keras(*arguments), code, expected)
    assert products(copied / "runs" / "new") == []


def test_a_shard_damaged_after_prepare_is_named(ecg_keras, copied):
    shards = shards_of(copied, "scratch")
    # kept by TensorFlow Data Validation alone
    shutil.rmtree(shards / "statistics", ignore_errors=True)
    for split in ("train", "test"):
        shard = next(shards.glob(f"{split}-*.tfrecord"))
        content = bytearray(shard.read_bytes())
        content[5000] ^= 255
        shard.write_bytes(content)
    damaged = r"a shard of the {} split is damaged \(corrupted record at \d+\)\. Delete the folder"
    refused(ecg_keras("validate", shards), 2, damaged.format("train"))
    answer = ecg_keras("evaluate", "runs/scratch", "--shards", shards)
    refused(answer, 1, damaged.format("test"))
    answer = ecg_keras("train", "scratch.yaml", "--set", "run=runs/new")
    refused(answer, 1, damaged.format("train"))


def test_damaged_files_of_a_run_are_named(ecg_keras, copied):
    run = copied / "runs" / "scratch"
    for name, content, arguments in (
        ("scores.json", b"{", ["evaluate", run]),
        ("scores.json", b"{}", ["compare", run, "runs/finetune"]),
        ("predictions/test.npz", b"PK\3\4", ["report", run]),
        ("log.csv", b"\xff", ["report", run]),
        ("dataset.json", b"{}", ["export", run, "serving/1"]),
        ("model.keras", b"PK\3\4", ["export", run, "serving/1"]),
        ("status.json", b"[1]", ["evaluate", run]),
    ):
        whole = (run / name).read_bytes()
        (run / name).write_bytes(content)
        refused(ecg_keras(*arguments), 1, re.escape(f"{run / name}: "))
        (run / name).write_bytes(whole)
    assert not (copied / "serving").exists()


def finetune(ecg_keras, *settings):
    """Fine-tune into a new run, without a baseline."""
    given = ["run=runs/new", "evaluation.baseline=null", "export=false", *settings]
    return ecg_keras("train", "finetune.yaml", *(part for one in given for part in ("--set", one)))


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            "data.leads=[I, II]",
            r"runs/up: was trained with leads I, .*V6, and this recipe has I, II\.",
        ),
        (
            "data.sampling_rate=100",
            r"with sampling rate 50 Hz, and this recipe has 100 Hz\. Set data",
        ),
        (
            "data.label_set=conditions",
            r"runs/up: its head is for NORM, .*`initialise: {head: new}`",
        ),
        (
            "model.backbone=lstm",
            r"runs/up: its network is gru, and this recipe's lstm\. Set model\.backbone",
        ),
    ],
)
def test_an_upstream_that_does_not_fit_is_refused(ecg_keras, copied, setting, expected):
    answer = finetune(ecg_keras, "initialise.from=runs/up", "initialise.head=keep", setting)
    refused(answer, 1, expected)
    assert not (copied / "runs" / "new" / "model.keras").exists()


def test_an_upstream_that_is_damaged_or_missing_is_refused_and_can_be_mended(ecg_keras, copied):
    whole = copied / "runs" / "up" / "model.keras"
    (copied / "bad.keras").write_bytes(whole.read_bytes()[:3000])
    refused(
        finetune(ecg_keras, "initialise.from=bad.keras"),
        1,
        r"bad\.keras: not a Keras model that opens safely \(the file is damaged or not whole\)",
    )
    refused(
        finetune(ecg_keras, "initialise.from=none.keras"),
        1,
        r"none\.keras: no run folder and no \.keras file\. Give initialise\.from a recipe",
    )
    (copied / "lone.keras").write_bytes(whole.read_bytes())
    answer = finetune(ecg_keras, "initialise.from=lone.keras", "initialise.head=keep")
    refused(answer, 2, r"initialise\.head keep needs a run folder, whose dataset\.json names the")
    assert not (copied / "runs" / "new" / "model.keras").exists()
    settings = ["initialise.from=runs/up/model.keras", "training.phases=[{epochs: 1}]"]
    assert finetune(ecg_keras, *settings).code == 0


def test_a_folder_of_other_things_is_never_made_a_run_or_replaced(ecg_keras, copied):
    (copied / "thesis").mkdir()
    (copied / "thesis" / "chapter1.tex").write_text("years")
    answer = ecg_keras("train", "scratch.yaml", "--set", "run=thesis")
    refused(answer, 2, r"thesis: not a run folder, and not empty \(it has chapter1\.tex\)")
    answer = ecg_keras("simulate", "thesis", "--records", 10)
    refused(answer, 1, r"thesis: holds 'chapter1\.tex' and no valid simulation\.json")
    assert [path.name for path in (copied / "thesis").iterdir()] == ["chapter1.tex"]
