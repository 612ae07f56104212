"""What clients of `recordings` and `examples` get: named outputs, and errors that say what."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_as_recorded import make_ecg

import ecg_keras as ecg
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Calibration
from ecg_keras.export import export_saved_model, read_card
from ecg_keras.export.requests import ask_as_recorded, ask_examples, convert
from ecg_keras.prediction import LooseFiles, open_trained
from ecg_keras.signals import LEADS, resample

CNN = pytest.mark.parametrize("build", ["cnn"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def served(exported):
    return tf.saved_model.load(str(exported[1])).signatures


def ask(served, signal, rate, leads=LEADS, unit="mV", change=()) -> dict[str, np.ndarray]:
    """An answer to ECGs of one rate, order and unit but for a ``change``, as arrays."""
    count = len(signal)
    asked = {
        "signal": np.asarray(signal, np.float32),
        "sampling_rate": np.full(count, rate, np.float32),
        "leads": np.array([list(leads)] * count, object).reshape(count, len(leads)),
        "unit": np.array([unit] * count, object),
        **dict(change),
    }
    answer = served["recordings"](**{name: tf.constant(one) for name, one in asked.items()})
    return {name: values.numpy() for name, values in answer.items()}


@CNN
def test_each_recording_of_a_request_is_answered_on_its_own(exported, served):
    model, folder = exported
    first, second = make_ecg(500, 5, 1), make_ecg(500, 5, 2)
    second[:1000, 0] = np.nan
    together = ask(
        served,
        [first, second[:, ::-1] * 1000],
        500,
        change={
            "sampling_rate": np.float32([500, 250]),
            "leads": np.array([LEADS, LEADS[::-1]], object),
            "unit": np.array(["mV", "uV"], object),
        },
    )
    card = read_card(folder)
    for row, (signal, rate) in enumerate([(first, 500), (second, 250)]):
        found = convert(card, signal, rate, LEADS)
        kept = [one for one in found if not isinstance(one, ecg.data.LeftOut)]
        windows = np.stack([one.samples * np.float32(one.scale) for one in kept])
        expected = model(windows).numpy().mean(axis=0)
        np.testing.assert_allclose(together["probabilities"][row], expected, atol=1e-6)
        peak = np.abs(windows).max()
        assert together["peak_mv"][row] == pytest.approx(peak, abs=0.0011)
    assert together["windows"].tolist() == [3, 3]
    assert together["lost"].tolist() == [0, 2]
    assert together["not_finite"].tolist() == [[False, False], [True, False]]
    limits = [0.2, 0.3, 0.6]
    np.testing.assert_array_equal(together["decisions"], together["probabilities"] >= limits)
    assert together["labels"].tolist() == [[b"CD", b"MI", b"NORM"]] * 2
    assert together["calibrated"].tolist() == [False, False]


@CNN
def test_a_suspect_amplitude_is_answered_with_a_flag(served):
    signal = make_ecg(500, 5)
    answer = ask(served, [signal, signal * 30], 500)
    assert answer["suspect_unit"].tolist() == [False, True]
    signal[-1000:] = 0  # the cable is off: these windows are lost, and say nothing of the unit
    answer = ask(served, [signal], 500)
    assert answer["lost"] > 0 and not answer["suspect_unit"]


@CNN
def test_no_recordings_get_no_answers(served):
    answer = ask(served, np.zeros((0, 500, 12)), 500)
    assert {len(values) for values in answer.values()} == {0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"change": {"unit": np.array(["mV"], object)}},
            "unit must have a row for each recording. Received: 1, and signal has 2",
        ),
        ({"leads": LEADS[:3]}, "leads must name each column of signal. Received: 3, and signal"),
        ({"unit": "mm"}, "recording 0: unit must be mV, uV or V. Received: mm"),
        (
            {"change": {"sampling_rate": np.float32([500, 0])}},
            "recording 1: sampling_rate must be 10 to",
        ),
        ({"signal": np.zeros((2, 2500, 12))}, "none of its windows can be used"),
    ],
)
@CNN
def test_a_wrong_request_gets_an_error_that_names_the_fault(served, change, message):
    asked = {"signal": [make_ecg(500, 5)] * 2, "rate": 500, **change}
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        ask(served, **asked)
    assert message in error.value.message


@CNN
def test_examples_are_answered_as_shards_hold_them(exported, served):
    model, folder = exported
    signals = np.stack([make_ecg(100, 2, seed)[:, :2] for seed in range(3)])
    signals[1, :100, 0] = 0.5
    asked = ask_examples(read_card(folder), signals)
    answer = served["examples"](examples=tf.constant(asked.inputs["examples"]))
    stored = np.concatenate(asked.windows)
    np.testing.assert_allclose(answer["probabilities"], model(stored), atol=1e-6)
    assert answer["flat"].numpy().tolist() == [[False, False], [True, False], [False, False]]
    assert answer["windows"].numpy().tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("samples", "scale", "message"),
    [
        (b"\0" * 798, 0.001, "200 samples of 2 leads are 800 bytes. Received: 798"),
        (b"\0" * 800, float("nan"), "scale of an example must be millivolts per step, above 0"),
        (b"\xff\x7f" * 400, 1e38, "signal holds NaN or infinite samples"),
        (None, 0.001, "Feature: signal"),
    ],
)
@CNN
def test_a_wrong_example_is_refused(served, samples, scale, message):
    example = tf.train.Example()
    if samples is not None:
        example.features.feature["signal"].bytes_list.value.append(samples)
    example.features.feature["scale"].float_list.value.append(scale)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served["examples"](examples=tf.constant([example.SerializeToString()]))


@CNN
def test_a_calibrated_run_says_so_and_without_thresholds_nothing_is_decided(facts, build, tmp_path):
    slopes = dict.fromkeys(facts["labels"], 0.4)
    calibration = Calibration("temperature", slopes, dict.fromkeys(facts["labels"], 0.0), ())
    chosen = {**facts, "signatures": ("serving_default", "examples")}
    folder = export_saved_model(build(), tmp_path / "1", calibration=calibration, **chosen)
    signatures = tf.saved_model.load(str(folder)).signatures
    assert set(signatures) == {"serving_default", "examples"}
    asked = ask_examples(read_card(folder), make_ecg(100, 2)[None, :, :2])
    answer = signatures["examples"](examples=tf.constant(asked.inputs["examples"]))
    assert answer["calibrated"].numpy().tolist() == [True]
    assert "decisions" not in answer
    alone = signatures["serving_default"](signal=tf.constant(np.concatenate(asked.windows)))
    np.testing.assert_allclose(answer["probabilities"], alone["probabilities"], atol=1e-6)


def build_sensitive() -> keras.Model:
    """A small network whose answers differ from ECG to ECG, and by each lead."""
    keras.utils.set_random_seed(3)
    signal = keras.Input((1000, 12), name="signal")
    drawn = keras.initializers.RandomNormal(stddev=1, seed=3)
    x = keras.layers.Conv1D(8, 25, strides=5, activation="relu", kernel_initializer=drawn)(signal)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(signal, keras.layers.Dense(2, "sigmoid", kernel_initializer=drawn)(x))


@pytest.mark.real
def test_real_recordings_of_any_rate_get_the_answers_of_predict(real_data, tmp_path):
    headers = sorted((real_data / "ptbxl" / "records500").rglob("*.hea"))[:6]
    options = {"labels": ["MI", "NORM"], "leads": LEADS, "sampling_rate": 100}
    options["signatures"] = ["serving_default", "recordings"]
    place = export_saved_model(build_sensitive(), tmp_path / "1", **options)
    served = tf.saved_model.load(str(place)).signatures
    trained = open_trained(place)
    answers = ecg.predict(trained, headers)
    kept = [row for row, one in enumerate(answers.rows) if one.values is not None]
    assert len(kept) >= 5
    assert np.ptp(answers.probabilities[kept], axis=0).min() > 0.05
    read = LooseFiles()
    signals = [read.read_signal(read.list_records([headers[row]])[0]) for row in kept]
    native = np.stack([one.values for one in signals])
    answer = ask(served, native, 500, signals[0].leads)
    expected = answers.probabilities[kept]
    # a sample half way between two microvolts may be rounded either way
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    assert not answer["suspect_unit"].any()
    for rate in (257, 360, 1000, 499.97):
        slower = np.stack([resample(one, 500, rate) for one in native])
        same = ecg.predict(trained, slower, reading=LooseFiles(sampling_rate=rate, unit="mV"))
        found = ask(served, slower, rate)["probabilities"]
        assert np.abs(found - same.probabilities).max() <= 1e-5
    few = ["V6", "II", "V1", "aVL", "V2", "V3", "V4", "V5"]
    columns = [signals[0].leads.index(lead) for lead in few]
    derived = ask(served, native[:, :, columns] * 1000, 500, few, "uV")
    np.testing.assert_allclose(derived["probabilities"], expected, atol=1e-3)


@CNN
def test_a_request_for_a_check_that_nothing_could_answer_is_named(exported):
    with pytest.raises(DataError, match="no window of an ECG for a check can be used"):
        ask_as_recorded(read_card(exported[1]), np.zeros((1, 200, 2), "f4"))
