"""Warm-up requests: what TensorFlow Serving would replay, parsed with its own protocol buffers."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from ecg_keras.export import read_card
from ecg_keras.export.signatures import SIGNATURES
from ecg_keras.export.verification import simulate_check_signals


def read_requests(folder) -> list:
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record) for record in records]


def test_the_savedmodel_answers_its_warmup_requests(exported):
    _, folder = exported
    signatures = tf.saved_model.load(str(folder)).signatures
    batches = {row.name: [] for row in SIGNATURES}
    for log in read_requests(folder):
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        name = request.model_spec.signature_name
        inputs = {key: tf.constant(tf.make_ndarray(t)) for key, t in request.inputs.items()}
        answer = signatures[name](**inputs)
        numbers = [values for values in answer.values() if values.dtype.is_floating]
        assert all(np.isfinite(values).all() for values in numbers)
        batches[name].append(len(next(iter(inputs.values()))))
        assert {len(values) for values in answer.values()} == {batches[name][-1]}
    assert batches == {"serving_default": [1, 8], **{name: [1, 8] for name in batches}}


def test_they_hold_simulated_ecgs_of_a_plausible_size(exported):
    _, folder = exported
    request = read_requests(folder)[1].predict_log.request
    signals = tf.make_ndarray(request.inputs["signal"])
    np.testing.assert_array_equal(signals, simulate_check_signals(read_card(folder)))
    assert 0.2 < np.abs(signals).max() < 5  # mV
