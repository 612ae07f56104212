"""A loss of your own for rare labels: class-balanced weights (arXiv 1901.05555)."""

import keras
import numpy as np

import ecg_keras as ecg


@keras.saving.register_keras_serializable("mine")
class ClassBalanced(keras.losses.Loss):
    """Cross-entropy in which a label counts by the effective number of its records."""

    def __init__(self, counts, beta=0.99, name="class_balanced", **settings):
        super().__init__(name=name, **settings)
        self.counts, self.beta = [float(one) for one in counts], beta
        weights = (1 - beta) / (1 - beta ** np.maximum(self.counts, 1))
        self.weights = (weights / weights.mean()).astype("float32")

    def call(self, y_true, y_pred):
        each = keras.ops.binary_crossentropy(y_true, y_pred)
        return keras.ops.mean(each * self.weights, axis=-1)

    def get_config(self):
        return super().get_config() | {"counts": self.counts, "beta": self.beta}


if __name__ == "__main__":
    dataset = ecg.data.describe("shards/small")
    train = ecg.data.load("shards/small", "train", batch_size=16, shuffle=True)
    valid = ecg.data.load("shards/small", "valid", batch_size=16)
    find = ecg.models.find_backbone("fcn_wang")
    backbone = find(num_samples=200, num_leads=12, head="pooled")
    model = ecg.models.classifier(backbone, dataset.labels)
    loss = ClassBalanced(dataset.splits["train"].labels.values())
    print({k: f"{w:.2f}" for k, w in zip(dataset.labels, loss.weights, strict=True)})
    model.compile("adam", loss)
    scores = ecg.callbacks.ValidationScores(valid, dataset.labels, per_label=True)
    model.fit(train, epochs=2, shuffle=False, verbose=2, callbacks=[scores])
