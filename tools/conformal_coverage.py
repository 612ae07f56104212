"""Prints how often sets of answers hold the truth: in simulations, and on the test splits of runs.

python tools/conformal_coverage.py
python tools/conformal_coverage.py runs/fold0 runs/fold1 ...   (as trained with data.split.folds)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ecg_keras.array_types import BoolArray, Float64Array, IntArray
from ecg_keras.evaluation import Predictions, fit_sets
from ecg_keras.metrics import conformal_sets, fit_conformal

REPEATS, LEVEL = 300, 0.9
NEW = 2000  # patients that are tested on
Drawn = tuple[BoolArray, Float64Array, IntArray]


def draw(rng: np.random.Generator, patients: int, prevalence: float, records: str) -> Drawn:
    """Truth, probabilities and patients: those with many ECGs are ill, and easily recognised."""
    if records == "one":
        numbers = np.ones(patients, np.int64)
    else:  # most patients have one ECG, a tenth have up to thirty
        numbers = np.where(rng.random(patients) < 0.1, rng.integers(10, 31, patients), 1)
    of = np.repeat(np.arange(patients), numbers)
    having = (rng.random(patients) < prevalence)[of]
    sure = np.where(numbers > 1, 2.5, 1.0)[of]
    logits = (2 * having - 1) * sure + np.log(prevalence / (1 - prevalence))
    logits += rng.normal(size=patients)[of] + 0.5 * rng.normal(size=len(of))
    return having[:, None], (1 / (1 + np.exp(-logits)))[:, None], of


def by_record(patients: IntArray) -> IntArray:
    """What ignoring patients comes to: each record is of a person of its own."""
    return np.arange(len(patients))


WAYS: dict[str, tuple[str, Callable[[IntArray], IntArray]]] = {
    "by class, by patient": ("class", lambda patients: patients),
    "by class, patients ignored": ("class", by_record),
    "by label, by patient": ("label", lambda patients: patients),
}


def mean_share(held: BoolArray, patients: IntArray) -> float:
    """Of the patients, the mean share of records that are held."""
    _, of = np.unique(patients, return_inverse=True)
    return float((np.bincount(of, held) / np.bincount(of)).mean())


def simulate() -> Iterator[str]:
    yield (
        "| validation patients | with the label | ECGs a patient | way | holds present | holds "
        "absent | one answer | no limits |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for patients, prevalence, records in (
        (200, 0.3, "one"), (200, 0.3, "1 or 10-30"), (200, 0.1, "1 or 10-30"),
        (1000, 0.02, "1 or 10-30"), (60, 0.3, "1 or 10-30"),
    ):  # fmt: skip
        rng = np.random.default_rng(0)
        found: dict[str, list[tuple[float, float, float]]] = {way: [] for way in WAYS}
        for _ in range(REPEATS):
            truth, p, of = draw(rng, patients, prevalence, records)
            having, probabilities, new = draw(rng, NEW, prevalence, records)
            for way, (by, group) in WAYS.items():
                limits = fit_conformal(truth, p, group(of), level=LEVEL, by=by)  # type: ignore[arg-type]
                if np.isnan(limits.absent_to[0]):
                    continue
                sets = conformal_sets(probabilities, *limits[:2])[:, 0]
                own = having[:, 0]
                found[way].append(
                    (
                        mean_share((sets[own] & 2) > 0, new[own]),
                        mean_share((sets[~own] & 1) > 0, new[~own]),
                        mean_share((sets == 1) | (sets == 2), new),
                    )
                )
        for way, rows in found.items():
            values = np.array(rows)
            error = values.std(axis=0) / np.sqrt(len(values))
            cells = [
                f"{100 * m:.1f} ± {200 * e:.1f} %"
                for m, e in zip(values.mean(0), error, strict=True)
            ]
            missing = f"{100 * (1 - len(values) / REPEATS):.0f} %"
            share = f"{100 * prevalence:.0f} %"
            yield f"| {patients} | {share} | {records} | {way} | {' | '.join(cells)} | {missing} |"


def measure(folders: list[Path]) -> Iterator[str]:
    """The test patients of all runs together: in folds, each patient is tested once."""
    yield (
        "| label | validation patients with it | holds present (patients) | holds absent "
        "(patients) | one answer | either | neither |"
    )
    yield "|---|---|---|---|---|---|---|"
    rows: dict[str, list[Float64Array]] = {}
    for folder in folders:
        valid, test = (
            Predictions.load(folder / f"predictions/{split}.npz") for split in ("valid", "test")
        )
        sets = fit_sets(valid, level=LEVEL)
        found = sets.find(test.probabilities)
        for column, (label, one) in enumerate(sets.labels.items()):
            if one.absent_to is None:
                print(f"{folder}: no set for {label}: {one.with_label} validation patients")
                continue
            own = np.array([row[column] for row in found])
            having = test.targets[:, column] == 1
            _, of = np.unique(test.patient_ids, return_inverse=True)
            covered = [
                np.array([np.isin(own[(of == n) & side], (word, "either")).mean()
                          for n in np.unique(of[side])])
                for side, word in ((having, "present"), (~having, "absent"))
            ]  # fmt: skip
            rows.setdefault(label, []).append(
                [one.with_label, *covered, *(own == w for w in ("either", "neither"))]  # type: ignore[arg-type]
            )
    for label, parts in rows.items():
        counts, present, absent, either, neither = zip(*parts, strict=True)
        cells = [describe(np.concatenate(one)) for one in (present, absent)]
        both, none = np.concatenate(either).mean(), np.concatenate(neither).mean()
        yield (
            f"| {label} | {min(counts)} to {max(counts)} | {' | '.join(cells)} | "
            f"{100 * (1 - both - none):.0f} % | {100 * both:.0f} % | {100 * none:.0f} % |"
        )


def describe(shares: Float64Array) -> str:
    """A mean with two standard errors over patients, and of how many."""
    error = shares.std(ddof=1) / np.sqrt(len(shares))
    return f"{100 * shares.mean():.1f} ± {200 * error:.1f} % ({len(shares)})"


if __name__ == "__main__":
    folders = [Path(one) for one in sys.argv[1:]]
    for line in measure(folders) if folders else simulate():
        print(line)
