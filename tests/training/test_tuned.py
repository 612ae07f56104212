"""tuning.json: read as it was written, with fields missing and more; damaged, it is one line."""

import json

import pytest

from ecg_keras.errors import DataError
from ecg_keras.training import Run, Tried, Tuned, read_tuned


@pytest.fixture
def tuned():
    tried = [
        Tried("rate 0.1", "candidates/rate_0.1", 0.7, 0.4, 3e-4, 8, 2.0),
        Tried("rate 1", "candidates/rate_1", None, 0.3, 3e-3, 8, 3.0),
        Tried("rate 10", "candidates/rate_10", 0.8, 0.2, 3e-2, 8, 4.0),
    ]
    return Tuned("mark", "macro_auroc", "rate 10", tuple(tried), further=1, edge="highest")


def test_it_is_read_as_it_was_written(tuned, tmp_path):
    run = Run(tmp_path)
    assert read_tuned(run) is None
    tuned.save(run)
    assert read_tuned(run) == tuned
    assert (tuned.settings, tuned.choice.score) == (2, 0.8)


def test_fields_may_be_missing_or_unknown(tuned, tmp_path):
    tuned.save(Run(tmp_path))
    kept = json.loads(Run(tmp_path).tuning.read_text())
    del kept["edge"], kept["further"]
    Run(tmp_path).tuning.write_text(json.dumps({**kept, "later": 1}))
    assert read_tuned(Run(tmp_path)).edge is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept.update(chosen="rate 7"),
        lambda kept: kept.update(candidates=[]),
        lambda kept: kept.update(candidates=[{"name": 3}]),
        lambda kept: kept["candidates"][0].update(loss="low"),
        lambda kept: kept.pop("by"),
    ],
)
def test_a_damaged_one_is_named_in_one_line(tuned, tmp_path, damage):
    tuned.save(Run(tmp_path))
    kept = json.loads(Run(tmp_path).tuning.read_text())
    damage(kept)
    Run(tmp_path).tuning.write_text(json.dumps(kept))
    with pytest.raises(DataError) as refused:
        read_tuned(Run(tmp_path))
    assert "tuning.json" in str(refused.value)
    assert "\n" not in str(refused.value)
