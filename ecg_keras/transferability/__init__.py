"""Which checkpoint to start from, estimated before anything is trained.

One forward pass over the target's training records (`extract`), then eight estimators of how well
the checkpoint would transfer (`ESTIMATORS`), which are NumPy and SciPy alone. None of them is
reliable on its own: see docs/transferability.md.
"""

from ecg_keras.transferability.checkpoints import Ranking, rank_checkpoints
from ecg_keras.transferability.estimators import (
    BASELINES,
    ESTIMATORS,
    ORIENTATION,
    TITLES,
    oriented,
    score_all,
)
from ecg_keras.transferability.features import Features, extract
from ecg_keras.transferability.h_score import h_score
from ecg_keras.transferability.knn import knn
from ecg_keras.transferability.leep import leep
from ecg_keras.transferability.linear_probe import linear_probe
from ecg_keras.transferability.logme import logme
from ecg_keras.transferability.melep import melep
from ecg_keras.transferability.nce import nce
from ecg_keras.transferability.ranking import Agreement, weighted_kendall
from ecg_keras.transferability.transrate import transrate

__all__ = [
    "BASELINES",
    "ESTIMATORS",
    "ORIENTATION",
    "TITLES",
    "Agreement",
    "Features",
    "Ranking",
    "extract",
    "h_score",
    "knn",
    "leep",
    "linear_probe",
    "logme",
    "melep",
    "nce",
    "oriented",
    "rank_checkpoints",
    "score_all",
    "transrate",
    "weighted_kendall",
]
