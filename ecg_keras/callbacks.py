"""The callbacks a user takes into an own Keras script; see docs/callbacks.md."""

from ecg_keras.training.callbacks import RunLog, ValidationScores

__all__ = ["RunLog", "ValidationScores"]
