"""What a trained network says of recordings: in files of any format, in shards, in arrays."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.prediction.answer_table import (
        AnswerTable as AnswerTable,
        as_table as as_table,
        read_answers as read_answers,
    )
    from ecg_keras.prediction.answering import (
        Answer as Answer,
        Answers as Answers,
        answer_all as answer_all,
    )
    from ecg_keras.prediction.asking import embed as embed, predict as predict
    from ecg_keras.prediction.journal import Journal as Journal
    from ecg_keras.prediction.loose_files import LooseFiles as LooseFiles
    from ecg_keras.prediction.opening import open_trained as open_trained
    from ecg_keras.prediction.output import KINDS as KINDS
    from ecg_keras.prediction.readings import AGGREGATES as AGGREGATES
    from ecg_keras.prediction.request import (
        Files as Files,
        OnProgress as OnProgress,
        OnWarning as OnWarning,
        Request as Request,
    )
    from ecg_keras.prediction.trained import TrainedNetwork as TrainedNetwork
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
