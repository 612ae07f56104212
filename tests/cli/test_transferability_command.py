"""`ecg-keras transferability` as a user types it."""

import inspect
import json

import pytest
from test_other_commands import shards_of

from ecg_keras.cli.checkpoint_commands import transferability
from ecg_keras.data import describe
from ecg_keras.transferability import MOST_RECORDS, rank_checkpoints


@pytest.fixture
def target(project):
    return shards_of(project, "scratch")


def test_it_ranks_checkpoints_and_claims_little(ecg_keras, project, target, tmp_path):
    runs = [project / "runs" / name for name in ("up", "scratch")]
    answer = ecg_keras("transferability", "--target", target, *runs, "--json", "ranks.json")
    assert answer.code == 0
    first, blank, header, *rows, blank_again, sentence, caveat = answer.out.splitlines()
    assert first.startswith(f"{target}: ")
    assert "training records of" in first and "subset" not in first
    assert (blank, blank_again) == ("", "")
    assert header.split()[:3] == ["checkpoint", "MELEP", "↓"]
    assert header.endswith("linear probe ↑")
    written = json.loads((tmp_path / "ranks.json").read_text())
    assert [row.split()[0] for row in rows] == [one["checkpoint"] for one in written["checkpoints"]]
    best = written["checkpoints"][0]
    assert f"{best['values']['knn']:.3f} ({best['ranks']['knn']:g})" in rows[0]
    assert "baselines" in sentence
    assert "No such metric is reliable on its own" in caveat


def test_one_checkpoint_has_no_rank(ecg_keras, project, target):
    answer = ecg_keras(
        "transferability", project / "runs/up", "--target", target, "--records", "20"
    )
    assert answer.code == 0
    assert "20 training records" in answer.out
    assert "labels (a nested subset: --records)" in answer.out
    assert "(1)" not in answer.out
    assert "nothing to be ranked against" in answer.out
    every = str(describe(project / target).splits["train"].records)
    answer = ecg_keras(
        "transferability", project / "runs/up", "--target", target, "--records", every
    )
    assert f"{every} training records" in answer.out and "subset" not in answer.out


def test_of_many_records_a_part_is_looked_at():
    (records,) = (one for one in transferability.params if one.name == "records")
    given = inspect.signature(rank_checkpoints).parameters["train_records"].default
    assert records.default == given == MOST_RECORDS


def test_what_is_wrong_is_one_line(ecg_keras, project, target):
    answer = ecg_keras("transferability", "nowhere", "--target", target)
    assert answer.code == 1
    assert answer.err.startswith("ecg-keras: nowhere: no such model. Name a .keras file")
    assert ecg_keras("transferability", "--target", target).code == 2
    assert ecg_keras("transferability", "runs/up").code == 2
