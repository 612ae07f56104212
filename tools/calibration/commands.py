"""How often `compare` and `evaluate` are wrong: one trial, and the tables of many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.worlds import CODES, LABEL_SCORES, Binormal, Real, Scene, Truth
from ecg_keras.evaluation import Estimate, Predictions, compare, evaluate
from ecg_keras.metrics import METRICS

FEW = (2, 3, 5, 10, 20, 120)
RARE_AND_COMMON = (1, 1, 2, 2, 3, 5, 8, 12, 20, 50, 120, 200)
SCENES = (
    *(
        Scene(f"{number} positives of 300 patients", 300, (1, 2), (number,) * 4)
        for number in FEW
    ),
    *(
        Scene(
            f"{patients} patients of 2 to 5 records",
            patients,
            (2, 5),
            (2 * patients // 5, 3 * patients // 10, patients // 5),
        )
        for patients in (20, 50, 100, 200)
    ),
    Scene("12 labels, 1 to 200 positives", 1000, (1, 2), RARE_AND_COMMON),
)  # fmt: skip
# the means of labels that are printed, and the score of each label
MEANS = {
    "macro_auroc": "auroc",
    "macro_auprc": "auprc",
    "macro_f1": "f1",
    "weighted_f1": "f1",
    "macro_f_max": "f_max",
    "macro_sensitivity_at_95_specificity": "sensitivity_at_95_specificity",
    "macro_brier": "brier",
}
APART = 7  # what is drawn shares nothing with the resamples, which take the seed itself
TOGETHER = ("sample_f_max", "challenge_2021")  # of all labels
COMPARED = (*[f"difference, {name}" for name in METRICS], "label AUROC")
SCORED = (*MEANS, *TOGETHER, *LABEL_SCORES)


@dataclass(frozen=True)
class Printed:
    """One interval that a command printed, or did not.

    Attributes:
        name: of the score.
        value, low, high: NaN ends where patients were too few.
        truth: the score of endless records, which it should hold.
    """

    name: str
    value: float
    low: float
    high: float
    truth: float


def try_once(world: Binormal | Real, scene: Scene, resamples: int, seed: int) -> list[Printed]:
    """A trial: two networks that are equally good are compared, and one of them is evaluated."""
    rng = np.random.default_rng([seed, APART, *scene.title.encode()])
    whole = isinstance(world, Real) and len(scene.positives) == 3
    first, second, _, _ = draw(world, scene, rng, True, whole)
    compared = compare(first, second, bootstrap=resamples, seed=seed)
    found = [
        Printed(f"difference, {name}", one.value, one.low, one.high, 0.0)
        for name, one in compared.summary.items()
    ]
    found += [
        Printed("label AUROC", one.value, one.low, one.high, 0.0)
        for one in compared.labels.values()
        if one is not None
    ]
    test, _, limits, truth = draw(world, scene, rng, False, whole)
    if not test.targets.any():
        return found
    codes = None
    if "challenge_2021" in truth.together:
        codes = dict(zip(test.labels, CODES, strict=False))
    scores = evaluate(
        test, choosing(test.labels, limits), codes=codes, bootstrap=resamples, seed=seed
    )
    defined = [
        own for label, own in zip(test.labels, truth.labels, strict=True)
        if label not in scores.undefined
    ]  # fmt: skip
    together = dict(truth.together)
    for name, one in MEANS.items():
        weights = [own["prevalence"] if name == "weighted_f1" else 1.0 for own in defined]
        together[name] = np.average([own[one] for own in defined], weights=weights)
    means = {**scores.summary, **scores.further}
    found += [printed(name, means[name], together[name]) for name in together if means[name]]
    for label, own in zip(test.labels, truth.labels, strict=True):
        for name in LABEL_SCORES:
            score = getattr(scores.labels[label], name)
            if score is not None:
                found.append(printed(name, score, own[name]))
    return found


def draw(
    world: Binormal | Real, scene: Scene, rng: np.random.Generator, exact: bool, whole: bool
) -> tuple[Predictions, Predictions, np.ndarray, Truth]:
    """Two networks' predictions of a test set that can be scored."""
    while True:
        drawn = (
            world.draw_all(scene.patients, rng)
            if whole and isinstance(world, Real)
            else world.draw(scene, rng, exact)
        )
        share = drawn[0].targets.mean(axis=0)
        if not exact or ((share > 0) & (share < 1)).any():
            return drawn


def printed(name: str, score: Estimate, truth: float) -> Printed:
    return Printed(name, score.value, score.low, score.high, float(truth))


def choosing(labels: Sequence[str], limits: np.ndarray) -> Predictions:
    """Predictions of a validation split whose best thresholds are these."""
    ids = [str(number) for number in range(12)]
    targets = np.repeat([1, 0], 6)[:, None] * np.ones((1, len(labels)), dtype=int)
    probabilities = limits + np.where(targets == 1, 1e-4, -1e-4) * limits
    return Predictions(labels, ids, ids, targets, probabilities)


def cells(trials: Sequence[Sequence[Printed]], name: str) -> tuple[str, str, str]:
    """Of one score: share of intervals that hold the truth, that leave out their value, printed."""
    own = [[one for one in trial if one.name == name] for trial in trials]
    kept = [[one for one in trial if not math.isnan(one.low)] for trial in own]
    wanted, shown = sum(map(len, own)), sum(map(len, kept))
    if not wanted:
        return "", "0", "0"
    if not shown or shown < 0.5 * wanted:
        return "too few", "too few", "0"
    held = [np.mean([one.low <= one.truth <= one.high for one in trial]) for trial in kept if trial]
    outside = sum(not one.low <= one.value <= one.high for trial in kept for one in trial)
    error = np.std(held) / math.sqrt(len(held))
    mean = float(np.mean(held))
    smooth = (mean * len(held) + 1) / (len(held) + 2)  # 0 of 100 is not certain
    error = max(error, math.sqrt(smooth * (1 - smooth) / shown))
    return f"{100 * mean:.1f} ± {100 * error:.1f}", str(outside), f"{100 * shown / wanted:.0f}"


def rows(title: str, trials: Sequence[Sequence[Printed]]) -> dict[str, dict[str, str]]:
    """Of each table its row of cells."""
    compared, means, labels = {}, {}, {}
    outside = 0
    for name in COMPARED:
        held, out, _ = cells(trials, name)
        compared[name] = held if held == "too few" else wrong(held)
        outside += int(out) if out.isdigit() else 0
    for name in SCORED:
        held, out, share = cells(trials, name)
        target = labels if name in LABEL_SCORES else means
        target[name] = held
        outside += int(out) if out.isdigit() else 0
        if name == "auroc":
            labels["printed"] = share
    means["outside"] = str(outside)
    return {
        "compare": {"scenario": title, **compared},
        "means": {"scenario": title, **means},
        "labels": {"scenario": title, **labels},
    }


def wrong(held: str) -> str:
    share, _, error = held.partition(" ± ")
    return f"{100 - float(share):.1f} ± {error}"


def try_some(
    world: Binormal | Real, scene: Scene, resamples: int, seeds: Sequence[int]
) -> list[list[Printed]]:
    """A trial for each seed."""
    return [try_once(world, scene, resamples, seed) for seed in seeds]


def scenes_of(world: Binormal | Real) -> list[Scene]:
    """The scenes that a world can show; real patients have the records that they have."""
    if isinstance(world, Binormal):
        return list(SCENES)
    return [
        replace(scene, title=f"{scene.patients} patients, all labels")
        if len(scene.positives) == 3
        else replace(scene, positives=scene.positives[:1])
        for scene in SCENES
        if len(scene.positives) < 12
    ]


HEADINGS = {
    "compare": "Two equal networks: wrong verdicts of `compare`",
    "means": "One network: coverage of the means that `evaluate` prints",
    "labels": "One network: coverage of the intervals of a label",
}


def columns(name: str) -> tuple[str, ...]:
    """Of a table."""
    if name == "compare":
        return COMPARED
    if name == "labels":
        return ("printed", *LABEL_SCORES)
    return (*MEANS, *TOGETHER, "outside")
