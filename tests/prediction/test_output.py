"""The three formats hold the same answers, and other programs read them."""

import json

import numpy as np
import pandas as pd
import pytest

import ecg_keras as ecg


@pytest.fixture(scope="module")
def written(lab, tmp_path_factory):
    """Answers, of which one is missing, and the files of them by their endings."""
    folder = tmp_path_factory.mktemp("written")
    files = [*lab.headers[:3], folder / "gone.edf"]
    paths = {ending: folder / f"a.{ending}" for ending in ("csv", "jsonl", "parquet")}
    answers = [ecg.predict(lab.run, files, out=path) for path in paths.values()]
    return answers[0], paths


def test_tables_have_a_row_for_each_recording(written):
    answers, paths = written
    for table in (pd.read_csv(paths["csv"]), pd.read_parquet(paths["parquet"])):
        assert table.record_id.tolist() == [one.record_id for one in answers.rows]
        assert table.status.tolist() == ["answered"] * 3 + ["unreadable"]
        for place, label in enumerate(answers.labels):
            found = table[f"probability_{label}"].to_numpy(np.float32)
            assert np.array_equal(found, answers.probabilities[:, place], equal_nan=True)
            decided = [answers.decide(one)[place] for one in answers.rows[:3]]
            assert table[f"decision_{label}"][:3].astype(bool).tolist() == decided
            assert pd.isna(table[f"decision_{label}"][3])


def test_lines_of_json_are_strict(written):
    answers, paths = written
    rows = [json.loads(line) for line in paths["jsonl"].read_text().splitlines()]
    assert [row["record_id"] for row in rows] == [one.record_id for one in answers.rows]
    label = answers.labels[0]
    assert np.float32(rows[0][f"probability_{label}"]) == answers.probabilities[0, 0]
    assert rows[3][f"probability_{label}"] is None and rows[3]["flags"] == []
    assert "No such file" in rows[3]["reason"]
