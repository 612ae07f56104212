"""How far a mean over seeds may be from its expectation, from the luck of seeds and of patients.

Seeds and patients are crossed: every seed is tested on every patient. That is the design of
multi-reader multi-case studies, with networks for readers (Obuchowski & Rockette 1995; Hillis 2007,
"A comparison of denominator degrees of freedom methods for multiple observer ROC analysis",
Statistics in Medicine 26).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from ecg_keras.array_types import Float64Array, IntArray

# nodes and weights on [-1, 1] of the integral over what the variance of seeds may be
NODES, SHARES = special.roots_legendre(192)
# the chance that is left out of it at either end
BEYOND = 1e-16
# rows that say the same differ by this at most, as resamples have 7 digits
ROUNDING = 1e-7
# t with more degrees of freedom is normal
NORMAL = 1e9


@dataclass(frozen=True)
class Parts:
    """What the luck of seeds and of patients adds to the variance of a mean over S seeds."""

    seeds: int
    seed: float
    interaction: float
    patient: float
    degrees: float

    @property
    def standard_error(self) -> float:
        """Of the mean: the root of ``patient + max(seed - interaction, 0) / S``."""
        extra = 0.0 if self.seeds == 1 else max(self.seed - self.interaction, 0.0) / self.seeds
        return math.sqrt(self.patient + extra)

    def project(self, seeds: int, patients: float) -> Parts:
        """The parts with that many seeds, and that many times the patients of these ones."""
        shared = max(self.patient - self.interaction / self.seeds, 0.0) / patients
        interaction = self.interaction / patients
        beyond = max(self.seed - self.interaction, 0.0)
        return Parts(
            seeds=seeds,
            seed=math.nan if self.seeds == 1 else beyond + interaction,
            interaction=interaction,
            patient=shared + interaction / seeds,
            degrees=self.degrees * patients,
        )

    def tail(self, distance: float) -> float:
        """The chance that the mean is further than this above its expectation."""
        # With one seed that of a t distribution with ``degrees``. With more, the variance is
        # patient + max((S - 1) s^2 / X - interaction, 0) / S where X is chi-square with S - 1
        # degrees of freedom, and the chance is the mean over X: a generalised p-value (Tsui &
        # Weerahandi 1989). The usual approximation of Satterthwaite finds differences that are not
        # there too often: with few seeds s^2 may be small by luck.
        if self.seeds == 1:
            variances, chances = np.array([self.patient]), np.ones(1)
        else:
            variances, chances = self._variances()
        if distance == 0:
            return 0.5
        with np.errstate(divide="ignore"):
            ratio = distance / np.sqrt(variances)
            # the part of seeds is given, so that of patients alone is uncertain
            degrees = self.degrees * (variances / self.patient) ** 2 if self.patient else np.inf
        return float(chances @ special.stdtr(np.minimum(degrees, NORMAL), -ratio))

    def _variances(self) -> tuple[Float64Array, Float64Array]:
        """What the variance of the mean may be, and how likely each is."""
        square, chances = chi_squares(self.seeds - 1)
        beyond = np.maximum((self.seeds - 1) * self.seed / square - self.interaction, 0.0)
        return self.patient + beyond / self.seeds, chances

    def reach(self, level: float) -> float:
        """Half the width of the interval of this level: where `tail` is (1 - level) / 2."""
        outside = (1 - level) / 2
        high = self.standard_error
        if high == 0:
            return 0.0
        if self.seeds == 1:
            return high * float(special.stdtrit(min(self.degrees, NORMAL), 1 - outside))
        while self.tail(high) > outside:
            high *= 2
        return float(optimize.brentq(lambda x: self.tail(x) - outside, 0.0, high, rtol=1e-10))


@lru_cache(maxsize=64)
def chi_squares(free: int) -> tuple[Float64Array, Float64Array]:
    """Values of a chi-square variable, and the chance that stands for each in an integral."""
    # in equal steps of the logarithm of chi: with few degrees of freedom a small p-value is made of
    # values near 0
    ends = special.gammaincinv(free / 2, BEYOND), special.gammainccinv(free / 2, BEYOND)
    low, high = (math.log(2 * end) / 2 for end in ends)
    log_chi = (high + low) / 2 + NODES * (high - low) / 2
    square = np.exp(2 * log_chi)
    density = free * log_chi - square / 2
    chances = SHARES * np.exp(density - density.max())
    return square, chances / chances.sum()


def find_parts(
    rows: Float64Array, groups: int, most: float = math.inf, *, jackknife: bool = True
) -> Parts:
    """The parts of the variance of a mean over seeds, of their ``rows`` as `Draws` orders them.

    ``most`` bounds the degrees of freedom; what is not finite is left out.
    """
    # The variance V over patients is that of the resamples, times G / (G - 1) of G leave-outs, or
    # that of the leave-outs (the jackknife; Efron & Stein 1981), whichever is greater. Where labels
    # are rare, resamples lack those that few patients have, and so their variance; leave-outs show
    # it. With S seeds: interaction = (mean of V(one seed) - V(mean over seeds)) S / (S - 1).
    values, left_out, resampled = rows[:, 0], rows[:, 1 : 1 + groups], rows[:, 1 + groups :]
    seeds = len(rows)
    drawn = resampled[:, np.isfinite(resampled).all(axis=0)]
    without = left_out[:, np.isfinite(left_out).all(axis=0)]
    more = groups / max(groups - 1, 1)
    patient = more * float(_spread(drawn.mean(axis=0)))
    one = more * float(_spread(drawn).mean())
    if jackknife and (other := _jackknife(without.mean(axis=0))) > patient:
        patient, one = other, float(np.mean([_jackknife(own) for own in without]))
    if patient < ROUNDING**2:
        patient = one = 0.0
    return Parts(
        seeds=seeds,
        seed=float(values.var(ddof=1)) if seeds > 1 else math.nan,
        interaction=max(one - patient, 0.0) * seeds / (seeds - 1) if seeds > 1 else 0.0,
        patient=patient,
        degrees=min(find_degrees(without.mean(axis=0)), max(most, 1.0)),
    )


def _spread(values: Float64Array) -> Float64Array:
    """The variance along the last axis; 0 of fewer than two."""
    few = values.shape[-1] < 2
    return np.zeros(values.shape[:-1]) if few else np.asarray(values.var(axis=-1, ddof=1))


def _jackknife(left_out: Float64Array) -> float:
    return float(max(len(left_out) - 1, 0) * left_out.var()) if len(left_out) else 0.0


def free_degrees(support: IntArray) -> float:
    """The most degrees of freedom of a variance over the patients of labels with this support."""
    # a label whose positives are of m patients shows their spread with m - 1, at least with 1
    return float(np.maximum(support[support > 0] - 1, 1).sum())


def find_degrees(left_out: Float64Array) -> float:
    """Degrees of freedom of a variance over patients, from how unequal their influence is."""
    # A sum of n squared influences u has the relative variance sum u^4 / (sum u^2)^2 - 1/n, and 2
    # over that are its degrees of freedom: about n where all patients matter alike, about the
    # number of positives where those few decide.
    kept = left_out[np.isfinite(left_out)]
    most = float(max(len(kept) - 1, 1))
    squares = (kept - kept.mean()) ** 2 if len(kept) else np.zeros(1)
    if squares.sum() == 0:
        return most
    spread = float((squares**2).sum() / squares.sum() ** 2 - 1 / len(kept))
    return min(most, 2 / spread) if spread > 0 else most


def match_degrees(ratio: float, level: float) -> float:
    """The degrees of freedom of the t distribution whose interval is this many errors wide."""
    far = (1 + level) / 2

    def excess(log_degrees: float) -> float:
        return float(special.stdtrit(math.exp(log_degrees), far)) - ratio

    least, most = math.log(0.05), math.log(NORMAL)
    if excess(most) >= 0:
        return NORMAL
    return math.exp(float(optimize.brentq(excess, least, most)))


def two_sided(value: float, parts: Parts) -> float:
    """The p-value of a value this far from 0 if its expectation were 0."""
    return 2 * parts.tail(abs(value))


def beyond_margin(value: float, parts: Parts, margin: float) -> float:
    """The p-value of a value this near to 0 if its expectation were ``margin`` or more from 0.

    The greater of two one-sided tests (Schuirmann 1987).
    """
    # resamples that all say the same, such as of two perfect scores, do not show how far off they
    # are
    if parts.standard_error == 0:
        return 1.0
    room = margin - abs(value)
    return parts.tail(room) if room > 0 else 1 - parts.tail(-room)


def interval(value: float, reach: float, *, bounded: bool) -> tuple[float, float]:
    """The interval of a value."""
    if not bounded or not 0 < value < 1:
        return value - reach, value + reach
    centre, step = special.logit(value), reach / (value * (1 - value))
    return float(special.expit(centre - step)), float(special.expit(centre + step))
