"""The variance of a mean over seeds of scores on resampled patients, and its t interval.

Seeds and patients are crossed: every seed is tested on every patient. That is the design of
multi-reader multi-case studies, with networks for readers (Obuchowski & Rockette 1995; Hillis 2007,
"A comparison of denominator degrees of freedom methods for multiple observer ROC analysis",
Statistics in Medicine 26).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """What the luck of seeds and of patients adds to the variance of a mean over seeds.

    Attributes:
        seeds: S.
        seed: s^2, of the seeds' values around their mean (each on all patients); NaN with one.
        interaction: of one seed's value over patients, the part that it does not share with the
            other seeds; 0 with one seed.
        patient: of the mean over seeds, over patients.
        patient_degrees: of freedom of ``patient``.
    """

    seeds: int
    seed: float
    interaction: float
    patient: float
    patient_degrees: float

    @property
    def shared(self) -> float:
        """The part over patients that all seeds share, which no number of seeds averages out."""
        return max(self.patient - self.interaction / self.seeds, 0.0)

    def spread(self, seeds: int, patients: float = 1.0) -> tuple[float, float]:
        """Standard error and degrees of freedom of the mean over so many seeds.

        ``Var = max(s^2, interaction) / S + shared``, degrees of freedom after Satterthwaite: the
        first part has S - 1, the second ``patient_degrees``. The first is never below what the
        patients alone add to it, which is then the better estimate. With one seed it is the
        variance over patients.

        Args:
            seeds: how many.
            patients: how many times as many patients as there were.
        """
        own = self.patient_degrees * patients
        if self.seeds == 1:
            return math.sqrt(self.patient / patients), own
        shared, interaction = self.shared / patients, self.interaction / patients
        seed = max(self.seed - self.interaction, 0.0) + interaction
        total = seed / seeds + shared
        if self.seed <= self.interaction:  # seeds add nothing that the patients do not explain
            return math.sqrt(total), own
        if total == 0:
            return 0.0, own
        degrees = total**2 / ((seed / seeds) ** 2 / (seeds - 1) + shared**2 / own)
        return math.sqrt(total), degrees


def find_parts(left_out: FloatArray, resampled: FloatArray, values: FloatArray) -> Parts:
    """The parts of the variance of a mean over seeds.

    With V(x) the variance over resamples of patients and S seeds:
    ``interaction = (mean of V(one seed) - V(mean over seeds)) S / (S - 1)``.

    Args:
        left_out: ``(seeds, groups)`` values without a group of patients each.
        resampled: ``(seeds, resamples)``; what is not finite is left out.
        values: ``(seeds,)`` on all patients.
    """
    seeds = len(values)
    kept = resampled[:, np.isfinite(resampled).all(axis=0)]
    patient = float(kept.mean(axis=0).var(ddof=1))
    one = float(kept.var(axis=1, ddof=1).mean())
    return Parts(
        seeds=seeds,
        seed=float(values.var(ddof=1)) if seeds > 1 else math.nan,
        interaction=max(one - patient, 0.0) * seeds / (seeds - 1) if seeds > 1 else 0.0,
        patient=patient,
        patient_degrees=find_degrees(left_out.mean(axis=0)),
    )


def find_degrees(left_out: FloatArray) -> float:
    """Degrees of freedom of a variance over patients, from how unequal their influence is.

    The variance is a sum of squared influences u (of leaving a patient out). Such a sum of n terms
    has the relative variance ``sum u^4 / (sum u^2)^2 - 1/n``, and 2 over that are its degrees of
    freedom: about n where all patients matter alike, about the number of positives where those few
    decide.

    Args:
        left_out: ``(groups,)``; what is not finite is left out.

    Example:
        >>> alike = np.random.default_rng(0).normal(size=100)
        >>> few = np.where(np.arange(100) < 5, 100, 1) * alike
        >>> round(find_degrees(alike)), round(find_degrees(few))
        (99, 5)
    """
    kept = left_out[np.isfinite(left_out)]
    squares = (kept - kept.mean()) ** 2
    if not squares.sum() > 0:
        return float(max(len(kept) - 1, 1))
    spread = float((squares**2).sum() / squares.sum() ** 2 - 1 / len(kept))
    most = float(len(kept) - 1)
    return min(most, 2 / spread) if spread > 0 else most


def two_sided(value: float, error: float, degrees: float) -> float:
    """The p-value of a value this far from 0 if its expectation were 0.

    Example:
        >>> round(two_sided(2.0, 1.0, 10.0), 3)
        0.073
    """
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * stats.t.sf(abs(value) / error, degrees))


def beyond_margin(value: float, error: float, degrees: float, margin: float) -> float:
    """The p-value of a value this near to 0 if its expectation were ``margin`` or more from 0.

    The greater of two one-sided tests (Schuirmann 1987): against + margin and against - margin.

    Example:
        >>> round(beyond_margin(0.0, 1.0, 10.0, 2.0), 3)
        0.037
    """
    room = margin - abs(value)
    if error == 0:
        return 0.0 if room > 0 else 1.0
    return float(stats.t.sf(room / error, degrees))


def t_interval(
    value: float, error: float, degrees: float, level: float, *, bounded: bool
) -> tuple[float, float]:
    """The t interval of a value.

    Args:
        value, error, degrees: with its standard error and degrees of freedom.
        level: such as 0.95.
        bounded: the value is a score in [0, 1]: the interval is taken on the logit scale, which
            keeps it there.

    Example:
        >>> low, high = t_interval(0.9, 0.05, 30, 0.95, bounded=True)
        >>> round(low, 3), round(high, 3)
        (0.743, 0.966)
    """
    far = float(stats.t.ppf((1 + level) / 2, degrees))
    if not bounded or not 0 < value < 1:
        return value - far * error, value + far * error
    centre, step = math.log(value / (1 - value)), far * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-x)) for x in (centre - step, centre + step))
    return low, high
