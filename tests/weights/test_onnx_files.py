"""ONNX graphs: weights by name, in PyTorch's layout and the order of the graph."""

import numpy as np
import pytest

from ecg_keras.weights import read_tensors

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

KERNEL = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "theirs.onnx"


def write(path, nodes, arrays, *, change=None, sparse=False):
    weights = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    if change is not None:
        change(weights[0])
    graph = helper.make_graph(nodes, "net", [], [], weights)
    if sparse:
        graph.sparse_initializer.add()
    path.write_bytes(helper.make_model(graph).SerializeToString())


def test_names_of_the_file_are_kept_in_the_order_of_the_graph(path):
    nodes = [
        helper.make_node("Conv", ["x", "stem.weight"], ["y"], name="/stem/Conv"),
        helper.make_node("Gemm", ["y", "fc.weight", "fc.bias"], ["z"], name="/fc/Gemm", transB=1),
    ]
    arrays = {"fc.bias": MATRIX[0], "fc.weight": MATRIX, "stem.weight": KERNEL, "other": MATRIX}
    write(path, nodes, arrays)
    read = read_tensors(path)
    assert list(read) == ["stem.weight", "fc.weight", "fc.bias", "other"]
    np.testing.assert_array_equal(read["fc.weight"], MATRIX)
    np.testing.assert_array_equal(read["stem.weight"], KERNEL)


def test_names_that_an_exporter_lost_are_those_of_the_operations(path):
    nodes = [
        helper.make_node("Conv", ["x", "onnx::Conv_11", "12"], ["y"], name="/layer1/conv/Conv"),
        helper.make_node("BatchNormalization", ["y", "3", "4", "5", "6"], ["z"], name="/norm/BN"),
        helper.make_node("MatMul", ["z", "onnx::MatMul_9"], ["w"], name="/fc/MatMul"),
    ]
    arrays = {"onnx::Conv_11": KERNEL, "12": MATRIX[0], "onnx::MatMul_9": MATRIX}
    arrays |= dict.fromkeys("3456", MATRIX[1])
    write(path, nodes, arrays)
    read = read_tensors(path)
    assert list(read) == [
        "layer1.conv.weight",
        "layer1.conv.bias",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "fc.weight",
    ]
    np.testing.assert_array_equal(read["fc.weight"], MATRIX.T)


def test_operations_without_names_leave_weights_without_names(path, refusal):
    nodes = [helper.make_node("Conv", ["x", name], ["y"]) for name in ("onnx::a", "onnx::b")]
    write(path, nodes, {"onnx::a": KERNEL, "onnx::b": KERNEL})
    assert "neither weights nor operations have names by which they are found" in refusal(path)


def elsewhere(weight):
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../etc/passwd")


def huge(weight):
    weight.dims[:] = [10**9, 10**9]


def negative(weight):
    weight.dims[:] = [-2, -6]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (elsewhere, "the numbers of w are in another file, which is not opened. Save the model as"),
        (huge, ""),
        (negative, "w has the shape [-2, -6]"),
    ],
)
def test_weights_that_are_elsewhere_or_not_there_are_refused(path, refusal, change, what):
    write(path, [], {"w": KERNEL}, change=change)
    assert what in refusal(path)


def test_sparse_weights_and_two_of_one_name(path, refusal):
    write(path, [], {"w": KERNEL}, sparse=True)
    assert "has sparse weights, which are not read" in refusal(path)
    weights = [numpy_helper.from_array(KERNEL, "w")] * 2
    model = helper.make_model(helper.make_graph([], "net", [], [], weights))
    path.write_bytes(model.SerializeToString())
    assert "two of its weights have one name" in refusal(path)


def test_a_graph_without_weights(path, refusal):
    write(path, [], {})
    assert "holds no weights. Name a file" in refusal(path)


@pytest.mark.real
def test_the_graph_of_exchangeai(published):
    tensors = read_tensors(published / "xc_super_pretrained.onnx")
    assert tensors["block/xception/0/bottleneck/Conv.weight"].shape == (16, 12, 1)
    assert len(tensors) == 59
