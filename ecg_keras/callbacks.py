"""The callbacks for your own Keras script; see docs/callbacks.md."""

from ecg_keras.training import (
    FollowEpochs,
    RunLog,
    StopWhenUnresolved,
    TimeToQuality,
    UnfreezeStages,
    ValidationScores,
)

__all__ = [
    "FollowEpochs",
    "RunLog",
    "StopWhenUnresolved",
    "TimeToQuality",
    "UnfreezeStages",
    "ValidationScores",
]
