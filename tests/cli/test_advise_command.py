"""`ecg-keras advise` as a user types it, from finished runs to a recipe that runs."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from test_other_commands import shards_of

from ecg_keras.advise import ways
from ecg_keras.config import load_recipe
from ecg_keras.data import read_dataset


@pytest.fixture
def advised(project, tmp_path) -> Path:
    """Runs, recordings and shards of the finished project, which may be changed."""
    for name in ("runs", "shards", "raw"):
        # with their times, which tell whether recordings are the same
        shutil.copytree(project / name, tmp_path / name)
    return tmp_path


def wipe(shard):
    """Sets every sample and target of a shard to zero; its size and the ids stay."""
    size, examples = shard.stat().st_size, []
    for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator():
        example = tf.train.Example.FromString(record)
        signal = example.features.feature["signal"].bytes_list
        signal.value[0] = bytes(len(signal.value[0]))
        target = example.features.feature["target"].int64_list
        target.value[:] = [0] * len(target.value)
        examples.append(example.SerializeToString())
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for example in examples:
            writer.write(example)
    assert shard.stat().st_size == size


@pytest.mark.long
def test_it_says_what_to_do_and_writes_it_down(ecg_keras, advised, monkeypatch):
    monkeypatch.setattr(ways, "EPOCHS_OF_FEW", 4)
    target = shards_of(advised, "scratch").relative_to(advised)
    # of the test split only is read who is in it: its ECGs and labels may be anything
    (name,) = read_dataset(advised / target / "dataset.json").splits["test"].shards
    wipe(advised / target / name)
    arguments = ["advise", "runs/up", "--target", target, "--seeds", 2, "--pilot-minutes", 30]
    arguments += ["--out", "advised.yaml", "--raw", "raw/down"]
    answer = ecg_keras(*arguments)
    assert answer.code == 0, answer.err
    assert answer.err.count("pilot run ") == 6
    lines = answer.out.splitlines()
    assert lines[0].startswith(f"{target}: 3")
    assert "runs/up: gru trained on" in answer.out
    assert "labels of the target that it knows: 5 of 5" in answer.out
    assert "  drift: " in answer.out
    assert "nothing to be ranked against" in answer.out
    assert " 4 epochs, 2 seeds each" in answer.out
    # no epoch is chosen there, but validation scores the ways
    assert "The validation split is small for a choice in 4 of 4 runs" in answer.out
    for way in ("scratch", "linear probe from runs/up", "fine-tune from runs/up"):
        assert any(line.startswith(f"{way} ") for line in lines)
    assert lines[-1] == "recipe  advised.yaml"

    written = (advised / "advised.yaml").read_text()
    recipe = load_recipe(advised / "advised.yaml").recipe
    first = next(line for line in lines if "less scratch." in line or "gain over scratch" in line)
    assert written.startswith(f"# {first[:60]}")
    assert recipe.model.backbone == "gru"
    assert recipe.data.train_records is None
    assert sum(phase.epochs for phase in recipe.training.phases) == 4
    shown = ecg_keras("train", "advised.yaml", "--dry-run").out
    assert f"done   prepare shards    advised.yaml  {target}" in " ".join(
        line for line in shown.splitlines() if "prepare shards" in line and target.name in line
    )

    times = {path: path.stat().st_mtime_ns for path in advised.glob("runs/advise/*/*/model.keras")}
    # three ways, and heads on two frozen networks, with two seeds each
    assert len(times) == 6 + 4
    again = ecg_keras(*arguments)
    assert again.out == answer.out
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_what_is_wrong_is_told_before_anything_is_trained(ecg_keras, project, tmp_path):
    target, run = shards_of(project, "scratch"), project / "runs" / "up"
    answer = ecg_keras("advise", run, "--target", target, "--out", "a.yaml")
    assert answer.code == 2
    assert "--out needs --raw FOLDER" in answer.err
    answer = ecg_keras("advise", run, "--target", target, "--out", "a.yaml", "--raw", "nowhere")
    assert (answer.code, answer.err) == (1, "ecg-keras: --raw: there is no folder nowhere.\n")
    assert ecg_keras("advise", run, "--target", target, "--seeds", "1").code == 2
    assert not list(tmp_path.iterdir())
