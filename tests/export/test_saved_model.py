"""The SavedModel: files, stable names, the same answers as Keras, and what is refused."""

import dataclasses
import os
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from exported_files import find_unknown
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Calibration, Predictions
from ecg_keras.export import export_saved_model, read_card, requests, signatures, verification
from ecg_keras.export.graph_answers import answer_examples
from ecg_keras.export.saved_model import calibrated, replacing_folder
from ecg_keras.export.signatures import SIGNATURES
from ecg_keras.metrics import recalibrate


def make_signals(model: keras.Model, batch: int) -> np.ndarray:
    shape = (batch, *model.input_shape[1:])
    return np.random.default_rng(5).normal(0, 0.5, shape).astype(np.float32)


def serve(folder, signals: np.ndarray) -> np.ndarray:
    loaded = tf.saved_model.load(str(folder))
    answer = loaded.signatures["serving_default"](signal=tf.constant(signals))
    assert list(answer) == ["probabilities"]
    return answer["probabilities"].numpy()


def read_graph(folder) -> meta_graph_pb2.MetaGraphDef:
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return proto.meta_graphs[0]


def test_the_folder_is_what_tensorflow_serving_looks_for(exported):
    _, folder = exported
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files >= {
        "saved_model.pb",
        "variables/variables.index",
        "assets/labels.txt",
        "assets/card.json",
        "assets.extra/tf_serving_warmup_requests",
    }
    # nothing else beside the version: the temporary folder is gone
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_the_files_hold_nothing_that_only_keras_knows(exported, tmp_path):
    model, folder = exported
    assert find_unknown(folder) == []
    model.save(tmp_path / "model.keras")  # in which there is some
    assert find_unknown(tmp_path) == ["model.keras: keras.src"]


def test_the_names_types_and_shapes_are_stable(exported):
    model, folder = exported
    graph = read_graph(folder)
    assert "serve" in graph.meta_info_def.tags
    rows = {row.name for row in SIGNATURES}
    assert set(graph.signature_def) == {*rows, "serving_default", "__saved_model_init_op"}
    signature = graph.signature_def["serving_default"]
    assert signature.method_name == "tensorflow/serving/predict"
    shapes = {}
    for tensors in (signature.inputs, signature.outputs):
        for name, tensor in tensors.items():
            assert tensor.dtype == tf.float32.as_datatype_enum
            shapes[name] = [size.size for size in tensor.tensor_shape.dim]
    assert shapes == {"signal": [-1, *model.input_shape[1:]], "probabilities": [-1, 3]}


@pytest.mark.parametrize("batch", [1, 5])
def test_it_answers_as_keras_does(exported, batch):
    model, folder = exported
    signals = make_signals(model, batch)
    np.testing.assert_allclose(serve(folder, signals), model(signals).numpy(), atol=1e-6)


def test_the_card_says_what_was_exported(exported):
    model, folder = exported
    card = read_card(folder)
    assert (card.labels, card.leads) == (("CD", "MI", "NORM"), ("I", "II"))
    assert (card.sampling_rate, card.num_samples) == (100.0, model.input_shape[1])
    assert card.thresholds == {"CD": 0.2, "MI": 0.3, "NORM": 0.6}
    assert card.versions["keras"] == keras.__version__
    assert list(card.signatures) == [row.name for row in SIGNATURES]
    described = card.signatures["recordings"]
    assert described["inputs"]["unit"] == {
        "type": "string",
        "shape": [None],
        "meaning": "of each recording: mV, uV or V",
    }
    assert described["outputs"]["flat"]["shape"] == [None, 2]
    assert card.signatures["serving_default"]["outputs"].keys() == {"probabilities"}
    assert (folder / "assets" / "labels.txt").read_text() == "CD\nMI\nNORM\n"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_calibration_inside_is_that_of_the_scores_in_either_type(dtype):
    slopes, intercepts = {"A": 0.3, "B": 2.5}, {"A": 0.1, "B": -1.0}
    given = keras.Input((2,))
    chosen = Calibration("platt", slopes, intercepts, ())
    model = keras.Model(given, calibrated(given, chosen, dtype))
    assert dtype == "float64" or "float64" not in str(model.get_config())
    values = np.float32([0, 1e-9, 1e-7, 1e-4, 0.3, 0.5, 0.999, 1 - 1e-6, 1])
    both = np.stack([values, values], axis=1)
    expected = recalibrate(both, [*slopes.values()], [*intercepts.values()])
    np.testing.assert_allclose(model(both).numpy(), expected, atol=2e-7)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_a_calibrated_run_is_served_calibrated(build, facts, tmp_path, method):
    labels = facts["labels"]
    keras.utils.set_random_seed(1)
    model = build()
    slopes = (
        dict.fromkeys(labels, 0.4)
        if method == "temperature"
        else dict(zip(labels, (0.3, 1.0, 2.5), strict=True))
    )
    shifts = dict(zip(labels, (-1.0, 0.0, 0.5) if method == "platt" else (0.0,) * 3, strict=True))
    calibration = Calibration(method, slopes, shifts, ())
    folder = export_saved_model(model, tmp_path / "1", calibration=calibration, **facts)
    signals = make_signals(model, 6)
    said = Predictions(
        labels, list("abcdef"), list("abcdef"), np.zeros((6, 3)), model(signals).numpy()
    )
    expected = calibration.apply(said).probabilities
    assert np.abs(expected - said.probabilities).max() > 0.01
    np.testing.assert_allclose(serve(folder, signals), expected, atol=1e-6)
    assert read_card(folder).calibration == method


def test_a_saturated_output_is_calibrated_as_its_scores_were(facts, tmp_path):
    signal = keras.Input((20, 2), name="signal")
    mean = keras.layers.GlobalAveragePooling1D()(signal)
    model = keras.Model(signal, keras.layers.Dense(3, "sigmoid", name="head")(mean))
    model.get_layer("head").set_weights([np.zeros((2, 3)), np.array([60.0, -60.0, 14.0])])
    labels = facts["labels"]
    calibration = Calibration(
        "temperature", dict.fromkeys(labels, 0.2), dict.fromkeys(labels, 0.0), ()
    )
    folder = export_saved_model(model, tmp_path / "1", calibration=calibration, **facts)
    signals = make_signals(model, 1)
    said = Predictions(labels, ["a"], ["a"], [[0, 0, 0]], model(signals).numpy())
    np.testing.assert_allclose(
        serve(folder, signals), calibration.apply(said).probabilities, atol=1e-6
    )


def test_a_calibration_of_other_labels_is_refused(build, facts, tmp_path):
    calibration = Calibration("none", {"A": 1.0}, {"A": 0.0}, ())
    with pytest.raises(ConfigError, match=r"is of the labels A, and the model's are CD, MI, NORM."):
        export_saved_model(build(), tmp_path / "1", calibration=calibration, **facts)


def test_a_mixed_precision_network_is_exported_in_float32(build, facts, tmp_path):
    model = build("mixed_bfloat16")
    model.compile("sgd", "binary_crossentropy")
    signals = make_signals(model, 8)
    model.fit(signals, np.ones((8, 3)), verbose=0)
    folder = export_saved_model(model, tmp_path / "1", **facts)
    assert find_unknown(folder) == []
    np.testing.assert_allclose(serve(folder, signals), model(signals).numpy(), atol=0.02)
    graph = read_graph(folder)
    types = {
        attribute.type
        for function in graph.graph_def.library.function
        for node in function.node_def
        for attribute in node.attr.values()
    }
    assert not types & {tf.bfloat16.as_datatype_enum, tf.float16.as_datatype_enum}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_ecg_that_is_not_finite_gets_an_error_and_no_answer(exported, value):
    model, folder = exported
    signals = make_signals(model, 3)
    signals[1, 7, 0] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match="signal holds NaN or infinite"):
        serve(folder, signals)


def test_an_ecg_of_another_shape_is_refused(exported):
    model, folder = exported
    signals = make_signals(model, 2)
    for wrong in (signals[0], signals[:, :, :1], signals[:, :-1], np.repeat(signals, 5, axis=1)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible with expected"):
            serve(folder, wrong)


def test_an_existing_version_is_kept_unless_replaced(facts, tmp_path):
    old, new = (build_around(keras.layers.Identity()) for _ in range(2))
    signals = make_signals(old, 2)
    folder = export_saved_model(old, tmp_path / "7", **facts)
    with pytest.raises(ConfigError) as error:
        export_saved_model(new, folder, **facts)
    assert str(error.value) == (
        f"{folder} exists already. Export to {tmp_path / '8'}, which a server picks up as the "
        "newer version, or replace it: --replace (replace=True)."
    )
    np.testing.assert_allclose(serve(folder, signals), old(signals).numpy(), atol=1e-6)
    export_saved_model(new, folder, replace=True, **facts)
    np.testing.assert_allclose(serve(folder, signals), new(signals).numpy(), atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["7"]


@keras.saving.register_keras_serializable("test_saved_model")
class Restless(keras.layers.Layer):
    """Random in inference too, so that no two answers are equal."""

    def call(self, inputs):
        return inputs + keras.random.uniform(keras.ops.shape(inputs))


def build_around(layer: keras.layers.Layer, activation: str = "sigmoid") -> keras.Model:
    signal = keras.Input((20, 2), name="signal")
    x = keras.layers.GlobalAveragePooling1D()(layer(signal))
    return keras.Model(signal, keras.layers.Dense(3, activation, name="head")(x))


def test_a_savedmodel_that_differs_from_keras_is_not_left_behind(facts, tmp_path):
    with pytest.raises(DataError, match=r"differs from the .*Keras model by 0\.\d+ on 8 ECGs"):
        export_saved_model(build_around(Restless()), tmp_path / "1", **facts)
    assert list(tmp_path.iterdir()) == []


def test_it_is_compared_in_float32_also_on_gpus(facts, tmp_path, monkeypatch):
    load, found = tf.saved_model.load, []
    rounds = tf.config.experimental.tensor_float_32_execution_enabled

    def noted(folder):
        found.append(rounds())
        return load(folder)

    monkeypatch.setattr(tf.saved_model, "load", noted)
    export_saved_model(sensitive(), tmp_path / "1", **facts)
    assert found == [False]
    assert rounds()


@pytest.mark.parametrize("inverted", [False, True])
def test_decisions_alone_are_compared_too(facts, tmp_path, monkeypatch, inverted):
    def decide(network, card, request):
        decisions = answer_examples(network, card, request)["decisions"]
        return {"decisions": ~decisions if inverted else decisions}

    rows = [
        dataclasses.replace(row, answer=decide) if row.name == "examples" else row
        for row in SIGNATURES
    ]
    monkeypatch.setattr(signatures, "SIGNATURES", rows)
    asked = facts | {"signatures": ("serving_default", "examples")}
    asked["thresholds"] = dict.fromkeys(facts["labels"], 0.9)
    model = build_around(keras.layers.Identity())
    if not inverted:
        assert export_saved_model(model, tmp_path / "1", **asked).is_dir()
        return
    with pytest.raises(DataError, match=r"by 0\.\d+ on 4 ECGs \(examples\); at most 1e-05"):
        export_saved_model(model, tmp_path / "1", **asked)


def read_by_another_processor(monkeypatch, move):
    """Moves what the library makes of a request for `recordings`."""
    listed = requests._list_windows
    monkeypatch.setattr(requests, "_list_windows", lambda *given: move(listed(*given)))


def sensitive() -> keras.Model:
    # whose answers move by more than 1e-5 with a sample in ten that is a microvolt off
    keras.utils.set_random_seed(3)
    large = keras.initializers.RandomNormal(stddev=10, seed=3)
    return build_around(keras.layers.Conv1D(8, 3, activation="relu", kernel_initializer=large))


def test_samples_may_be_rounded_to_either_side(facts, tmp_path, monkeypatch):
    def move(windows):
        places = np.random.default_rng(1).random(windows.shape) < 0.1
        return windows + np.float32(0.001) * places

    read_by_another_processor(monkeypatch, move)
    export_saved_model(sensitive(), tmp_path / "1", **facts | {"signatures": None})
    monkeypatch.setattr(verification, "STEP_MV", np.float32(0))
    with pytest.raises(DataError, match=r"\(recordings\); at most 1e-05 is allowed"):
        export_saved_model(sensitive(), tmp_path / "2", **facts | {"signatures": None})


def test_no_more_than_the_rounding_may_differ(facts, tmp_path, monkeypatch):
    read_by_another_processor(monkeypatch, lambda windows: windows[:, :, ::-1])
    with pytest.raises(DataError, match=r"on 4 ECGs \(recordings\); at most 0\.0"):
        export_saved_model(sensitive(), tmp_path / "1", **facts | {"signatures": None})


def test_a_failed_replacement_keeps_the_old_version(facts, tmp_path):
    model = build_around(keras.layers.Identity())
    folder = export_saved_model(model, tmp_path / "1", **facts)
    with pytest.raises(DataError):
        export_saved_model(build_around(Restless()), folder, replace=True, **facts)
    signals = make_signals(model, 2)
    np.testing.assert_allclose(serve(folder, signals), model(signals).numpy(), atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_what_a_killed_export_left_behind_goes_with_the_next(tmp_path):
    left, new = tmp_path / ".export.left", tmp_path / ".export.new"
    for folder in (left, new):
        (folder / "written").mkdir(parents=True)
    hour = time.time() - 3600
    os.utime(left, (hour, hour))
    with replacing_folder(tmp_path / "1") as written:
        (written / "saved_model.pb").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"1", ".export.new"}
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["saved_model.pb"]


def test_a_disk_that_refuses_leaves_nothing_behind(facts, tmp_path):
    resource = pytest.importorskip("resource")
    model = build_around(keras.layers.Identity())
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/1: can't be written: .*choose another folder"):
        export_saved_model(model, tmp_path / "file" / "1", **facts)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(DataError, match=r"2: can't be written: .*choose another folder"):
            export_saved_model(model, tmp_path / "2", **facts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_output_that_is_no_probability_is_refused(facts, tmp_path):
    model = build_around(keras.layers.Identity(), activation="linear")
    with pytest.raises(DataError, match="output is not a probability: it ranges from -"):
        export_saved_model(model, tmp_path / "1", **facts)
    model = build_around(keras.layers.Identity())
    model.layers[-1].bias.assign([0.0, np.nan, 0.0])
    with pytest.raises(DataError, match="output is not a probability: it ranges from nan"):
        export_saved_model(model, tmp_path / "1", **facts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("MI",)}, "the model has 3 labels. Received: 1: MI."),
        ({"leads": ("I", "II", "V1")}, "the model has 2 leads. Received: 3: I, II, V1."),
        ({"sampling_rate": -1}, "sampling_rate must be above 0 Hz. Received: -1.0."),
        (
            {"check_signals": np.zeros((1, 21, 2))},
            "check_signals must have the shape (batch, 20, 2). Received: (1, 21, 2).",
        ),
        (
            {"check_signals": np.zeros((0, 20, 2))},
            "check_signals must have the shape (batch, 20, 2). Received: (0, 20, 2).",
        ),
        (
            {"signatures": ("recordings",)},
            "signatures must hold serving_default. Received: recordings.",
        ),
        (
            {"signatures": ("serving_default", "recordings"), "leads": ("X", "II")},
            "signature recordings needs leads of the standard twelve. Received: X, II.",
        ),
        (
            {"check_signals": np.full((1, 20, 2), np.nan)},
            "check_signals must be finite. Received: NaN or infinite samples.",
        ),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(facts, tmp_path, change, message):
    with pytest.raises(ConfigError) as error:
        model = build_around(keras.layers.Identity())
        export_saved_model(model, tmp_path / "1", **{**facts, **change})
    assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_no_server_would_find_is_refused(facts, tmp_path):
    with pytest.raises(ConfigError) as error:
        export_saved_model(build_around(keras.layers.Identity()), tmp_path / "v1", **facts)
    assert str(error.value) == (
        f"{tmp_path / 'v1'}: the folder's name must be the version, a whole number. "
        f"Received: 'v1'. Export to {tmp_path / 'v1' / '1'}."
    )


def test_a_network_of_any_length_is_refused(facts, tmp_path):
    signal = keras.Input((None, 2), name="signal")
    x = keras.layers.GlobalAveragePooling1D()(signal)
    model = keras.Model(signal, keras.layers.Dense(3, "sigmoid", name="head")(x))
    with pytest.raises(
        ConfigError, match=r"of a fixed length .* Received: input \(None, None, 2\)"
    ):
        export_saved_model(model, tmp_path / "1", **facts)


def test_a_network_with_a_call_of_its_own_is_refused(facts, tmp_path):
    class OwnCall(keras.Model):
        def call(self, signal):
            return signal

    with pytest.raises(ConfigError, match=r"mine does not say what it takes"):
        export_saved_model(OwnCall(name="mine"), tmp_path / "1", **facts)


def test_a_network_with_two_inputs_is_refused(facts, tmp_path):
    signal, age = keras.Input((20, 2), name="signal"), keras.Input((1,), name="age")
    x = keras.layers.Concatenate()([keras.layers.Flatten()(signal), age])
    model = keras.Model([signal, age], keras.layers.Dense(3, "sigmoid", name="head")(x))
    with pytest.raises(ConfigError, match=r"an exported model has one input"):
        export_saved_model(model, tmp_path / "1", **facts)


def test_a_network_whose_input_is_in_a_list_is_exported(facts, tmp_path):
    model = build_around(keras.layers.Identity())
    keras.Model(model.inputs, model.outputs).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    folder = export_saved_model(loaded, tmp_path / "1", **facts)
    signals = make_signals(model, 2)
    np.testing.assert_allclose(serve(folder, signals), model(signals).numpy(), atol=1e-6)
