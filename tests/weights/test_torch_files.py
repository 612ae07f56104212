"""PyTorch's files are read as PyTorch reads them, and nothing in them is run."""

import re
import struct
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from torch_writer import (
    call,
    mapping,
    number,
    program,
    sequence,
    tensor,
    text,
    write_old,
    write_state,
    write_zip,
)

from ecg_keras.errors import DataError
from ecg_keras.weights import read_tensors, torch_pickle

COUNTERS = re.compile("running_|num_batches")
VALUES = np.arange(24, dtype=np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "theirs.pt"


def test_a_state_dict(path):
    arrays = {"conv.weight": VALUES.reshape(2, 3, 4), "norm.bias": VALUES[:2].astype("f8")}
    arrays |= {
        "steps": np.array(7),
        "mask": np.array([True, False]),
        "none": np.zeros((0, 3), "f4"),
    }
    write_state(path, arrays)
    read = read_tensors(path)
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[name], array)


def test_tensors_are_parts_of_storages_that_they_share(path):
    parts = [
        ("turned", tensor("0", VALUES, shape=(6, 4), strides=(1, 6))),
        ("every_other", tensor("0", VALUES, shape=(2, 3), strides=(6, 2), offset=6)),
        ("same", tensor("0", VALUES)),
    ]
    write_zip(path, mapping(parts), {"0": VALUES.tobytes()})
    read, square = read_tensors(path), VALUES.reshape(4, 6)
    np.testing.assert_array_equal(read["turned"], square.T)
    np.testing.assert_array_equal(read["every_other"], square[1:3, ::2])
    np.testing.assert_array_equal(read["same"], VALUES)


def test_numbers_of_16_bits_and_of_another_byte_order(path):
    halves = np.array([1.5, -2, 65504], np.float16)
    brain = np.array([1.5, -2, 3e38], np.float32).view(np.uint32) >> 16
    both = mapping(
        [("half", tensor("0", halves)), ("brain", tensor("1", halves, dtype="BFloat16Storage"))]
    )
    write_zip(
        path,
        both,
        {"0": halves.astype(">f2").tobytes(), "1": brain.astype(">u2").tobytes()},
        byteorder=b"big",
    )
    read = read_tensors(path)
    assert read["half"].dtype == read["brain"].dtype == np.float32
    np.testing.assert_array_equal(read["half"], halves.astype("f4"))
    np.testing.assert_allclose(read["brain"], [1.5, -2, 3e38], rtol=1 / 128)


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_a_prefix_that_all_names_have_is_a_wrappers(path, wrapper):
    write_state(path, {f"{wrapper}a.weight": VALUES, f"{wrapper}a.bias": VALUES})
    assert list(read_tensors(path)) == ["a.weight", "a.bias"]
    write_state(path, {f"{wrapper}a.weight": VALUES, "b.bias": VALUES})
    assert f"{wrapper}a.weight" in read_tensors(path)


def in_checkpoint(kind):
    """Weights among what training scripts store beside them; none of it is called."""
    state = mapping([("w", tensor("0", VALUES))])
    adam = mapping(
        [("state", b"}" + number(0) + mapping([("exp_avg", tensor("0", VALUES))]) + b"s")]
    )
    beside = [
        ("epoch", number(3)),
        ("device", call("torch.device", b"(" + text("cuda:0") + b"t")),
        ("loss", call("numpy.core.multiarray.scalar", b"(" + text("f8") + b"t")),
        ("best", tensor("0", VALUES)),
        # an object of a class of the script's own, with attributes
        ("args", b"cargparse\nNamespace\n)\x81" + mapping([("lr", number(1))]) + b"b"),
        ("optimizer", adam),
    ]
    if kind == "tuple":
        return state + adam + b"\x86"
    if kind == "network":
        parts = mapping([("_parameters", mapping([("w", tensor("0", VALUES))]))])
        inner = b"cour_lab.networks\nLayer\n)\x81" + parts + b"b"
        whole = mapping([("_parameters", b"}"), ("_modules", mapping([("layer", inner)]))])
        return b"cour_lab.networks\nNet\n)\x81" + whole + b"b"
    return mapping([*beside, (kind, state)])


@pytest.mark.parametrize("kind", ["state_dict", "model_state_dict", "model", "tuple", "network"])
def test_weights_in_a_checkpoint_are_found(path, kind):
    write_zip(path, in_checkpoint(kind), {"0": VALUES.tobytes()})
    (array,) = read_tensors(path).values()
    np.testing.assert_array_equal(array, VALUES)


def test_of_several_networks_none_is_taken(path, refusal):
    state = mapping([("w", tensor("0", VALUES))])
    write_zip(path, mapping([("teacher", state), ("student", state)]), {"0": VALUES.tobytes()})
    assert refusal(path) == (
        "holds several sets of weights: teacher, student. Save the one that you want with "
        "torch.save."
    )


def test_a_file_of_pytorch_before_1_6(path, refusal):
    content = mapping([("a", tensor("7", VALUES[:4])), ("b", tensor("3", VALUES.astype("f8")))])
    beside = mapping([("state_dict", content), ("optimizer", tensor("9", VALUES))])
    write_old(path, beside, {"9": VALUES, "3": VALUES.astype("f8"), "7": VALUES[:4]})
    read = read_tensors(path)
    np.testing.assert_array_equal(read["a"], VALUES[:4])
    np.testing.assert_array_equal(read["b"], VALUES)
    path.write_bytes(path.read_bytes()[:-5])
    assert "a needs 4 numbers, and the file has 2" in refusal(path)


@pytest.mark.parametrize(
    "name",
    ["os.system", "posix.system", "builtins.eval", "builtins.getattr", "subprocess.Popen",
     "torch.hub.load", "ecg_keras.files.replacing", "nowhere.at_all"],
)  # fmt: skip
@pytest.mark.parametrize("write", [write_zip, write_old])
def test_a_pickle_that_calls_something_is_refused_and_runs_nothing(
    path, refusal, tmp_path, name, write
):
    trace = tmp_path / "trace"
    evil = call(name, b"(" + text(f"touch {trace}") + b"t")
    write(path, mapping([("w", tensor("0", VALUES)), ("x", evil)]), {})
    assert refusal(path) == (
        f"asks for a call of {name}, which no tensor needs and which was not made. Do not use it; "
        "or, where you trust it, save its weights alone: torch.save(model.state_dict(), path)."
    )
    assert not trace.exists()


@pytest.mark.parametrize("opcodes", [b"(ios\nsystem\n", b"(cos\nsystem\nX\x01\x00\x00\x00ao"])
def test_the_other_ways_of_pickles_to_call_are_refused_too(path, refusal, opcodes):
    write_zip(path, opcodes, {})
    assert re.search(r"asks for a call of|holds no tensors|can't be read", refusal(path))


def test_an_object_of_an_unknown_class_is_made_of_nothing(path, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    evil = b"cevil\nThing\n(" + text("a") + b"t\x81" + mapping([("b", number(1))]) + b"b"
    write_zip(path, mapping([("w", tensor("0", VALUES)), ("x", evil)]), {"0": VALUES.tobytes()})
    assert list(read_tensors(path)) == ["w"]


def test_a_pickle_that_changes_what_it_is_given_leaves_the_next_file_alone(path):
    def change(name, attribute):
        module, _, function = name.rpartition(".")
        return f"c{module}\n{function}\nN".encode() + mapping([(attribute, b"}")]) + b"\x86b"

    evil = change("collections.OrderedDict", "items")
    evil += change("torch._utils._rebuild_tensor_v2", "__kwdefaults__")
    write_zip(path, evil + b"00" + mapping([("w", tensor("0", VALUES))]), {"0": VALUES.tobytes()})
    assert list(read_tensors(path)) == ["w"]
    state = call("collections.OrderedDict") + b"(" + text("w") + tensor("0", VALUES) + b"u"
    write_zip(path, state, {"0": VALUES.tobytes()})
    np.testing.assert_array_equal(read_tensors(path)["w"], VALUES)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"shape": (5, 5)}, "w has the shape (5, 5), more than its 24 numbers"),
        ({"shape": (10**9,), "strides": (0,)}, "w has the shape (1000000000,), more than its 24"),
        ({"shape": (2,), "strides": (10**15,)}, "w has the shape (2,), more than its 24 numbers"),
        ({"offset": 1}, "w has the shape (24,), more than its 24 numbers"),
        ({"offset": -1}, "w has the shape (24,) with the steps (1,) from -1"),
        ({"shape": (-2, -3)}, "w has the shape (-2, -3) with the steps"),
        ({"shape": (2, 2), "strides": (1,)}, "w has the shape (2, 2) with the steps (1,) from 0"),
        ({"strides": (-1,)}, "w has the shape (24,) with the steps (-1,) from 0"),
        ({"count": 10**12}, "w needs 1000000000000 numbers, and the file has 24"),
        ({"count": -1}, "w needs -1 numbers, and the file has"),
        ({"dtype": "QInt8Storage"}, "unknown storage torch.QInt8Storage"),
        ({"view": b"(" + text("v") + number(20) + number(9) + b"t"}, "a part 20, 9 of 24 numbers"),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(path, refusal, options, what):
    write_zip(path, mapping([("w", tensor("0", VALUES, **options))]), {"0": VALUES.tobytes()})
    assert refusal(path).startswith(f"can't be read as weights: {what}")


def test_a_storage_that_the_file_lacks(path, refusal):
    write_zip(path, mapping([("w", tensor("../../etc/passwd", VALUES))]), {"0": VALUES.tobytes()})
    assert "w needs 24 numbers, and the file has 0" in refusal(path)


def test_a_zip_that_would_unpack_to_more_than_it_is(path, refusal):
    content = mapping([("w", tensor("0", VALUES, count=1 << 26, shape=(1 << 26,)))])
    write_zip(path, content, {"0": bytes(1 << 28)}, method=zipfile.ZIP_DEFLATED)
    assert "its members are compressed, which torch.save never does" in refusal(path)


def test_two_members_of_one_name(path, refusal):
    write_state(path, {"w": VALUES})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("archive/data/0", bytes(96))
    assert "two members of one name" in refusal(path)


def test_members_with_paths_are_written_nowhere(path, tmp_path):
    write_state(path, {"w": VALUES})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil", b"x")
        archive.writestr("/tmp/evil", b"x")
    assert list(read_tensors(path)) == ["w"]
    assert [one.name for one in tmp_path.parent.rglob("evil")] == []


def test_a_memo_of_two_thousand_million_places_is_refused(path, refusal):
    write_zip(path, b"}r" + struct.pack("<I", 2**31 - 1), {})
    assert "its memo number 2147483647 is beyond the file" in refusal(path)


def test_what_holds_itself_is_looked_at_a_bounded_number_of_times(path, refusal, monkeypatch):
    monkeypatch.setattr(torch_pickle, "DEPTH", 2)  # it would end after two million looks
    itself = b"h\x00"
    parts = mapping([("_modules", mapping([("a", itself), ("b", itself)]))])
    write_zip(path, b"cfoo\nBar\n)\x81q\x00" + parts + b"b", {})
    assert refusal(path).startswith("has more parts than any network, as where an object holds")


def test_a_list_that_is_there_many_times_is_looked_at_a_bounded_number_of_times():
    part = {"epoch": 1}
    for _ in range(4):
        part = [part] * 30
    with pytest.raises(DataError, match="has more parts than any network"):
        torch_pickle.find_state(part)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("dtype", "unknown storage tuple."),
        ("key", "unknown storage f4."),
        ("shape", "a tensor with a shape or steps that are no numbers."),
    ],
)
def test_no_text_is_made_of_tuples_that_hold_another_twice(path, refusal, place, message):
    deep = b")" + 20 * b"2\x86"
    kind, key, shape = b"ctorch\nFloatStorage\n", text("0"), sequence((24,))
    if place == "dtype":
        kind = deep
    elif place == "key":
        key = deep
    else:
        shape = deep
    storage = b"(" + text("storage") + kind + key + text("cpu") + number(24) + b"tQ"
    rest = b"\x89" + call("collections.OrderedDict") + b"t"
    inner = b"(" + storage + number(0) + shape + sequence((1,)) + rest
    made = call("torch._utils._rebuild_tensor_v2", inner)
    write_zip(path, mapping([("w", made)]), {"0": VALUES.tobytes()})
    assert refusal(path).startswith(f"can't be read as weights: {message}")


def test_a_torchscript_program(path, refusal):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", program(b"}"))
        archive.writestr("net/code/__torch__.py", "import os")
    assert refusal(path) == (
        "is a TorchScript program. Save its state dict: "
        "torch.save(torch.jit.load(path).state_dict(), ...)."
    )


def test_a_pickle_alone_is_not_opened(path, refusal):
    path.write_bytes(program(call("os.system", b"(" + text("true") + b"t")))
    assert refusal(path).startswith("is a pickle, which is a program, and of no version of")


WHOLE = program(mapping([("epoch", number(3)), ("state_dict", in_checkpoint("tuple"))]))
OPCODES = [bytes([code]) for code in range(128)]
OPCODES += [b"\x81", b"\x86", b"\x88", b"\x93", b"\x94", b"cos\nsystem\n", b"cbuiltins\neval\n"]
RAN = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
    "shutil.rmtree",
)
ran = []
# a hook can't be taken away again
sys.addaudithook(lambda event, arguments: ran.append(event) if event in RAN else None)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_opcode_anywhere_runs_anything(tmp_path, data):
    content = WHOLE
    places = st.integers(0, len(WHOLE) - 1)
    for where in data.draw(st.lists(places, min_size=1, max_size=5)):
        inserted = b"".join(data.draw(st.lists(st.sampled_from(OPCODES), max_size=3)))
        content = content[:where] + inserted + content[where + data.draw(st.integers(0, 2)) :]
    path = tmp_path / "theirs.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", content)
        archive.writestr("a/data/0", VALUES.tobytes())
    ran.clear()
    try:
        read_tensors(path)
    except DataError as error:
        assert "\n" not in str(error)
    assert ran == []


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("write", [write_zip, write_old])
def test_a_part_of_a_file_is_refused(path, refusal, write, part):
    storages = {"0": VALUES.tobytes() if write is write_zip else VALUES}
    write(path, mapping([("w", tensor("0", VALUES))]), storages)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert refusal(path)


@pytest.mark.real
def test_weights_of_ahus(published):
    tensors = read_tensors(published / "ahus_fold0.pt")
    assert tensors["down_layers.0.weight"].shape == (32, 8, 5)
    counted = (array.size for name, array in tensors.items() if not COUNTERS.search(name))
    assert sum(counted) == 483_904
