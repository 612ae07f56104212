"""Warm-up requests: what TensorFlow Serving would replay, parsed with its own protocol buffers."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from ecg_keras.export import read_card
from ecg_keras.export.verification import simulate_check_signals


def read_requests(folder) -> list:
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record) for record in records]


def test_the_savedmodel_answers_its_warmup_requests(exported):
    _, folder = exported
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    batches = []
    for log in read_requests(folder):
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.signature_name == "serving_default"
        inputs = {name: tf.constant(tf.make_ndarray(t)) for name, t in request.inputs.items()}
        probabilities = signature(**inputs)["probabilities"].numpy()
        assert np.isfinite(probabilities).all()
        batches.append(len(probabilities))
    assert batches == [1, 8]


def test_they_hold_simulated_ecgs_of_a_plausible_size(exported):
    _, folder = exported
    request = read_requests(folder)[-1].predict_log.request
    signals = tf.make_ndarray(request.inputs["signal"])
    np.testing.assert_array_equal(signals, simulate_check_signals(read_card(folder)))
    assert 0.2 < np.abs(signals).max() < 5  # mV
