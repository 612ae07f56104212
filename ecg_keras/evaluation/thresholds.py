"""`choose_thresholds`: from which probability each label counts as present."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import best_f1_thresholds

LEAST_PATIENTS = 5  # with a label, for a threshold of its own
PLAIN = 0.5  # without


def choose_thresholds(chooser: Predictions) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """The threshold of each label with the best F1 on a split, where enough patients have it.

    The best F1 of a label that one or two patients have is reached by whatever probability they
    happen to get, down to 0: such a threshold would say nothing of other patients. A label that
    fewer than `LEAST_PATIENTS` patients have gets 0.5.

    Args:
        chooser: predictions of the split that chooses, the validation split.

    Returns:
        The thresholds, ``(labels,)``, and the labels that got 0.5 for want of patients.

    Example:
        >>> ids = [f"r{number}" for number in range(8)]
        >>> targets = [[1, 0], [1, 0], [1, 0], [1, 0], [1, 0], [0, 0], [0, 1], [0, 1]]
        >>> said = [[0.9, 0.1]] * 4 + [[0.6, 0.1], [0.2, 0.1], [0.1, 0.1], [0.1, 0.0]]
        >>> limits, missing = choose_thresholds(Predictions(["MI", "CD"], ids, ids, targets, said))
        >>> limits.round(3).tolist(), missing
        ([0.4, 0.5], ('CD',))
    """
    patients = np.array(
        [len(np.unique(chooser.patient_ids[column == 1])) for column in chooser.targets.T]
    )
    few = patients < LEAST_PATIENTS
    best = best_f1_thresholds(chooser.targets, chooser.probabilities)
    return np.where(few, PLAIN, best), tuple(np.array(chooser.labels)[few].tolist())
