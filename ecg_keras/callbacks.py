"""The callbacks for your own Keras script; see docs/callbacks.md."""

from ecg_keras.training.callbacks import FollowEpochs, RunLog
from ecg_keras.training.validation_scores import ValidationScores

__all__ = ["FollowEpochs", "RunLog", "ValidationScores"]
