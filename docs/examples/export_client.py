"""A SavedModel, and a client that needs TensorFlow alone."""

from pathlib import Path

import numpy as np
import tensorflow as tf

import ecg_keras as ecg

dataset = ecg.data.describe("shards/small")
model = ecg.models.load_model(ecg.train("small.yaml").run)
folder = ecg.export.export_saved_model(
    model,
    Path("serving/small/1"),
    labels=dataset.labels,
    leads=dataset.leads,
    sampling_rate=dataset.sampling_rate,
    replace=True,
)

served = tf.saved_model.load(str(folder)).signatures["serving_default"]
signals = np.stack([one.signal for one in ecg.data.read_shards("shards/small", "test")][:4])
probabilities = served(signal=tf.constant(signals))["probabilities"].numpy()
np.testing.assert_allclose(probabilities, model(signals), atol=1e-5)
print({k: f"{p:.2f}" for k, p in zip(dataset.labels, probabilities[0], strict=True)})
