"""Transfer learning for 12-lead ECG diagnosis in Keras: fine-tune or train from scratch?

Subpackages load when they are first used, so that importing the package imports no TensorFlow.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face
from ecg_keras.moved import keep_former_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ecg_keras import (
        advise as advise,
        attribution as attribution,
        callbacks as callbacks,
        config as config,
        data as data,
        download as download,
        evaluation as evaluation,
        export as export,
        formats as formats,
        metrics as metrics,
        models as models,
        monitoring as monitoring,
        prediction as prediction,
        report as report,
        serving as serving,
        signals as signals,
        simulate as simulate,
        sources as sources,
        statistics as statistics,
        study as study,
        training as training,
        transferability as transferability,
        validation as validation,
        weights as weights,
        workflow as workflow,
    )
    from ecg_keras.attribution import explain as explain
    from ecg_keras.monitoring import monitor as monitor
    from ecg_keras.prediction import embed as embed, predict as predict
    from ecg_keras.workflow import train as train
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)

keep_former_names()
