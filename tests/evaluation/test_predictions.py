"""The predictions file: round trip, and what is said of files that are something else."""

import pickle
import zipfile

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions


def make(**changes):
    parts = {
        "labels": ("NORM", "MI"),
        "record_ids": np.array(["r1", "r2", "r3"]),
        "patient_ids": np.array(["p1", "p1", "Ö2"]),
        "targets": np.array([[1, 0], [0, 1], [0, 0]], np.uint8),
        "probabilities": np.array([[0.9, 0.1], [0.25, 1.0], [0.0, 0.5]], np.float32),
    }
    return Predictions(**(parts | changes))


def same(a, b):
    return a.labels == b.labels and all(
        np.array_equal(getattr(a, name), getattr(b, name))
        and getattr(a, name).dtype.kind == getattr(b, name).dtype.kind
        for name in ("record_ids", "patient_ids", "targets", "probabilities")
    )


def test_a_file_gives_back_what_was_saved(tmp_path):
    path = tmp_path / "new" / "folder" / "test.npz"
    make().save(path)
    assert same(Predictions.load(path), make())
    assert [found.name for found in path.parent.iterdir()] == ["test.npz"]


def test_the_file_opens_with_plain_numpy_and_has_the_documented_types(tmp_path):
    make().save(tmp_path / "test.npz")
    with np.load(tmp_path / "test.npz", allow_pickle=False) as file:
        assert {name: (file[name].dtype.kind, file[name].shape) for name in file.files} == {
            "labels": ("U", (2,)),
            "record_ids": ("U", (3,)),
            "patient_ids": ("U", (3,)),
            "targets": ("u", (3, 2)),
            "probabilities": ("f", (3, 2)),
        }
        assert file["probabilities"].dtype == np.float32


def test_equal_predictions_give_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        make().save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    make().save(tmp_path / "test.npz")
    before = (tmp_path / "test.npz").read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space left"):
        make().save(tmp_path / "test.npz")
    assert (tmp_path / "test.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_another_program_is_read(tmp_path):
    """What NumPy writes of other types, byte orders and layouts; two names, one content."""
    make().save(tmp_path / "ours.npz")
    said = make()
    write(
        tmp_path / "theirs.npz",
        labels=np.array([label.encode() for label in said.labels]),
        record_ids=said.record_ids.astype("U40"),
        targets=np.asfortranarray(said.targets.astype(bool)),
        probabilities=np.asfortranarray(said.probabilities.astype(">f8")),
    )
    theirs = Predictions.load(tmp_path / "theirs.npz")
    assert same(theirs, said)
    theirs.save(tmp_path / "theirs.npz")
    assert (tmp_path / "theirs.npz").read_bytes() == (tmp_path / "ours.npz").read_bytes()


def test_sorting_moves_rows_together():
    order = [2, 0, 1]
    parts = ("record_ids", "patient_ids", "targets", "probabilities")
    shuffled = make(**{name: getattr(make(), name)[order] for name in parts})
    assert not same(shuffled, make())
    assert same(shuffled.sorted(), make())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ()}, r"at least one label and one record"),
        ({"labels": ("MI", "MI")}, r"labels must all be different. More than once: MI"),
        ({"record_ids": ["a", "b", "a"]}, r"record_ids must all be different. More than once: a"),
        ({"patient_ids": ["p"]}, r"patient_ids must be as many as record_ids, 3. Received: 1"),
        ({"targets": np.zeros((2, 3))}, r"targets must have the shape .* = \(3, 2\).*\(2, 3\)"),
        ({"probabilities": np.zeros(3)}, r"probabilities must have the shape .*shape \(3,\)"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        make(**changes)


def write(path, **changes):
    arrays = {
        name: np.array(getattr(make(), name))
        for name in ("labels", "record_ids", "patient_ids", "targets", "probabilities")
    }
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": None, "labels": None}, r"Missing: labels, targets"),
        ({"targets": np.zeros((4, 2), np.uint8)}, r"targets must have the shape"),
        ({"probabilities": np.full((3, 2), np.nan)}, r"Received: nan for record r1, label NORM"),
        ({"labels": np.array("NORM")}, r"labels must be a row of strings"),
        (
            {"labels": np.array(["a", "b"], object)},
            r"labels\.npy is one: save text as np\.array\(labels, dtype=str\)",
        ),
        ({"patient_ids": None}, r"of another person, save patient_ids=record_ids\.$"),
        ({"record_ids": None}, r"rows of two files belong together: save a name or number of each"),
        ({"probabilities": None}, r"Of logits, save 1 / \(1 \+ np\.exp\(-logits\)\)\.$"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, changes, message):
    path = tmp_path / "valid.npz"
    write(path, **changes)
    with pytest.raises(DataError, match=message) as caught:
        Predictions.load(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_an_unreadable_file_is_named(tmp_path):
    path = tmp_path / "test.npz"
    make().save(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    for content in (
        b"",
        b"no archive",
        whole[:middle],
        whole[:middle] + bytes(8) + whole[middle + 8 :],
    ):
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            Predictions.load(path)
        assert str(caught.value).startswith(f"{path}: can't be read as predictions")
    with pytest.raises(DataError, match=r"absent.npz: there are no predictions here"):
        Predictions.load(tmp_path / "absent.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"one.npy: holds one array"):
        Predictions.load(tmp_path / "one.npy")


def test_a_pickle_in_the_file_is_never_run(tmp_path):
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return ran.touch, ()

    path = tmp_path / "test.npz"
    write(path, labels=None)
    header = b"\x93NUMPY\x01\x00v\x00" + (
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    )
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("labels.npy", header + pickle.dumps(np.array([Bomb()], object)))
    with pytest.raises(DataError, match=r"can't be read as predictions: Object arrays"):
        Predictions.load(path)
    assert not ran.exists()
