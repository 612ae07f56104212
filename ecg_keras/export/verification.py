"""Does the SavedModel on disk answer as the Keras model in memory does?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_keras.errors import DataError
from ecg_keras.export.card import Card
from ecg_keras.keras_library import keras

Array = npt.NDArray[np.float32]

# On probabilities. Float32 differs by the order of sums alone; bfloat16 keeps 8 bits of each
# activation, so a network that was trained in it moves by about a hundredth in float32.
FLOAT32_LIMIT = 1e-5
MIXED_LIMIT = 0.05


def simulate_check_signals(card: Card, *, count: int = 8, seed: int = 0) -> Array:
    """ECG-like input for checks and warm-up: beats of about 1 mV, drift and noise; not a diagnosis.

    Args:
        card: of the model; its rate, length and leads are used.
        count: how many ECGs.
        seed: equal seeds give equal signals.

    Returns:
        float32 ``(count, num_samples, num_leads)`` in millivolts.

    Example:
        >>> card = Card(("NORM",), ("I", "II"), 100.0, 1000, None, {})
        >>> simulate_check_signals(card, count=3).shape
        (3, 1000, 2)
    """
    random = np.random.default_rng(seed)
    seconds = np.arange(card.num_samples) / card.sampling_rate
    # per ECG and lead: the beat's height, and its sign
    height = random.normal(0.0, 1.0, size=(count, 1, len(card.leads)))
    since_beat = seconds % random.uniform(0.6, 1.2, size=(count, 1))
    beat = np.exp(-(((since_beat - 0.2) / 0.02) ** 2)) + 0.2 * np.exp(
        -(((since_beat - 0.45) / 0.05) ** 2)
    )
    drift = 0.1 * np.sin(2 * np.pi * (0.3 * seconds + random.uniform(size=(count, 1))))
    noise = random.normal(0.0, 0.02, size=(count, card.num_samples, len(card.leads)))
    return (height * beat[:, :, None] + drift[:, :, None] + noise).astype(np.float32)


def check_saved_model(
    folder: Path, card: Card, references: dict[str, tuple[keras.Model, float]], signals: Array
) -> None:
    """Loads the SavedModel with plain TensorFlow and compares it with Keras models.

    Args:
        folder: of the SavedModel.
        card: of the SavedModel.
        references: per name for messages, the Keras model and the largest difference allowed.
        signals: float32 ``(batch, num_samples, num_leads)`` in millivolts.

    Raises:
        DataError: a probability differs by more than allowed, is not a number, or lies outside
            of 0 to 1.
    """
    loaded = tf.saved_model.load(str(folder))
    served = loaded.signatures["serving_default"](**{card.input: tf.constant(signals)})
    probabilities = served[card.output].numpy()
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise DataError(
            f"the SavedModel's output is not a probability: it ranges from {probabilities.min()} "
            f"to {probabilities.max()}. Nothing was exported. The head needs a sigmoid or softmax, "
            "and the weights must be finite."
        )
    for name, (model, limit) in references.items():
        expected = np.asarray(keras.ops.cast(model(signals, training=False), "float32"))
        difference = float(np.max(np.abs(probabilities - expected)))
        if difference > limit:
            raise DataError(
                f"the SavedModel differs from the {name} by {difference:.2g} on {len(signals)} "
                f"ECGs; at most {limit:g} is allowed. Nothing was exported. A layer that is random "
                "in inference, or that keeps state outside of its weights, does this."
            )
