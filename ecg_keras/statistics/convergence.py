"""How fast a run learns: time to a quality, and area under the validation curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.evaluation import Estimate


@dataclass(frozen=True, eq=False)
class Convergence:
    """The validation curves of an arm's runs.

    Attributes:
        epochs: ``(epochs,)``, from 1.
        steps: ``(epochs,)`` optimizer steps done by the end of each epoch, the mean of the runs.
        seconds: ``(epochs,)`` of training, likewise.
        score: ``(runs, epochs)`` validation score; a run that ended sooner keeps its last one.
        area: mean height of the validation curve over epochs, the mean of the runs.
    """

    epochs: npt.NDArray[np.int64]
    steps: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    area: float


@dataclass(frozen=True)
class Speed:
    """How soon an arm and its reference reach the same quality on validation.

    Attributes:
        quality: the validation score to reach: a share of the best of the reference's mean curve.
        epochs, steps, seconds: of the arm and of the reference until its mean validation curve
            reaches it; ``None`` where it never does.
        ratio: epochs of the arm over epochs of the reference, with its interval over runs;
            ``None`` where either never reaches it.
        area: area under the arm's curve less that under the reference's over the same epochs, with
            its interval over runs.
    """

    quality: float
    epochs: tuple[float | None, float | None]
    steps: tuple[float | None, float | None]
    seconds: tuple[float | None, float | None]
    ratio: Estimate | None
    area: Estimate
