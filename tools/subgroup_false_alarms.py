"""How often groups that mean nothing are said to differ.

    python tools/subgroup_false_alarms.py --trials 400 --predictions runs/NAME/predictions/test.npz

Each trial draws test patients and puts them into groups at random, so that no group differs in
truth: of binormal scores, or of a file of real predictions, whose patients are shuffled between the
groups. Counted are trials with at least one wrong word, in the family of the macro AUROC and in
that of single labels, and the p-values before any correction.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecg_keras.evaluation import Grouping, Predictions, Subgroups, score_subgroups
from ecg_keras.statistics import Arm, gains_by_group

LABELS = ("A", "B", "C", "D", "E")
PREVALENCE = np.array([0.45, 0.25, 0.2, 0.12, 0.04])
Draw = Callable[[np.random.Generator], Predictions]


def binormal(patients: int, records: int, skill: float = 1.5) -> Draw:
    """Patients of 1 to ``records`` records; calibrated probabilities."""

    def draw(rng: np.random.Generator) -> Predictions:
        people = np.repeat(np.arange(patients), rng.integers(1, records + 1, patients))
        targets = rng.random((patients, len(LABELS)))[people] < PREVALENCE
        own = rng.normal(size=(patients, len(LABELS)))[people]
        noise = np.sqrt(0.5) * own + np.sqrt(0.5) * rng.normal(size=own.shape)
        # the posterior of two normals that are this far apart
        logits = skill * (skill * (targets - 0.5) + noise) + np.log(PREVALENCE / (1 - PREVALENCE))
        ids = np.arange(len(people))
        return Predictions(LABELS, ids, people, targets, 1 / (1 + np.exp(-logits)))

    return draw


def at_random(test: Predictions, groups: int, rng: np.random.Generator, shares=None) -> Grouping:
    """Patients in groups by chance."""
    patients = np.unique(test.patient_ids)
    drawn = rng.choice(groups, len(patients), p=shares)
    of = dict(zip(patients.tolist(), drawn.tolist(), strict=True))
    names = tuple(f"group {number}" for number in range(groups))
    pairs = zip(test.record_ids.tolist(), test.patient_ids.tolist(), strict=True)
    return Grouping("random", names, {record: names[of[patient]] for record, patient in pairs})


def count(found: Subgroups) -> tuple[list[float], list[float], bool, bool]:
    """The p-values of both families, and whether either has a wrong word."""
    deciding = [one.deciding for one in found.groups]
    single = [b for one in found.groups for row in one.labels.values() for b in row.scores.values()]
    return (
        *([b.p_value for b in own if b.difference is not None] for own in (deciding, single)),
        *(any(b.word in ("higher", "lower") for b in own) for own in (deciding, single)),
    )


def share(hits: int, trials: int) -> str:
    """Per cent, with its Monte Carlo standard error."""
    least = max(hits, 1) / trials  # where nothing was counted, the error of one
    return f"{100 * hits / trials:.1f} ± {100 * np.sqrt(least * (1 - least) / trials):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--bootstrap", type=int, default=200)
    parser.add_argument("--predictions", type=Path, help="a file of real predictions")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    options = parser.parse_args()
    # of each its seed, how patients are drawn, and the groups
    worlds: dict[str, tuple[int, Draw, int, list[float] | None]] = {
        "100 patients, two groups": (0, binormal(100, 1), 2, None),
        "400 patients, two groups": (1, binormal(400, 1), 2, None),
        "400 patients, one in ten in the first": (2, binormal(400, 1), 2, [0.1, 0.9]),
        "200 patients of 1 to 4 records, three groups": (4, binormal(200, 4), 3, None),
    }
    if options.predictions:
        real = Predictions.load(options.predictions)
        worlds["real predictions, two groups"] = (6, lambda rng: real, 2, None)
        worlds["real predictions, four groups"] = (7, lambda rng: real, 4, None)
    print("| scenario | any, macro AUROC | any, single labels | p < 0.05, macro AUROC | "
          "p < 0.05, single labels | gains more, any |")  # fmt: skip
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, (number, draw, groups, shares) in worlds.items():
        if options.only not in name:
            continue
        wrong, p_values, gained = np.zeros(2, int), ([], []), 0
        for trial in range(options.trials):
            rng = np.random.default_rng([number, trial])
            test = draw(rng)
            grouping = at_random(test, groups, rng, shares)
            limits = np.full(len(test.labels), 0.3)
            settings = {"bootstrap": options.bootstrap, "seed": trial}
            deciding, single, *any_wrong = count(
                score_subgroups(test, limits, [grouping], **settings)
            )
            wrong += any_wrong
            for kept, own in zip(p_values, (deciding, single), strict=True):
                kept.extend(own)
            noisy = rng.normal(size=test.probabilities.shape) * 0.5
            logits = np.log(test.probabilities.clip(1e-6, 1 - 1e-6))
            logits -= np.log(1 - test.probabilities.clip(1e-6, 1 - 1e-6))
            other = Predictions(test.labels, test.record_ids, test.patient_ids, test.targets,
                                1 / (1 + np.exp(-logits - noisy)))  # fmt: skip
            gains = gains_by_group(Arm(((test,),)), Arm(((other,),)), [grouping], **settings)
            gained += any(one.word in ("gains more", "gains less") for one in gains)
        cells = [share(int(one), options.trials) for one in wrong]
        # those of a trial are of the same patients, so this has no simple error
        cells += [f"{100 * np.mean(np.array(own) < 0.05):.1f}" for own in p_values]
        cells.append(share(gained, options.trials))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
