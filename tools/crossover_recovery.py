"""Prints how often the interval of the crossover holds a crossover that was planted.

    python tools/crossover_recovery.py                    # some ten minutes
    python tools/crossover_recovery.py --experiments 50 --studies 10

The first table plants differences of known shape at several sizes, measures them with the luck of
seeds and patients, and compares ways of finding where they fall to the margin: falling values
(`ecg_keras.statistics.crossover`), a power law, and a straight line in log n. All three resample
the same draws. The second plants learning curves, simulates the predictions of every run on test
patients, and runs `ecg_keras.statistics.curves.learning_curve` on them.

"covered" is the share of experiments whose interval holds the planted crossover. With 200
experiments it has a standard error of .015 where it should be .95.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markdown_tables import print_table
from scipy import optimize, stats

from ecg_keras.evaluation import Predictions
from ecg_keras.statistics import Arm, Contrast, LearningCurve, learning_curve
from ecg_keras.statistics.crossover import Joint, find_crossover, join

MARGIN = 0.02
LEVEL = 0.95
DRAWS = 400
SIZES = {
    "6": np.array([50.0, 100, 200, 400, 800, 1600]),
    "4": np.array([50.0, 158, 506, 1600]),
    "3": np.array([50.0, 283, 1600]),
}
SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "power law": lambda n: 0.10 * (n / 50) ** -0.6,
    "two power laws": lambda n: 0.03 - 0.15 * (n / 50) ** -0.3 + 0.25 * (n / 50) ** -0.45 - 0.04,
    "straight in log n": lambda n: 0.09 - 0.025 * np.log(n / 50),
    "step": lambda n: 0.08 / (1 + (n / 300) ** 3),
}
# seeds, standard deviation of a seed at the smallest size, standard error over patients
NOISE = {"much": (3, 0.03, 0.012), "little": (5, 0.009, 0.004)}


def crossing(difference: Callable[[float], float]) -> float:
    """Where a planted difference falls to the margin."""
    return float(optimize.brentq(lambda n: difference(n) - MARGIN, 50, 1e5))


# ------------------------------------------------------------------ differences of known shape


def simulate_joint(
    truth: np.ndarray, rng: np.random.Generator, seeds: int, luck: float, patients: float
) -> Joint:
    """Differences at all sizes as a study would measure them.

    Args:
        truth: ``(sizes,)``.
        rng: of the luck.
        seeds: at each size.
        luck: standard deviation of one seed at the smallest size; less with more records.
        patients: standard error over patients; .6 of its variance is shared by all sizes.
    """
    sizes = len(truth)
    shrink = np.linspace(1, 0.4, sizes)
    by_seed = luck * shrink * rng.normal(size=(seeds, sizes))
    covariance = patients**2 * (0.6 + 0.4 * np.eye(sizes))
    shared = rng.multivariate_normal(np.zeros(sizes), covariance)
    values = truth + by_seed.mean(axis=0) + shared

    def contrast(weights: np.ndarray) -> Contrast:
        own = (by_seed @ weights).var(ddof=1) / seeds
        error = math.sqrt(own + weights @ covariance @ weights)
        degrees = error**4 / (own**2 / (seeds - 1))
        value = float(values @ weights)
        return Contrast(
            value, math.nan, math.nan, LEVEL, error, degrees, math.nan, own * seeds,
            error**2 - own, seeds, 1, 400, 400, (),
        )  # fmt: skip

    return join([contrast(row) for row in np.eye(sizes)], contrast(np.full(sizes, 1 / sizes)))


def by_falling_values(sizes: np.ndarray, joint: Joint, seed: int) -> tuple[float, float, float]:
    return find_crossover(sizes, joint, margin=MARGIN, level=LEVEL, draws=DRAWS, seed=seed)


def by_power_law(sizes: np.ndarray, joint: Joint, seed: int) -> tuple[float, float, float]:
    """``a (n / n1)^-c`` through the differences, c at least 0."""
    distance, rates = np.log(sizes / sizes[0]), np.append(0.0, np.geomspace(0.02, 6, 120))
    falls = np.exp(-rates[:, None] * distance)
    values = np.vstack([joint.values, joint.draw(DRAWS, seed)])
    fit = (values * joint.weights) @ falls.T
    norm = falls**2 @ joint.weights
    best = (-(fit**2) / norm).argmin(axis=1)
    first = (fit / norm)[np.arange(len(values)), best]
    with np.errstate(divide="ignore", invalid="ignore"):
        at = sizes[0] * np.exp(np.log(np.maximum(first, MARGIN) / MARGIN) / rates[best])
    return _ends(np.where(first <= MARGIN, -math.inf, at), sizes)


def by_straight_line(sizes: np.ndarray, joint: Joint, seed: int) -> tuple[float, float, float]:
    """``a - b log n`` through the differences."""
    values = np.vstack([joint.values, joint.draw(DRAWS, seed)])
    logs = np.log(sizes) - joint.weights @ np.log(sizes)
    slope = (values * joint.weights) @ logs / (joint.weights @ logs**2)
    level = values @ joint.weights
    with np.errstate(divide="ignore", over="ignore"):
        at = np.exp((MARGIN - level) / slope + joint.weights @ np.log(sizes))
    first = level + slope * logs[0]
    return _ends(np.where(first <= MARGIN, -math.inf, np.where(slope < 0, at, math.inf)), sizes)


def _ends(found: np.ndarray, sizes: np.ndarray) -> tuple[float, float, float]:
    found = np.where(found > sizes[-1], math.inf, found)
    low, high = np.quantile(
        found[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="closest_observation"
    )
    return float(found[0]), float(low), float(high)


WAYS = {"falling": by_falling_values, "power law": by_power_law, "line": by_straight_line}


@dataclass
class Tally:
    """What became of the experiments of a row: estimate, low and high; none where there is none."""

    truth: float
    found: list[tuple[float, float, float] | None]

    @property
    def covered(self) -> float:
        """The share of intervals that hold the truth."""
        return float(
            np.mean([one is not None and one[1] <= self.truth <= one[2] for one in self.found])
        )

    @property
    def reported(self) -> float:
        """The share of intervals with an upper end."""
        return float(np.mean([one is not None and one[2] < math.inf for one in self.found]))

    @property
    def middle(self) -> str:
        """The median estimate."""
        middle = float(np.median([-math.inf if one is None else one[0] for one in self.found]))
        return f"{middle:,.0f}" if math.isfinite(middle) else "beyond" if middle > 0 else "none"


def compare_ways(experiments: int, seed: int) -> Iterator[Sequence[str]]:
    """Rows of the first table."""
    for shape, difference in SHAPES.items():
        truth = crossing(difference)
        for named, sizes in SIZES.items():
            for noise, settings in NOISE.items():
                rng = np.random.default_rng(seed)
                tallies = {way: Tally(truth, []) for way in WAYS}
                for number in range(experiments):
                    joint = simulate_joint(difference(sizes), rng, *settings)
                    for way, find in WAYS.items():
                        tallies[way].found.append(find(sizes, joint, number))
                covered = (f"{one.covered:.2f}" for one in tallies.values())
                yield shape, named, noise, f"{truth:,.0f}", *covered


# ------------------------------------------------------------------ whole studies


def rise(top: float, scale: float, rate: float) -> Callable[[np.ndarray], np.ndarray]:
    """Macro AUROC over n: ``top - scale (n / 50)^-rate``."""
    return lambda n: top - scale * (n / 50) ** -rate


# learning curves of the tuned network and of scratch
STUDIES = {
    "crossover": (rise(0.92, 0.10, 0.4), rise(0.92, 0.22, 0.55)),
    "always better": (rise(0.93, 0.06, 0.4), rise(0.86, 0.20, 0.4)),
    "no difference": (rise(0.90, 0.20, 0.4), rise(0.90, 0.20, 0.4)),
}


def simulate_arms(
    aurocs: np.ndarray,
    truth: np.ndarray,
    shared: np.ndarray,
    rng: np.random.Generator,
    seeds: int,
    luck: float,
) -> list[Arm]:
    """An arm for each size with the given expected AUROC.

    A positive record's latent score is ``m`` above a negative one's, both normal with variance 1,
    so that AUROC = Phi(m / sqrt 2); with the normal luck of seeds in m its mean is
    Phi(mean m / sqrt(2 + luck^2)).

    Args:
        aurocs: ``(sizes,)``.
        truth: ``(patients, labels)``.
        shared: ``(patients, labels)`` the part of the scores' noise that all networks share.
        rng: of the rest.
        seeds: of each arm.
        luck: standard deviation of m over seeds.
    """
    ids = np.array([f"r{number:05d}" for number in range(len(truth))])
    labels = [f"L{number}" for number in range(truth.shape[1])]
    arms = []
    for auroc in aurocs:
        runs = []
        for _ in range(seeds):
            m = math.sqrt(2 + luck**2) * stats.norm.ppf(auroc) + luck * rng.normal()
            noise = math.sqrt(0.6) * shared + math.sqrt(0.4) * rng.normal(size=truth.shape)
            probabilities = stats.norm.cdf(m * truth + noise)
            runs.append((Predictions(labels, ids, ids, truth, probabilities),))
        arms.append(Arm(tuple(runs)))
    return arms


def run_studies(experiments: int, seed: int) -> Iterator[Sequence[str]]:
    """Rows of the second table."""
    for name, (tuned, scratch) in STUDIES.items():
        for seeds, patients in ((3, 400), (5, 150)):
            rng = np.random.default_rng(seed)
            truth = math.nan
            if name == "crossover":
                truth = crossing(lambda n, one=tuned, other=scratch: one(n) - other(n))
            found = [
                run_study((tuned, scratch), rng, seeds, patients, number)
                for number in range(experiments)
            ]
            tally = Tally(truth, [one.crossover for one in found])
            known = not math.isnan(truth)
            falls = np.mean([one.trend is not None and one.trend.high < 0 for one in found])
            yield (
                name,
                str(seeds),
                str(patients),
                f"{truth:,.0f}" if known else "none",
                tally.middle,
                f"{tally.covered:.2f}" if known else "",
                f"{tally.reported:.2f}",
                f"{falls:.2f}",
            )


def run_study(
    curves: Sequence[Callable[[np.ndarray], np.ndarray]],
    rng: np.random.Generator,
    seeds: int,
    patients: int,
    number: int,
) -> LearningCurve:
    """One study of the tuned network and of scratch at six sizes."""
    sizes = SIZES["6"]
    targets = rng.random((patients, 2)) < 0.35
    shared = rng.normal(size=targets.shape)
    tuned, scratch = (
        simulate_arms(curve(sizes), targets, shared, rng, seeds, 0.12) for curve in curves
    )
    return learning_curve(
        "planted",
        "tuned",
        "scratch",
        sizes.tolist(),
        tuned,
        scratch,
        margin=MARGIN,
        level=LEVEL,
        bootstrap=DRAWS,
        seed=number,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=200, help="of each row")
    parser.add_argument("--studies", type=int, default=100, help="of each row of the second table")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    ways = (f"covered: {way}" for way in WAYS)
    first = ("planted difference", "sizes", "noise", "crossover", *ways)
    print_table(first, compare_ways(arguments.experiments, arguments.seed))
    print()
    second = ("planted", "seeds", "patients", "crossover", "median estimate", "covered")
    print_table(
        (*second, "upper end found", "trend below 0"),
        run_studies(arguments.studies, arguments.seed),
    )


if __name__ == "__main__":
    main()
