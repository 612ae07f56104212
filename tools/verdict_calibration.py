"""Prints how often verdicts are wrong and intervals cover, where the truth is known.

    python tools/verdict_calibration.py                 # a look: some minutes on two idle cores
    python tools/verdict_calibration.py --full          # 2000 trials of each scenario: hours
    python tools/verdict_calibration.py --only seeds    # scenarios with this in their title
    python tools/verdict_calibration.py --part commands --real a.npz b.npz

The first part is about studies, the second about the commands: what `compare` calls different where
nothing is, and every interval that `evaluate` prints, on binormal scores or, with `--real`, on the
scores of two real networks (tools/calibration says how).

Each trial draws test patients and the scores that two ways of training give them, asks
`contrasts` and `judge` exactly as a study does, and compares the answer with the truth.

Scores are binormal: a record with a label scores higher by the skill of the network, and to that
come what is common to all networks (of the patient and of the record), what one way of training
always says of a patient or a record, and what one network says of a record. Skills of networks
vary from seed to seed. Networks of different folds have scales of their own. The expected AUROC
over networks and patients is then known: Phi(mean skill / sqrt(2 noise^2 + variance of skill)).

The last table of the studies has real learners: linear discriminants, trained on folds of the drawn
patients, with seeds that resample the training records. There are two truths: the expected
difference of the networks that these training sets give, and that of other training sets.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
from calibration import commands
from calibration.tables import share, table
from calibration.worlds import Binormal, Real
from scipy.stats import norm

from ecg_keras.evaluation import Predictions
from ecg_keras.statistics import Arm, Contrast, contrast, judge

# shares of the variance of a score: common of patient and record, a way's own of patient and
# record, a network's own of a record
NOISE = {"patient": 0.3, "record": 0.2, "way_patient": 0.15, "way_record": 0.15, "network": 0.2}


@dataclass(frozen=True)
class Scenario:
    """What the world is like.

    Attributes:
        title: of the row.
        patients: tested.
        records: of a patient, least and most.
        prevalence: of each label: a share, or a number of patients.
        seeds, folds: of each way of training.
        seed_sd: standard deviation of one network's expected AUROC.
        failing: share of the networks that learn next to nothing.
        auroc: expected, of the reference, of networks that do not fail.
        gains: expected AUROC of each other way less that of the reference.
        margin: of equivalence.
        networks: the truth that is asked for is that of these very networks.
        trained: real learners instead of binormal scores: two that see the same features, one of
            them pre-trained (``alike``), or two that see features of their own (``unlike``).
    """

    title: str
    patients: int = 200
    records: tuple[int, int] = (1, 1)
    prevalence: tuple[float | int, ...] = (0.4, 0.2)
    seeds: int = 5
    folds: int = 1
    seed_sd: float = 0.02
    failing: float = 0.0
    auroc: float = 0.85
    gains: tuple[float, ...] = (0.0,)
    margin: float = 0.02
    networks: bool = False
    trained: Literal["", "alike", "unlike"] = ""


NO_DIFFERENCE = (
    Scenario("60 patients", 60),
    Scenario("60 patients of 1 to 3 records", 60, (1, 3)),
    Scenario("300 patients of 1 to 3 records", 300, (1, 3)),
    Scenario("1000 patients", 1000, prevalence=(0.2,)),
    Scenario("one label, 10 positives", prevalence=(10,)),
    Scenario("one label, 5 positives", prevalence=(5,)),
    Scenario("one label, 3 positives", prevalence=(3,)),
    Scenario("three labels, the rarest 5 positives", prevalence=(0.4, 0.2, 5)),
    Scenario("5 folds, 60 patients", 60, folds=5),
    Scenario("5 folds, 200 patients of 1 to 3 records", 200, (1, 3), folds=5),
    Scenario("5 folds, rarest label 10 positives", 200, prevalence=(0.4, 10), folds=5),
    Scenario("5 folds, one label, 5 positives", 200, prevalence=(5,), folds=5),
    Scenario("1 seed, no luck of seeds", seeds=1, seed_sd=0.0),
    Scenario("1 seed, asked of these networks", seeds=1, networks=True),
    Scenario("1 seed, asked of the ways of training", seeds=1),
    Scenario("2 seeds", seeds=2),
    Scenario("3 seeds, no luck of seeds", seeds=3, seed_sd=0.0),
    Scenario("3 seeds", seeds=3),
    Scenario("3 seeds, much luck of seeds", seeds=3, seed_sd=0.05),
    Scenario("5 seeds, no luck of seeds", seed_sd=0.0),
    Scenario("5 seeds", 200),
    Scenario("5 seeds, much luck of seeds", seed_sd=0.05),
    Scenario("5 seeds, one network in ten fails", failing=0.1),
    Scenario("10 seeds", seeds=10),
    Scenario("6 ways against one reference (Holm)", gains=(0.0,) * 6, prevalence=(0.3,)),
)
AT_THE_MARGIN = tuple(
    Scenario(
        f"{patients} patients, margin {margin:g}",
        patients,
        prevalence=(0.3,),
        gains=(margin,),
        margin=margin,
        seed_sd=0.01,
    )
    for patients, margin in ((60, 0.1), (200, 0.05), (1000, 0.03))
)
POWER = tuple(
    Scenario(
        f"{patients} patients, difference {gain:g}",
        patients,
        prevalence=(0.3,),
        gains=(gain,),
        margin=0.05,
        seed_sd=0.01,
    )
    for gain in (0.05, 0.0)
    for patients in (60, 120, 250, 500, 1000)
)
LEARNERS = tuple(
    Scenario(
        f"{kind}: {patients} patients, {folds} folds, {seeds} seed{'s' * (seeds > 1)}",
        patients,
        prevalence=(0.3,),
        seeds=seeds,
        folds=folds,
        trained=trained,
    )
    for kind, trained in (("pre-trained and not", "alike"), ("of other features", "unlike"))
    for patients, folds, seeds in ((100, 5, 1), (100, 5, 5), (300, 10, 3))
)


# ------------------------------------------------------------------ binormal scores


def draw_scores(scenario: Scenario, rng: np.random.Generator) -> tuple[list[Arm], list[float]]:
    """The ways of training and the reference (last), and the true differences from it."""
    patients, labels = scenario.patients, len(scenario.prevalence)
    truth = np.zeros((patients, labels), dtype=int)
    for column, common in enumerate(scenario.prevalence):
        if isinstance(common, int):
            truth[rng.choice(patients, common, replace=False), column] = 1
        else:
            truth[:, column] = rng.random(patients) < common
    number = rng.integers(scenario.records[0], scenario.records[1] + 1, size=patients)
    of = np.repeat(np.arange(patients), number)
    fold_of = rng.permutation(np.arange(patients) % scenario.folds)[of]

    def noise(name: str, rows: int) -> np.ndarray:
        return math.sqrt(NOISE[name]) * rng.normal(size=(rows, labels))

    slope = norm.pdf(norm.ppf(scenario.auroc)) / math.sqrt(2)  # of AUROC in skill
    spread = scenario.seed_sd / slope
    common = noise("patient", patients)[of] + noise("record", len(of))
    arms, skills = [], []
    for auroc in (*(scenario.auroc + gain for gain in scenario.gains), scenario.auroc):
        mean = norm.ppf(auroc) * math.sqrt(2 + spread**2)
        skill = mean + spread * rng.normal(size=(scenario.seeds, scenario.folds))
        skill[rng.random(skill.shape) < scenario.failing] = 0.2
        own = common + noise("way_patient", patients)[of] + noise("way_record", len(of))
        runs = []
        for seed in range(scenario.seeds):
            folds = []
            for fold in range(scenario.folds):
                rows = np.flatnonzero(fold_of == fold)
                score = (
                    own[rows] + noise("network", len(rows)) + skill[seed, fold] * truth[of[rows]]
                )
                if scenario.folds > 1:
                    score = rng.normal() + math.exp(0.5 * rng.normal()) * score
                folds.append(predict(rows, of[rows], truth[of[rows]], score))
            runs.append(tuple(folds))
        arms.append(Arm(tuple(runs)))
        skills.append(float(norm.cdf(skill / math.sqrt(2)).mean()))
    if scenario.networks:
        return arms, [skill - skills[-1] for skill in skills[:-1]]
    return arms, list(scenario.gains)


def predict(
    rows: np.ndarray, patients: np.ndarray, targets: np.ndarray, scores: np.ndarray
) -> Predictions:
    """Predictions whose probabilities rank the records as the scores do."""
    return Predictions(
        tuple(f"label {number}" for number in range(targets.shape[1])),
        np.char.add("r", rows.astype(str)),
        np.char.add("p", patients.astype(str)),
        targets,
        1 / (1 + np.exp(-scores / 2)),
    )


# ------------------------------------------------------------------ real learners

# features, of which the first few separate the label by this many standard deviations
FEATURES, HELPFUL, APART = 20, 5, 0.45
SHIFT = np.where(np.arange(FEATURES) < HELPFUL, APART, 0.0)
# what a pre-trained network knows already: the right direction, and much noise
PRETRAINED = SHIFT + 0.35 * np.random.default_rng(5).normal(size=FEATURES)


def learn(features: np.ndarray, target: np.ndarray, start: np.ndarray | None) -> np.ndarray:
    """Weights of a linear discriminant, shrunken towards 0 or towards where it starts."""
    means = [features[target == kind].mean(axis=0) for kind in (0, 1)]
    centred = features - np.where(target[:, None] == 1, means[1], means[0])
    covariance = centred.T @ centred / len(target)
    if start is None:
        return np.linalg.solve(0.7 * covariance + 0.3 * np.eye(FEATURES), means[1] - means[0])
    return np.linalg.solve(covariance + np.eye(FEATURES), means[1] - means[0] + start)


def expect(weights: np.ndarray) -> float:
    """The AUROC of such weights on endless test records."""
    return float(norm.cdf(weights @ SHIFT / math.sqrt(2 * weights @ weights)))


def draw_training(scenario: Scenario, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What each way of training sees, ``(2, patients, features)``, and the target."""
    target = (rng.random(scenario.patients) < scenario.prevalence[0]).astype(int)
    features = rng.normal(size=(2, scenario.patients, FEATURES)) + target[:, None] * SHIFT
    if scenario.trained == "alike":
        features[1] = features[0]
    return features, target


@cache
def expect_new(scenario: Scenario) -> float:
    """The expected difference of training sets that are drawn again."""
    if scenario.trained == "unlike":
        return 0.0  # the two ways are the same but for the features that they see
    rng, size = np.random.default_rng(1), scenario.patients // scenario.folds * (scenario.folds - 1)
    differences = []
    for _ in range(3000):
        features, target = draw_training(scenario, rng)
        drawn = rng.choice(size, size)
        weights = [learn(features[0, drawn], target[drawn], start) for start in (PRETRAINED, None)]
        differences.append(expect(weights[0]) - expect(weights[1]))
    return float(np.mean(differences))


def draw_trained(scenario: Scenario, rng: np.random.Generator) -> tuple[list[Arm], list[float]]:
    """Two cross-validated ways of training, and the expected difference of these training sets."""
    features, target = draw_training(scenario, rng)
    fold_of = rng.permutation(np.arange(scenario.patients) % scenario.folds)
    starts = (PRETRAINED if scenario.trained == "alike" else None, None)
    runs: tuple[list[tuple[Predictions, ...]], ...] = ([], [])
    expected = np.zeros(2)
    for _ in range(scenario.seeds):
        folds: tuple[list[Predictions], ...] = ([], [])
        for fold in range(scenario.folds):
            test = np.flatnonzero(fold_of == fold)
            train = np.flatnonzero(fold_of != fold)
            drawn = rng.choice(train, len(train))
            for way, start in enumerate(starts):
                weights = learn(features[way, drawn], target[drawn], start)
                expected[way] += expect(weights) / scenario.seeds / scenario.folds
                score = features[way, test] @ weights
                folds[way].append(predict(test, test, target[test, None], score[:, None]))
        for way in range(2):
            runs[way].append(tuple(folds[way]))
    return [Arm(tuple(own)) for own in runs], [float(expected[0] - expected[1])]


# ------------------------------------------------------------------ trials


@dataclass(frozen=True)
class Answer:
    """What one comparison of a trial says, and the truth."""

    contrast: Contrast
    word: str
    truth: float

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.contrast.low <= self.truth <= self.contrast.high

    def is_wrong(self, margin: float) -> bool:
        """Whether the verdict is."""
        return {
            "better": self.truth <= 0,
            "worse": self.truth >= 0,
            "equivalent": abs(self.truth) >= margin,
            "inconclusive": False,
        }[self.word]


def try_once(scenario: Scenario, seed: int) -> list[Answer]:
    """One trial: an answer for each way of training."""
    rng = np.random.default_rng(seed)
    arms, truths = (draw_trained if scenario.trained else draw_scores)(scenario, rng)
    found = [
        contrast([arm, arms[-1]], [1, -1], bootstrap=RESAMPLES, seed=seed) for arm in arms[:-1]
    ]
    verdicts = judge(found, margin=scenario.margin)
    return [
        Answer(one, verdict.word, truth)
        for one, verdict, truth in zip(found, verdicts, truths, strict=True)
    ]


def widened_covers(answer: Answer, folds: int) -> bool:
    """Whether an interval that is widened for training sets that overlap holds the truth.

    Nadeau & Bengio (2003) put 1/K + (test / training records) in place of 1/K.
    """
    parts = answer.contrast.parts
    wider = replace(parts, patient=parts.patient * (1 + folds / (folds - 1)))
    return 2 * wider.tail(abs(answer.contrast.value - answer.truth)) >= 1 - answer.contrast.level


def try_some(scenario: Scenario, seeds: Sequence[int]) -> list[list[Answer]]:
    """A trial for each seed."""
    return [try_once(scenario, seed) for seed in seeds]


def describe(scenario: Scenario, trials: list[list[Answer]]) -> dict[str, str]:
    """The cells of a row."""
    answers = [answer for trial in trials for answer in trial]
    errors = [answer.contrast.value - answer.truth for answer in answers]
    claimed = [answer.contrast.standard_error**2 for answer in answers]
    words = [answer.word for answer in answers]
    row = {
        "scenario": scenario.title,
        "coverage": share([float(np.mean([answer.covers for answer in own])) for own in trials]),
        "wrong verdicts": share(
            [any(answer.is_wrong(scenario.margin) for answer in own) for own in trials]
        ),
        "error": f"{np.sqrt(np.mean(np.square(errors))):.3f}",
        "claimed": f"{math.sqrt(np.mean(claimed)):.3f}",
        **{word: share([one == word for one in words]) for word in WORDS},
    }
    if scenario.trained:
        new = [replace(answer, truth=expect_new(scenario)) for answer in answers]
        row["of new training sets"] = share([answer.covers for answer in new])
        row["the same, widened"] = share([widened_covers(answer, scenario.folds) for answer in new])
    return row


# ------------------------------------------------------------------ tables

RESAMPLES = 200
WORDS = ("better", "equivalent", "worse", "inconclusive")
BLOCK = 10
TABLES: dict[str, tuple[tuple[Scenario, ...], tuple[str, ...]]] = {
    "No difference": (NO_DIFFERENCE, ("coverage", "wrong verdicts", "error", "claimed")),
    "A difference of the margin": (AT_THE_MARGIN, ("coverage", "equivalent", "better")),
    "Power": (POWER, ("coverage", *WORDS)),
    "Trained learners, cross-validated": (
        LEARNERS,
        ("coverage", "of new training sets", "the same, widened", "error", "claimed"),
    ),
}


def run_studies(pool: ProcessPoolExecutor, trials: int, seed: int, only: str) -> None:
    """Prints the tables of studies."""
    for heading, (scenarios, columns) in TABLES.items():
        rows = []
        for scenario in scenarios:
            if only in scenario.title:
                blocks = seed_blocks(seed, scenario.title, trials)
                done = pool.map(try_some, [scenario] * len(blocks), blocks)
                rows.append(describe(scenario, [trial for block in done for trial in block]))
        if rows:
            print(f"\n### {heading}\n\n{table(rows, columns)}", flush=True)


def run_commands(
    pool: ProcessPoolExecutor, world: Binormal | Real, trials: int, seed: int, only: str
) -> None:
    """Prints the tables of `compare` and `evaluate` in one world."""
    found: dict[str, list[dict[str, str]]] = {name: [] for name in commands.HEADINGS}
    for scene in commands.scenes_of(world):
        if only in scene.title:
            every = range(seed, seed + trials)
            blocks = [every[start : start + BLOCK] for start in range(0, trials, BLOCK)]
            fixed = [[one] * len(blocks) for one in (world, scene, RESAMPLES)]
            done = pool.map(commands.try_some, *fixed, blocks)
            cells = commands.rows(scene.title, [trial for block in done for trial in block])
            for name, row in cells.items():
                found[name].append(row)
    for name, rows in found.items():
        if rows:
            heading = f"{commands.HEADINGS[name]} ({world.name})"
            print(f"\n### {heading}\n\n{table(rows, commands.columns(name))}", flush=True)


def seed_blocks(seed: int, title: str, trials: int) -> list[list[int]]:
    """Seeds of the trials; of the title, so that leaving out other scenarios changes nothing."""
    seeds = np.random.SeedSequence([seed, *title.encode()]).generate_state(trials).tolist()
    return [seeds[start : start + BLOCK] for start in range(0, trials, BLOCK)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Prints how often verdicts are wrong where the truth is known."
    )
    parser.add_argument("--trials", type=int, default=25, help="of each scenario (25)")
    parser.add_argument("--full", action="store_true", help="2000 trials of each scenario")
    parser.add_argument("--seed", type=int, default=0, help="of all trials (0)")
    parser.add_argument("--only", default="", help="scenarios with this in their title")
    parser.add_argument("--part", choices=("studies", "commands"), help="one part; none runs both")
    parser.add_argument(
        "--real",
        nargs=2,
        metavar=("A.npz", "B.npz"),
        help="predictions of two networks: the commands are asked on their patients",
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (one for each core)"
    )
    chosen = parser.parse_args(arguments)
    if chosen.trials < 1 or chosen.workers < 1:
        parser.error("--trials and --workers must be at least 1")
    trials = 2000 if chosen.full else chosen.trials
    print(
        f"{trials} trials of each scenario, {RESAMPLES} resamples of patients in each trial; "
        "shares in per cent ± their Monte Carlo standard error."
    )
    world: Binormal | Real = Binormal()
    if chosen.real is not None:
        world = Real(*(Predictions.load(path) for path in chosen.real))
    with ProcessPoolExecutor(chosen.workers) as pool:
        if chosen.part != "commands":
            run_studies(pool, trials, chosen.seed, chosen.only)
        if chosen.part != "studies":
            run_commands(pool, world, trials, chosen.seed, chosen.only)


if __name__ == "__main__":
    main()
