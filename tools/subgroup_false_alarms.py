"""How often groups that mean nothing are said to differ.

    python tools/subgroup_false_alarms.py --trials 400 --figure docs/images/subgroup-p-values.svg

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
    rate = hits / max(trials, 1)
    error = np.sqrt(max(rate * (1 - rate), 1 / max(trials, 1) / 4 * 0.1) / max(trials, 1))
    return f"{100 * rate:.1f} ± {100 * error:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--bootstrap", type=int, default=200)
    parser.add_argument("--predictions", type=Path, help="a file of real predictions")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--figure", type=Path, help="where the distribution of p-values is drawn")
    options = parser.parse_args()
    worlds: dict[str, tuple[Draw, int, list[float] | None]] = {
        "100 patients, two groups": (binormal(100, 1), 2, None),
        "400 patients, two groups": (binormal(400, 1), 2, None),
        "400 patients, one in ten in the first": (binormal(400, 1), 2, [0.1, 0.9]),
        "400 patients, five groups": (binormal(400, 1), 5, None),
        "200 patients of 1 to 4 records, three groups": (binormal(200, 4), 3, None),
        "800 patients, eight groups": (binormal(800, 1), 8, None),
    }
    if options.predictions:
        real = Predictions.load(options.predictions)
        worlds["real predictions, two groups"] = (lambda rng: real, 2, None)
        worlds["real predictions, four groups"] = (lambda rng: real, 4, None)
    print("| scenario | any, macro AUROC | any, single labels | p < 0.05, macro AUROC | "
          "p < 0.05, single labels | gains more, any |")  # fmt: skip
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    values: dict[str, list[float]] = {}
    for number, (name, (draw, groups, shares)) in enumerate(worlds.items()):
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
        values[name] = p_values[0]
        cells = [share(int(one), options.trials) for one in wrong]
        cells += [share(sum(p < 0.05 for p in own), len(own)) for own in p_values]
        cells.append(share(gained, options.trials))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if options.figure:
        draw_figure(values, options.figure)


def draw_figure(values: dict[str, list[float]], path: Path) -> None:
    """p-values in order over what they should be."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "0"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.5", linewidth=0.8, linestyle=":")
    for name, own in values.items():
        axes.plot((np.arange(len(own)) + 0.5) / len(own), np.sort(own), linewidth=1.2, label=name)
    axes.set(xlabel="share of groups", ylabel="p-value of no difference in macro AUROC",
             xlim=(0, 1), ylim=(0, 1))  # fmt: skip
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
