"""The callbacks for your own Keras script; see docs/callbacks.md."""

from ecg_keras.training import (
    FollowEpochs,
    MlflowRun,
    RunLog,
    StopWhenUnresolved,
    TensorBoardEcgs,
    TensorBoardSettings,
    TimeToQuality,
    UnfreezeStages,
    ValidationScores,
    WandbRun,
)

__all__ = [
    "FollowEpochs",
    "MlflowRun",
    "RunLog",
    "StopWhenUnresolved",
    "TensorBoardEcgs",
    "TensorBoardSettings",
    "TimeToQuality",
    "UnfreezeStages",
    "ValidationScores",
    "WandbRun",
]
