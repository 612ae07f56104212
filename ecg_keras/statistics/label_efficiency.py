"""What a way of training is worth in labels: the reference's training set with the same score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.evaluation import Contrast
from ecg_keras.statistics.arms import Arm
from ecg_keras.statistics.crossover import find_crossover
from ecg_keras.statistics.joint import join

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabelEfficiency:
    """The training records of the reference that score what a way scores on its own.

    Attributes:
        size: training records of the way.
        equal: of the reference: estimate, low and high. Minus infinity stands for fewer than the
            smallest size that was tried, infinity for more than the largest: nothing is said there.
    """

    size: float
    equal: tuple[float, float, float]

    @property
    def factor(self) -> tuple[float, float, float]:
        """How many records of the reference each record of the way stands for, with its interval.

        Example:
            >>> LabelEfficiency(200, (740, 520, 1100)).factor
            (3.7, 2.6, 5.5)
        """
        estimate, low, high = (number / self.size for number in self.equal)
        return estimate, low, high


def label_efficiency(
    sizes: FloatArray,
    way: int,
    difference: Callable[[FloatArray, FloatArray], Contrast],
    *,
    level: float,
    draws: int,
    seed: int,
) -> LabelEfficiency:
    """The reference's training records at which it scores what a way scores at one size.

    The way's score less the reference's at each of its sizes falls as the reference learns from
    more; where it falls to zero is found as a crossover is, with the same assumption: more records
    do not make the reference worse (`ecg_keras.statistics.crossover.find_crossover`). Nothing is
    said outside the sizes. Standard errors are moderated: with those of three seeds as they are,
    the interval is too narrow (docs/learning-curves.md has the figures).

    Args:
        sizes: ``(sizes,)`` training records, rising, of both.
        way: the place of the way's size among them.
        difference: the contrast with these weights of the way's scores and of the reference's,
            each ``(sizes,)``.
        level: of the interval.
        draws: number of draws.
        seed: of the draws.
    """
    number = len(sizes)
    own = np.eye(number)[way]
    joint = join(
        [difference(own, -other) for other in np.eye(number)],
        difference(own, np.full(number, -1 / number)),
        moderated=True,
    )
    equal = find_crossover(sizes, joint, margin=0.0, level=level, draws=draws, seed=seed)
    return LabelEfficiency(float(sizes[way]), equal)


def weigh(
    way: Sequence[Arm],
    reference: Sequence[Arm],
    own: FloatArray,
    other: FloatArray,
    measure: Callable[[Sequence[Arm], Sequence[float]], Contrast],
) -> Contrast:
    """The contrast of the arms that have a weight: the others would only cost time.

    Args:
        way, reference: arms of each size.
        own, other: ``(sizes,)`` their weights.
        measure: `ecg_keras.statistics.contrast.contrast` with its settings.
    """
    pairs = zip([*way, *reference], [*own, *other], strict=True)
    arms, weights = zip(*((arm, weight) for arm, weight in pairs if weight), strict=True)
    return measure(arms, weights)
