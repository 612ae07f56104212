"""What `evaluate` and `compare` open: runs and files, and what they are called."""

from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions
from ecg_keras.workflow import compare_runs, is_prediction_file, open_predictions
from ecg_keras.workflow.opened import tell_apart

PARTS = st.lists(st.sampled_from(["a", "b", "test", "runs"]), min_size=1, max_size=4)


def write(path, labels=("MI",), present=0.9):
    """Ten persons with a label, all with one probability, and ten without it, who have 0.2."""
    targets = np.repeat([[1] * len(labels), [0] * len(labels)], 10, axis=0)
    said = np.where(targets == 1, present, 0.2)
    Predictions(labels, np.arange(20), np.arange(20), targets, said).save(path)
    return path


@given(PARTS, PARTS, st.sampled_from(["", ".npz", ".csv"]))
def test_two_are_called_by_as_much_of_their_paths_as_tells_them_apart(first, second, ending):
    paths = ["/".join(parts) + ending for parts in (first, second)]
    names = tell_apart(*paths)
    assert (names[0] == names[1]) == (paths[0] == paths[1])
    for name, path in zip(names, paths, strict=True):
        whole = PurePosixPath(path.removesuffix(ending)).parts
        kept = PurePosixPath(name).parts
        assert whole[len(whole) - len(kept) :] == kept
    if first[-1] != second[-1]:
        assert names == (first[-1], second[-1])


def test_a_file_is_told_from_a_run_by_what_is_there_then_by_its_name(tmp_path):
    (tmp_path / "run.npz").mkdir()
    (tmp_path / "notes").touch()
    assert not is_prediction_file(tmp_path / "run.npz")
    assert is_prediction_file(tmp_path / "notes")
    assert is_prediction_file("none.CSV")
    assert not is_prediction_file("none")


def test_validation_lies_beside_a_file_named_test_alone(tmp_path):
    write(tmp_path / "valid.npz", present=0.4)
    assert open_predictions(write(tmp_path / "a.npz")).thresholds is None
    opened = open_predictions(write(tmp_path / "test.npz"))
    assert opened.thresholds == {"MI": pytest.approx(0.3)}
    assert opened.run is None
    other = write(tmp_path / "other.npz", present=0.8)
    assert open_predictions(tmp_path / "test.npz", other).thresholds["MI"] == pytest.approx(0.5)


def test_labels_of_test_and_validation_must_be_the_same(tmp_path):
    valid = write(tmp_path / "valid.npz", ("AF",))
    with pytest.raises(DataError, match=r"valid\.npz: must have the labels of .*test\.npz in the"):
        open_predictions(write(tmp_path / "test.npz"), valid)


def test_what_a_reader_should_know_is_noted(tmp_path):
    for name in "ab":
        write(tmp_path / f"{name}.npz")
    notes = []
    found = compare_runs(
        tmp_path / "a.npz",
        tmp_path / "b.npz",
        names=("x", "y"),
        bootstrap=100,
        on_note=notes.append,
    )
    assert found.names == ("x", "y")
    assert [note.partition(":")[0] for note in notes] == ["x", "y"]
    assert found.sentence.endswith(" How they were tuned is not known.")
