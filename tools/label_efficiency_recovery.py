"""Prints how often the interval of the label efficiency holds a factor that was planted.

    python tools/label_efficiency_recovery.py                # an hour
    python tools/label_efficiency_recovery.py --studies 20

Plants a learning curve of scratch and one of a way of training that scores on n ECGs what scratch
scores on that many times n, simulates the predictions of every run on test patients, and measures
the factor at each size of the way as a study does
(`ecg_keras.statistics.crossover.label_efficiency`).

Counted are the sizes at which the planted number of scratch's ECGs is within the sizes. "covered"
is the share of their intervals that hold it, "missed below" and "missed above" the shares that are
wholly below or above it, and "closed" the share with two ends within the sizes. The error is one
standard error over studies, whose sizes are not independent.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from crossover_recovery import DRAWS, LEVEL, SIZES, rise, simulate_arms
from markdown_tables import print_table

from ecg_keras.statistics import LabelEfficiency, contrast
from ecg_keras.statistics.crossover import label_efficiency, weigh

Curve = Callable[[np.ndarray], np.ndarray]

# of scratch: the usual shape, and one that hardly learns before 200 ECGs
SCRATCH: dict[str, Curve] = {
    "power law": rise(0.92, 0.22, 0.55),
    "late step": lambda n: 0.62 + 0.28 / (1 + (300 / n) ** 2),
}
FACTORS = (1, 2, 4)
# names of SIZES, seeds and test patients
SETTINGS = (("6", 3, 400), ("4", 3, 400), ("6", 5, 150))
LUCK = 0.12
BOOTSTRAP = 200


def run_study(
    scratch: Curve, sizes: np.ndarray, seeds: int, patients: int, number: int
) -> dict[float, list[LabelEfficiency]]:
    """What one simulated study says of each size of the ways with each factor."""
    rng = np.random.default_rng([number, seeds, patients])
    targets = rng.random((patients, 1)) < 0.35
    shared = rng.normal(size=targets.shape)
    planted = partial(simulate_arms, truth=targets, shared=shared, rng=rng, seeds=seeds, luck=LUCK)
    reference = planted(scratch(sizes))
    resampled = partial(contrast, level=LEVEL, bootstrap=BOOTSTRAP, seed=number)
    found = {}
    for factor in FACTORS:
        way = planted(scratch(factor * sizes))
        measure = partial(weigh, way, reference, measure=resampled)
        found[factor] = [
            label_efficiency(
                sizes,
                place,
                measure,
                level=LEVEL,
                draws=DRAWS,
                seed=number,
            )
            for place in range(len(sizes))
        ]
    return found


def tally(
    studies: Sequence[Sequence[LabelEfficiency]], factor: float, sizes: np.ndarray
) -> tuple[str, ...]:
    """Covered with its standard error, missed below and above, closed, and the middle estimate."""
    inside = [place for place, size in enumerate(sizes) if factor * size <= sizes[-1]]
    equal = np.array([[one[place].equal for place in inside] for one in studies])
    truth = factor * sizes[inside]
    below, above = equal[..., 2] < truth, equal[..., 1] > truth
    covered = 1 - (below | above).mean(axis=1)  # of each study
    error = covered.std(ddof=1) / math.sqrt(len(covered))
    closed = np.isfinite(equal[..., 1:]).all(axis=-1)
    middle = np.median(np.median(equal[..., 0], axis=0) / sizes[inside])
    return (
        f"{covered.mean():.3f} ± {error:.3f}",
        f"{below.mean():.3f}",
        f"{above.mean():.3f}",
        f"{closed.mean():.2f}",
        f"{middle:.1f}",
    )


def rows(studies: int, curves: Sequence[str]) -> Iterator[Sequence[str]]:
    """Rows of the table."""
    for name in curves:
        for named, seeds, patients in SETTINGS:
            sizes = SIZES[named]
            found = [
                run_study(SCRATCH[name], sizes, seeds, patients, number)
                for number in range(studies)
            ]
            for factor in FACTORS:
                cells = tally([one[factor] for one in found], factor, sizes)
                yield name, named, str(seeds), str(patients), str(factor), *cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=400, help="of each row")
    parser.add_argument("--curves", nargs="*", choices=SCRATCH, default=list(SCRATCH))
    arguments = parser.parse_args()
    header = ("scratch's curve", "sizes", "seeds", "patients", "factor", "covered", "missed below")
    print_table(
        (*header, "missed above", "closed", "median estimate"),
        rows(arguments.studies, arguments.curves),
    )


if __name__ == "__main__":
    main()
