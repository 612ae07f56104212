"""Prints how often a verdict is right where the truth was planted, with and without tuning.

    python tools/planted_truths.py --kept truths.jsonl           # 40 repetitions: 15 CPU minutes
    python tools/planted_truths.py --kept truths.jsonl --repetitions 0    # print what is kept
    python tools/planted_truths.py --kept five.jsonl --error 5 --default-grid   # off the grid

Each repetition simulates its own downstream, and trains a small network on it from random weights
and from four pre-trainings (tools/planted/worlds.py): three bring nothing, a gain and harm, and
one has inverted labels, which harms where the rate is low. Three seeds of each are compared by
`contrast` and `judge`, as in a study of one comparison at 95 %.

The default rate of one of the two arms is then made ten times too low or too high. "untuned" takes
both arms at their default rates; "tuned" chooses each run by `ecg_keras.evaluation.choose` on the
validation split from {0.1, 1, 10} times its arm's default rate, and once beyond the edge of that
grid. The right rate is always a candidate then: `--error` makes the defaults wrong by another
factor, and `--default-grid` chooses from the candidates of `tune: {}`. Runs of equal settings are
trained once. To be quick, runs here write no files: the networks, the optimizer, the choice and the
verdict are those of the package.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from calibration.tables import share, table
from planted.networks import RATE, Ecgs, Trainer, Weights, predict
from planted.worlds import TRUTHS, draw_task, scratch

from ecg_keras.config import Candidate, Tune, applicable, beyond
from ecg_keras.config.tune import rounded
from ecg_keras.evaluation import Predictions, choose, score_validation
from ecg_keras.statistics import Arm, contrast, judge

SEEDS, STEPS = 3, 150
GRIDS = {
    "steps of 10": Tune(candidates=(Candidate(rate=0.1), Candidate(rate=1), Candidate(rate=10))),
    "default": Tune(),
}
BY, MARGIN = "macro_auroc", 0.02
# rates that every repetition trains, whatever is chosen
RATES = (0.01, 0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True, eq=False)
class Trained:
    """One run: what validation says of it, and what it says of the test records."""

    scores: dict[str, float]
    test: Predictions


Runs = Callable[[int, float, float], Trained]  # of a seed, a rate and a decay


def defaults(error: float) -> dict[str, tuple[float, float]]:
    """Default rates as multiples of a good one: of scratch, and of fine-tuning."""
    return {
        "both right": (1.0, 1.0),
        f"fine-tuning {error:g}x too low": (1.0, 1 / error),
        f"fine-tuning {error:g}x too high": (1.0, error),
        f"scratch {error:g}x too low": (1 / error, 1.0),
        f"scratch {error:g}x too high": (error, 1.0),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--kept", type=Path, required=True, help="a line for each repetition")
    parser.add_argument("--error", type=float, default=10.0, help="factor of a wrong default")
    parser.add_argument("--default-grid", action="store_true", help="choose from that of tune: {}")
    arguments = parser.parse_args()
    grid = list(GRIDS)[arguments.default_grid]
    kept = read_kept(arguments.kept)
    for one in kept:
        known = one.get("grid", next(iter(GRIDS))), list(next(iter(one["words"].values())))
        if known != (grid, list(defaults(arguments.error))):
            parser.error(f"--kept {arguments.kept} is of another error or grid: name another file")
    for number in range(arguments.repetitions):
        if number not in {one["number"] for one in kept}:
            begun = time.process_time()
            kept.append(repeat(number, grid, arguments.error))
            with arguments.kept.open("a") as file:
                file.write(json.dumps(kept[-1]) + "\n")
            print(f"{number}: {time.process_time() - begun:.0f} CPU seconds", flush=True)
    for part in describe(kept):
        print(f"\n{part}")


def read_kept(path: Path) -> list[dict[str, Any]]:
    """The repetitions that are there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def repeat(number: int, grid: str, error: float) -> dict[str, Any]:
    """One repetition: test AUROC by way and rate, and the verdict of each truth and default."""
    task = draw_task(number)
    reference = runs_of(scratch, task, number)
    found: dict[str, Any] = {"number": number, "grid": grid, "auroc": {}, "words": {}}
    found["auroc"]["scratch"] = [mean_auroc(reference, rate) for rate in RATES]
    for truth, (start, _) in TRUTHS.items():
        runs = runs_of(start, task, number)
        found["auroc"][truth] = [mean_auroc(runs, rate) for rate in RATES]
        found["words"][truth] = {
            name: [
                verdict(untuned_arm(runs, fine), untuned_arm(reference, other)),
                verdict(
                    tuned_arm(runs, fine, applicable(GRIDS[grid], "finetune")),
                    tuned_arm(reference, other, applicable(GRIDS[grid], "scratch")),
                ),
            ]
            for name, (other, fine) in defaults(error).items()
        }
    return found


trainer = cache(Trainer)


def runs_of(start: Callable[[int], Weights], task: dict[str, Ecgs], number: int) -> Runs:
    """The runs of one way of training, each trained when it is first asked for."""
    weights = cache(start)

    @cache
    def run(seed: int, rate: float, decay: float) -> Trained:
        own = SEEDS * number + seed
        model = trainer(rounded(RATE * rate), STEPS, decay).fit(weights(own), task["train"], own)
        return Trained(
            score_validation(predict(model, task["valid"])), predict(model, task["test"])
        )

    return run


def untuned_arm(runs: Runs, default: float) -> Arm:
    """Every seed at the arm's default rate."""
    return Arm(tuple((runs(seed, rounded(default), 1.0).test,) for seed in range(SEEDS)))


def tuned_arm(runs: Runs, default: float, tune: Tune) -> Arm:
    """Every seed at the rate that its validation split chooses."""

    def run(seed: int, one: Candidate) -> Trained:
        return runs(seed, rounded(default * one.rate), one.decay or 1.0)

    def chosen(seed: int) -> Trained:
        tried = {one.name: run(seed, one) for one in tune.candidates}
        best = choose({name: one.scores for name, one in tried.items()}, BY)
        edge = beyond(tune, best)
        if edge is not None:
            further = edge[1]
            tried[further.name] = run(seed, further)
            best = choose({name: one.scores for name, one in tried.items()}, BY)
        return tried[best]

    return Arm(tuple((chosen(seed).test,) for seed in range(SEEDS)))


def verdict(arm: Arm, reference: Arm) -> str:
    """Of one comparison alone."""
    return judge([contrast([arm, reference], [1.0, -1.0], bootstrap=400)], margin=MARGIN)[0].word


def mean_auroc(runs: Runs, rate: float) -> float:
    """Of the test records, over seeds."""
    return contrast([untuned_arm(runs, rate)], [1.0], bootstrap=100).value


# ------------------------------------------------------------------------------------- printing


def describe(kept: list[dict[str, Any]]) -> Iterable[str]:
    """The tables of all repetitions that are there."""
    if not kept:
        yield "No repetition is kept."
        return
    yield f"{len(kept)} repetitions, {SEEDS} seeds each; shares in per cent ± Monte Carlo error."
    yield planted_table(kept)
    yield verdict_table(kept)
    for place, name in enumerate(("untuned", "tuned")):
        yield f"Wrong because one arm's default rate is: {name} {count_wrong(kept, place)}"


def planted_table(kept: list[dict[str, Any]]) -> str:
    """Test AUROC at each rate, and what the first weights bring with both arms at their best."""
    means = {way: np.mean([one["auroc"][way] for one in kept], axis=0) for way in kept[0]["auroc"]}
    best = {way: int(values.argmax()) for way, values in means.items()}
    columns = [*(f"rate {rate:g}" for rate in RATES), "best - best scratch"]
    rows = []
    for way, values in means.items():
        gains = [
            one["auroc"][way][best[way]] - one["auroc"]["scratch"][best["scratch"]] for one in kept
        ]
        error = np.std(gains) / np.sqrt(max(1, len(gains) - 1))
        row = {f"rate {rate:g}": f"{value:.3f}" for rate, value in zip(RATES, values, strict=True)}
        if way != "scratch":
            row["best - best scratch"] = f"{np.mean(gains):+.3f} ± {error:.3f}"
        rows.append({"scenario": way, **row})
    return table(rows, columns)


def verdict_table(kept: list[dict[str, Any]]) -> str:
    """How often each verdict was "better" and "worse"."""
    ways = ("untuned", "tuned")
    columns = [f"{way}: {word}" for way in ways for word in ("better", "worse")]
    rows = []
    for truth in TRUTHS:
        for name in kept[0]["words"][truth]:
            words = np.array([one["words"][truth][name] for one in kept])
            cells = {
                f"{way}: {word}": share(words[:, place] == word)
                for place, way in enumerate(ways)
                for word in ("better", "worse")
            }
            rows.append({"scenario": f"{truth}; {name}", **cells})
    return table(rows, columns)


def count_wrong(kept: list[dict[str, Any]], place: int) -> str:
    """Verdicts "better" or "worse" that are wrong with a wrong default, and not with right ones."""
    right_rates, *wrong_rates = next(iter(kept[0]["words"].values()))
    planted = {truth: right for truth, (_, right) in TRUTHS.items() if right}
    wrong = tried = 0
    for one in kept:
        for truth, right in planted.items():
            words = one["words"][truth]
            usual = is_wrong(words[right_rates][place], right)
            for name in wrong_rates:
                tried += 1
                wrong += is_wrong(words[name][place], right) and not usual
    return f"{wrong} of {tried}"


def is_wrong(word: str, right: str) -> bool:
    """Whether a verdict decides, and against the truth."""
    return word in ("better", "worse") and word != right


if __name__ == "__main__":
    main()
