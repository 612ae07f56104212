"""The callbacks for your own Keras script; see docs/callbacks.md."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.training import (
        FollowEpochs as FollowEpochs,
        MlflowRun as MlflowRun,
        RunLog as RunLog,
        StopWhenUnresolved as StopWhenUnresolved,
        TensorBoardEcgs as TensorBoardEcgs,
        TensorBoardSettings as TensorBoardSettings,
        TimeToQuality as TimeToQuality,
        UnfreezeStages as UnfreezeStages,
        ValidationScores as ValidationScores,
        WandbRun as WandbRun,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
