"""Learning curves over the number of training records, and where scratch catches up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.statistics.contrast import Contrast


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """``score = top - scale * n ** -rate``.

    Attributes:
        top, scale, rate: of the fit.
        at: ``(points,)`` training records at which it is drawn.
        value, low, high: ``(points,)`` the fit and its interval there.
    """

    top: float
    scale: float
    rate: float
    at: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores of a mode and of the reference on nested training sets.

    Attributes:
        title: what all its points share, such as ``ptbxl, resnet1d18``.
        way, reference: the two modes, such as ``finetune from georgia`` and ``scratch``.
        sizes: training records of each point.
        scores: of each point, by ``way`` and ``reference``.
        differences: way - reference at each size.
        fits: by ``way`` and ``reference``; ``None`` where no power law can be fitted.
        margin: that counts as equivalent.
        crossover: the size beyond which ``way`` is no longer better by the margin: estimate, low
            and high (infinite where it lies beyond what can be told); ``None`` where ``way`` is
            nowhere better by the margin.
        says: the same as a sentence.
    """

    title: str
    way: str
    reference: str
    sizes: tuple[float, ...]
    scores: dict[str, tuple[Contrast, ...]]
    differences: tuple[Contrast, ...]
    fits: dict[str, PowerLaw | None]
    margin: float
    crossover: tuple[float, float, float] | None
    says: str
