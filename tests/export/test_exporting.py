"""Other formats than a SavedModel: files, names, the same answers as Keras, and what is refused."""

import importlib.util
import json
import re
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from exported_files import find_unknown

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Calibration, LabelSet, LabelSets
from ecg_keras.export import FORMATS, export_model, read_card
from ecg_keras.export.precision import PrecisionLoss, check_loss
from ecg_keras.models import float32_clone
from ecg_keras.user_modules import import_function

OTHERS = [row for row in FORMATS.values() if row.write]


@pytest.fixture(scope="module")
def facts(facts) -> dict:
    """Of all formats: signatures are a SavedModel's alone."""
    return {name: value for name, value in facts.items() if name != "signatures"}


@pytest.fixture(autouse=True)
def formats_that_are_there(request):
    """Skips the test of a format whose packages are not installed, such as LiteRT on Intel Macs."""
    given = getattr(request.node, "callspec", None)
    names = [getattr(one, "name", one) for one in given.params.values()] if given else []
    for row in (row for row in OTHERS if row.name in names):
        if absent := [one for one in row.packages if importlib.util.find_spec(one) is None]:
            pytest.skip(f"{row.title} needs {', '.join(absent)}: extra export")


def make_signals(model: keras.Model, batch: int) -> np.ndarray:
    shape = (batch, *model.input_shape[1:])
    return np.random.default_rng(5).normal(0, 0.5, shape).astype(np.float32)


def open_export(folder):
    """The folder's network as a function, in the reader that its card's format names."""
    card = read_card(folder)
    return import_function("reader", FORMATS[card.format].read)(folder, card)


def build_network(activation: str = "sigmoid") -> keras.Model:
    signal = keras.Input((50, 2), name="signal")
    x = keras.layers.Conv1D(8, 7, strides=2, activation="relu")(signal)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(signal, keras.layers.Dense(3, activation, name="head")(x))


def make_valid(model: keras.Model) -> list:
    signals = make_signals(model, 24)
    targets = (model(signals).numpy() > np.median(model(signals).numpy(), axis=0)).astype(int)
    return [(signals[:16], targets[:16]), (signals[16:], targets[16:])]


# TensorFlow is started once more for LiteRT: of its networks one is enough in `make test`
IN_EACH_FORMAT = [
    pytest.param(
        build,
        row,
        marks=pytest.mark.long if (build, row.name) == ("rnn", "litert") else (),
        id=f"{build}-{row.name}",
    )
    for build in ("cnn", "rnn")
    for row in OTHERS
]


def test_each_format_has_a_case_that_is_not_long():
    quick = {case.values[1].name for case in IN_EACH_FORMAT if not case.marks}
    assert quick | {"saved_model"} == set(FORMATS)  # which test_saved_model.py asks


@pytest.mark.parametrize(("build", "row"), IN_EACH_FORMAT, indirect=["build"])
def test_each_format_answers_as_keras_does(build, facts, tmp_path, row):
    keras.utils.set_random_seed(0)
    model = build("mixed_bfloat16") if row.name == "openvino" else build()
    calibration = Calibration(
        "platt",
        dict(zip(facts["labels"], (0.3, 1.0, 2.5), strict=True)),
        dict.fromkeys(facts["labels"], 0.1),
        (),
    )
    folder = tmp_path / row.name
    card = export_model(model, folder, format=row.name, calibration=calibration, **facts)
    assert card == read_card(folder)
    assert find_unknown(folder) == []
    assert (card.format, card.precision, card.loss) == (row.name, "float32", None)
    files = {path.name for path in folder.iterdir()}
    assert files >= {row.file, "card.json", "labels.txt"}
    assert files <= {row.file, "card.json", "labels.txt", "model.bin"}
    assert [path.name for path in tmp_path.iterdir()] == [row.name]
    ask, signals = open_export(folder), make_signals(model, 3)
    network = float32_clone(model)
    logits = (lambda p: np.log(p) - np.log1p(-p))(network(signals).numpy().astype(np.float64))
    slopes, shifts = (list(one.values()) for one in (calibration.slopes, calibration.intercepts))
    expected = 1 / (1 + np.exp(-(logits * slopes + shifts)))
    np.testing.assert_allclose(ask(signals), expected, atol=1e-5)
    # another ECG of the request is not touched
    for value in (np.nan, np.inf, -np.inf):
        signals[1, 7, 0] = value
        answers = ask(signals)
        assert np.isnan(answers[1]).all()
        np.testing.assert_allclose(answers[[0, 2]], expected[[0, 2]], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        pytest.param(row.name, one, marks=pytest.mark.long if row.name == "litert" else ())
        for row in OTHERS
        for one in row.precisions[1:]
    ],
)
def test_fewer_bits_and_what_they_lose(facts, tmp_path, name, precision):
    keras.utils.set_random_seed(2)
    model = build_network()
    valid = make_valid(model)
    folder = tmp_path / name
    expected = np.concatenate([model(signals).numpy() for signals, _ in valid])
    # beside answers in float32, further than it rounds: of fewer bits some are beyond these limits
    middle = [np.sort(one)[[12, 11]] + (4e-6, -4e-6) for one in expected.T]
    limits = [LabelSet(*map(float, one), 9, 9) for one in middle]
    sets = LabelSets(0.9, "class", dict(zip(facts["labels"], limits, strict=True)))
    options = {"range_signals": make_signals(model, 24), "valid": valid, "max_loss": 0.5}
    options["sets"] = sets
    card = export_model(model, folder, format=name, precision=precision, **options, **facts)
    answers = np.concatenate([open_export(folder)(signals) for signals, _ in valid])
    difference = np.abs(answers - expected)
    assert 0 < difference.max() < {"float16": 1e-3, "int8": 0.05}[precision]
    assert card.loss.records == 24
    assert card.loss.max_difference == pytest.approx(difference.max(), rel=1e-3)
    assert card.loss.mean_difference == pytest.approx(difference.mean(), rel=1e-3)
    assert card.loss.macro_auroc_float32 == 1
    others = np.not_equal(sets.find(answers), sets.find(expected)).mean()
    assert card.sets == sets and card.loss.changed_sets == pytest.approx(others) and others > 0
    stored = json.loads((folder / "card.json").read_text())["loss"]
    assert stored["max_difference"] == card.loss.max_difference


def test_a_loss_that_is_too_large_leaves_nothing_behind(facts, tmp_path):
    model = build_network()
    loss = PrecisionLoss(24, 0.5, 0.1, 0.8, 0.9, 0.2)
    with pytest.raises(DataError) as error:
        check_loss(loss, "int8", 0.05)
    assert str(error.value) == (
        "int8 loses 0.1000 of macro AUROC, more than 0.05: on 24 validation ECGs: macro AUROC "
        "0.8000 (0.9000 in float32), probabilities differ by 0.1 on average and 0.5 at most, "
        "20.00% of decisions change. Nothing was exported. Take another precision, or accept the "
        "loss with --max-loss (max_loss)."
    )
    rounds = []

    def valid():
        rounds.append(tf.config.experimental.tensor_float_32_execution_enabled())
        yield from make_valid(model)

    with pytest.raises(DataError, match="float16 loses"):
        export_model(
            model,
            tmp_path / "onnx",
            format="onnx",
            precision="float16",
            valid=valid(),
            max_loss=-1,
            **facts,
        )
    assert list(tmp_path.iterdir()) == []
    assert rounds == [False]  # the reference of float32 is that on GPUs, too


def test_an_undefined_score_is_no_loss():
    loss = PrecisionLoss(4, 0.5, 0.1, None, None, 0.0)
    check_loss(loss, "int8", 0.0)
    assert "macro AUROC is undefined" in loss.sentence()
    assert loss.sentence().endswith(" 0.00% of decisions change")
    assert replace(loss, changed_sets=0.5).sentence().endswith("and 50.00% of sets change")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"format": "onyx"},
            "no format named 'onyx'. Allowed: litert, onnx, openvino, saved_model",
        ),
        (
            {"format": "openvino", "precision": "int8"},
            "precision of OpenVINO must be one of float32, float16. Received: 'int8'. Of formats "
            "that have it: onnx, litert.",
        ),
        (
            {"format": "saved_model", "precision": "float16"},
            "precision of SavedModel must be one of float32. Received: 'float16'",
        ),
        ({"format": "onnx", "precision": "int8"}, "int8 needs ECGs of the training split"),
        ({"format": "onnx", "labels": ("MI",)}, "the model has 3 labels. Received: 1: MI."),
    ],
)
def test_a_wrong_request_is_refused(facts, tmp_path, options, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        export_model(build_network(), tmp_path / "1", **{**facts, **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "title"), [("onnx", "ONNX"), ("litert", "LiteRT")])
def test_a_format_without_a_networks_operation_is_refused_in_one_line(facts, tmp_path, name, title):
    signal = keras.Input((20, 2), name="signal")
    power = keras.ops.rfft(keras.ops.transpose(signal, (0, 2, 1)))[0]
    head = keras.layers.Dense(3, "sigmoid", name="head")(keras.layers.Flatten()(power))
    model = keras.Model(signal, head, name="mine")
    with pytest.raises(ConfigError) as error:
        export_model(model, tmp_path / name, format=name, **facts)
    assert str(error.value).startswith(
        f"mine can't be exported as {title} in any precision: it has no Fourier transforms. "
    )
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_no_probability_and_an_existing_folder_are_refused(facts, tmp_path):
    with pytest.raises(DataError, match="the ONNX file's output is not a probability"):
        export_model(build_network("linear"), tmp_path / "onnx", format="onnx", **facts)
    (tmp_path / "onnx").mkdir()
    with pytest.raises(ConfigError, match="onnx exists already"):
        export_model(build_network(), tmp_path / "onnx", format="onnx", **facts)
    assert list((tmp_path / "onnx").iterdir()) == []


def test_a_missing_package_is_named(facts, tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], packages=("no_such_package",)))
    with pytest.raises(ConfigError, match=r"ONNX needs the packages no_such_package: pip install"):
        export_model(build_network(), tmp_path / "onnx", format="onnx", **facts)
