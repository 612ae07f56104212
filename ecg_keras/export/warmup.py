"""Warm-up requests: TensorFlow Serving replays them before it serves, so no client waits.

Format: https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_keras.export.card import Card

WARMUP_FILE = "tf_serving_warmup_requests"


def write_warmup(extra_assets: Path, card: Card, signals: npt.NDArray[np.float32]) -> None:
    """Writes one request of a single ECG and one of the whole batch.

    Args:
        extra_assets: the SavedModel's folder ``assets.extra``.
        card: of the SavedModel.
        signals: float32 ``(batch, num_samples, num_leads)`` in millivolts.
    """
    # pulled in here: it takes a second, and only an export needs it
    from tensorflow_serving.apis import prediction_log_pb2

    extra_assets.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(extra_assets / WARMUP_FILE)) as writer:
        for batch in (signals[:1], signals):
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = "serving_default"
            request.inputs[card.input].CopyFrom(tf.make_tensor_proto(batch))
            writer.write(log.SerializeToString())
