"""Predictions read from a table, CSV or Parquet."""

import numpy as np
import pandas as pd
import pytest

from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions

FRAME = pd.DataFrame(
    {
        "record_id": ["007", "12", "NA"],
        "age": [50, 61, 70],
        "patient_id": ["1", "1", "2"],
        "target_MI": [1, 0, 0],
        "target_a, b": [0, 1, 1],
        "probability_a, b": [0.25, 0.5, 1],
        "probability_MI": [0.75, 0.125, 0],
    }
)


def write(path, frame=FRAME, **options):
    frame.to_csv(path, index=False, **options)
    return path


def check(said):
    assert said.labels == ("MI", "a, b")
    assert said.record_ids.tolist() == ["007", "12", "NA"]
    assert said.patient_ids.tolist() == ["1", "1", "2"]
    assert said.targets.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert said.probabilities.tolist() == [[0.75, 0.25], [0.125, 0.5], [0, 1]]


@pytest.mark.parametrize(
    "options",
    [{}, {"sep": ";"}, {"sep": "\t", "encoding": "utf-16"}, {"lineterminator": "\r\n\r\n"}],
)
def test_a_csv_gives_predictions(tmp_path, options):
    check(Predictions.load(write(tmp_path / "a.csv", **options)))


def test_parquet_and_booleans_too(tmp_path):
    FRAME.astype({"target_MI": bool}).to_parquet(tmp_path / "a.parquet")
    check(Predictions.load(tmp_path / "a.parquet"))
    check(Predictions.load(write(tmp_path / "a.csv", FRAME.astype({"target_MI": bool}))))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            FRAME.drop(columns=["patient_id", "probability_MI"]),
            r"a\.csv: Missing: patient_id, probability_MI\. The columns of predictions are "
            r"record_id, patient_id, and target_LABEL and probability_LABEL of each label\. It has",
        ),
        (FRAME.drop(columns="target_MI"), r"Missing: target_MI\. .*"),
        (FRAME[["record_id", "patient_id"]], r"Missing: the columns target_LABEL\."),
        (
            FRAME.rename(columns={"probability_MI": "probabilty_MI"}),
            r"Missing: probability_MI\. .* Did you mean 'probabilty_MI'\?$",
        ),
        (
            FRAME.assign(probability_MI=["0,75", "0,125", "0"]),
            r"row 1 below the header: probability_MI must be a number with a decimal point\. "
            r"Received: '0,75'\.$",
        ),
        (
            FRAME.assign(target_MI=[1, None, 0]),
            r"row 2 below the header: target_MI must be a number .* Received: ''\.$",
        ),
        (FRAME.assign(patient_id=["1", None, "2"]), r"patient_ids must not be empty"),
        (
            FRAME.assign(target_MI=[1, 2, 0]),
            r"targets must be 0 or 1\. Received: 2\.0 for record 12",
        ),
        (FRAME[:0], r"has no row below its header"),
    ],
)
def test_a_wrong_table_is_named_with_what_to_do(tmp_path, frame, message):
    path = write(tmp_path / "a.csv", frame)
    with pytest.raises(DataError, match=message) as caught:
        Predictions.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_table_that_is_none_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: there is no such table of predictions\.$"):
        Predictions.load(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match=r"a\.csv: no"):
        Predictions.load(tmp_path / "a.csv")


def test_a_wide_table_keeps_every_number(tmp_path):
    rng = np.random.default_rng(0)
    targets, said = rng.random((60, 70)) < 0.1, rng.random((60, 70)).astype(np.float32)
    labels, ids = [f"L{i}" for i in range(70)], np.arange(60)
    frame = pd.concat(
        [
            pd.DataFrame({"record_id": ids, "patient_id": ids}),
            pd.DataFrame(targets.astype(int), columns=[f"target_{label}" for label in labels]),
            pd.DataFrame(said, columns=[f"probability_{label}" for label in labels]),
        ],
        axis=1,
    )
    found = Predictions.load(write(tmp_path / "a.csv", frame))
    np.testing.assert_array_equal(found.targets, targets)
    np.testing.assert_array_equal(found.probabilities, said)
