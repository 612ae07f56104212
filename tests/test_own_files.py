"""Our own files, damaged: one line that names the file, at once, in little memory."""

import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.array_files import read_arrays
from ecg_keras.data.dataset import read_dataset
from ecg_keras.data.identities import Identities, nobody
from ecg_keras.errors import DataError, printable
from ecg_keras.evaluation import Comparison, Predictions, Scores
from ecg_keras.export import read_card
from ecg_keras.json_files import as_count, as_name, as_number, as_texts, read_json
from ecg_keras.training import Run, read_guarded
from ecg_keras.training.checkpoint import read_progress

READERS = {
    "status.json": lambda folder: Run(folder).read_status(),
    "leaks.json": lambda folder: read_guarded(Run(folder)),
    "progress.json": read_progress,
    "scores.json": lambda folder: Scores.load_json(folder / "scores.json"),
    "comparison.json": lambda folder: Comparison.load_json(folder / "comparison.json"),
    "dataset.json": lambda folder: read_dataset(folder / "dataset.json"),
    "environment.json": lambda folder: Run(folder).read_environment(),
    "assets/card.json": read_card,
}
DAMAGED = {
    "nothing": b"",
    "half": b'{"state": "tra',
    "binary": bytes(range(256)),
    "a list": b"[1, 2]",
    "null": b"null",
    "deep": b'{"a": ' * 100_000,
    "deep lists": b"[" * 100_000,
    "NaN": b'{"state": NaN}',
    "digits": b'{"state": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path, name, content):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        READERS[name](tmp_path)
    said = str(caught.value)
    assert str(path) in said
    assert "\n" not in printable(said)
    assert len(said) < 800


@pytest.mark.parametrize("name", [name for name in READERS if name != "dataset.json"])
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(DataError, match=name):
        READERS[name](tmp_path)


def test_a_file_that_promises_terabytes_is_not_read(tmp_path):
    with (tmp_path / "status.json").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(DataError, match=r"json: damaged: can't be read as statuses: it has 1099"):
        Run(tmp_path).read_status()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", 3),
        ("settings", []),
        ("settings", {"data": 3}),
        ("seconds", "long"),
        ("name", None),
    ],
)
def test_a_status_with_a_field_of_another_type_is_refused(tmp_path, field, value):
    Run(tmp_path).status.write_text(json.dumps({"state": "trained", field: value}))
    with pytest.raises(DataError, match=r"json: damaged: a field of these statuses has a wrong"):
        Run(tmp_path).read_status()


def test_a_field_that_a_status_lacks_is_named_where_it_is_asked_for(tmp_path):
    Run(tmp_path).status.write_text('{"state": "trained"}')
    with pytest.raises(DataError, match=r"json: damaged: it lacks shards\. Remove .* again"):
        Run(tmp_path).read_status()["shards"]
    assert Run(tmp_path).read_status().get("shards") is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
WHOLE = {
    **{"dropped": [], "quarantined": [], "duplicates": [], "repairs": []},
    **dict.fromkeys(("source", "label_set", "fingerprint", "raw_digest"), "x"),
    **{"labels": ["AF"], "leads": ["I"], "sampling_rate": 100.0, "num_samples": 1000},
    **{"settings": {}, "quality": {}, "format": 2},
    "splits": {
        "train": {
            **{"records": 1, "patients": 1, "labels": {"AF": 1}},
            **{"shards": {"a.tfrecord": 3}, "checksums": {"a.tfrecord": "0"}},
        }
    },
}


@given(field=st.sampled_from(sorted(WHOLE)), value=values)
def test_a_dataset_with_any_field_replaced_is_read_or_refused(tmp_path_factory, field, value):
    path = tmp_path_factory.mktemp("any") / "dataset.json"
    path.write_text(json.dumps({**WHOLE, field: value}))
    try:
        assert read_dataset(path).table()
    except DataError as error:
        assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("labels", ["a\x1b[31mb"], r"must be a name of one line. Received: 'a\\x1b\[31mb'"),
        ("labels", ["a\nb"], "must be a name of one line"),
        ("labels", "AF", "must be a list. Received: 'AF'"),
        ("sampling_rate", "100", "must be a number. Received: '100'"),
        ("num_samples", -1, "must be a whole number from 0. Received: -1"),
        ("splits", {"train": {**WHOLE["splits"]["train"], "shards": {"../x": 1}}}, "own folder"),
        ("splits", {"train": {}}, "needs the field 'records'"),
    ],
)
def test_a_wrong_dataset_is_refused(tmp_path, field, value, message):
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({**WHOLE, field: value}))
    with pytest.raises(DataError, match=message):
        read_dataset(path)
    path.write_text(json.dumps(WHOLE))
    assert read_dataset(path).labels == ("AF",)


def save(path: Path, **arrays: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)


def header(shape: str, descr: str = "'<f4'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header("(1000000000000000,)"), "a.npy has 0 bytes, not those of"),
        (header("(-1, -1)") + bytes(4), "a.npy has 4 bytes"),
        (header("(10,)") + bytes(4), "a.npy has 4 bytes, not those of"),
        (header("(1,)", "'|O'") + bytes(8), "Object arrays are not opened, and a.npy is one"),
        (header("(1000000000000000000,)", "'<U0'"), "a.npy|itemsize"),
        (b"\x93NUMPY\x09\x00", "can't be read"),
        (b"garbage", "can't be read"),
        (header("(" * 5000), "can't be read"),
        (bytes(80_000_000), "it would unpack to 80000000 bytes"),
    ],
)
def test_an_array_that_is_not_as_it_says_is_refused(tmp_path, content, message):
    path = tmp_path / "a.npz"
    save(path, a=content)
    tracemalloc.start()
    with pytest.raises(DataError, match=message) as caught:
        read_arrays(path, ("a",), "predictions", "Predict again.")
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}: can't be read as predictions: ")


@given(
    st.sampled_from(["<f4", "<f8", "|u1", "<U3", "|i1", ">i4"]),
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.booleans(),
)
def test_arrays_are_those_that_were_saved(tmp_path_factory, dtype, shape, turned):
    path = tmp_path_factory.mktemp("arrays") / "a.npz"
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    values = np.asfortranarray(values) if turned else values
    np.savez_compressed(path, a=values, b=np.zeros(3))
    found = read_arrays(path, ("a", "c"), "arrays")
    assert set(found) == {"a"}
    assert found["a"].dtype == values.dtype
    np.testing.assert_array_equal(found["a"], values)


def test_a_damaged_byte_of_an_archive_is_a_line(tmp_path):
    path = tmp_path / "seen.npz"
    nobody().save(path)
    whole = path.read_bytes()
    assert len(Identities.load(path)) == 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            Identities.load(path)
        except DataError as error:
            assert str(error).startswith(f"{path}: ")
        path.write_bytes(whole[:place])
        with pytest.raises(DataError, match=r"seen\.npz"):
            Identities.load(path)


def test_a_label_that_would_command_the_terminal_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"must be names of one line. Received: 'A\\x1b\[2J'"):
        Predictions(["A\x1b[2J"], ["r"], ["p"], [[1]], [[0.5]])
    assert printable("A\x1b[2J\r\u009b\udc80 ü\tß\n心") == ("A\\x1b[2J\\r\\x9b\\udc80 ü\tß\n心")


def test_values_have_the_type_that_they_must_have(tmp_path):
    path = tmp_path / "x.json"
    for check, wrong in (
        (as_count, (True, 1.0, "1", -1, 2**63, None)),
        (as_number, (True, "1", None, [])),
        (as_name, (1, None, "a\nb", "\x7f")),
        (as_texts, ("a", [1], None)),
    ):
        for value in wrong:
            path.write_text(json.dumps({"a": value}))
            with pytest.raises(DataError, match=r"x\.json: damaged: a field of these things has a"):
                read_json(path, "things", lambda content, check=check: check(content["a"]), "Do.")
    path.write_text('{"a": 1e999}')
    with pytest.raises(DataError, match=r"Received: inf\. Do\.$"):
        read_json(path, "things", lambda content: as_number(content["a"]), "Do.")
    with pytest.raises(DataError, match="there is no such file of things"):
        read_json(tmp_path / "none.json", "things", dict)
