"""Test sets of two networks that are equally good, from worlds whose truth is known.

`Binormal`: a record with a label scores higher by the network's skill; what a patient, a record and
a network add to it is normal. `Real`: patients are drawn from the predictions of two real networks,
whose scores are swapped patient by patient at random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import norm

from calibration.endless import CODES, expect_together
from ecg_keras.evaluation import Predictions
from ecg_keras.metrics import (
    SPECIFICITY,
    ChallengeScorer,
    brier,
    decide,
    operating_scores,
    sample_f_max,
    score_labels,
)

# shares of the variance of a score: of the patient, of the record, and a network's own of both
SHARED, OWN = {"patient": 0.3, "record": 0.2}, {"patient": 0.15, "record": 0.35}
AUROCS = (0.75, 0.8, 0.85, 0.9, 0.95)
ENDLESS = 100_000  # records that stand for endless ones
ALARMS = 0.1  # share of the negatives that a threshold lets pass
LABEL_SCORES = (
    "auroc", "auprc", "f1", "sensitivity", "specificity", "f_max",
    "sensitivity_at_95_specificity", "brier",
)  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """The scores on endless records, by name: of each label, and of all labels together."""

    labels: list[dict[str, float]]
    together: dict[str, float]


@dataclass(frozen=True)
class Scene:
    """What is tested.

    Attributes:
        title: of the row.
        patients: tested.
        records: of a patient, least and most.
        positives: of each label, patients with it; one number is of four labels.
    """

    title: str
    patients: int
    records: tuple[int, int]
    positives: tuple[int, ...]


def expect(
    truth: np.ndarray, probabilities: np.ndarray, limits: np.ndarray, weights: np.ndarray
) -> list[dict[str, float]]:
    """The scores of each label on records that stand for all there are."""
    best, sensitivity = operating_scores(truth, probabilities, SPECIFICITY, weights)
    scored = score_labels(truth, probabilities, limits, weights)
    more = {
        "f_max": best,
        "sensitivity_at_95_specificity": sensitivity,
        "brier": brier(truth, probabilities, weights),
        "prevalence": scored.prevalence,
    }
    return [
        {
            name: float((more[name] if name in more else getattr(scored, name))[label])
            for name in (*LABEL_SCORES, "prevalence")
        }
        for label in range(truth.shape[1])
    ]


def predictions(of: np.ndarray, targets: np.ndarray, probabilities: np.ndarray) -> Predictions:
    """Of records whose patients are ``of``."""
    return Predictions(
        tuple(f"label {number}" for number in range(targets.shape[1])),
        np.char.add("r", np.arange(len(of)).astype(str)),
        np.char.add("p", of.astype(str)),
        targets,
        probabilities,
    )


class Binormal:
    """Scores that are normal; calibrated probabilities."""

    name = "binormal"

    def draw(
        self, scene: Scene, rng: np.random.Generator, exact: bool
    ) -> tuple[Predictions, Predictions, np.ndarray, Truth]:
        """Two networks on one test set, thresholds, and the truth.

        Args:
            scene: what is tested.
            rng: of the draws.
            exact: as many positives as the scene says; else each patient has the label by chance.
        """
        patients, labels = scene.patients, len(scene.positives)
        has = np.zeros((patients, labels), dtype=bool)
        for column, number in enumerate(scene.positives):
            if exact:
                has[rng.choice(patients, number, replace=False), column] = True
            else:
                has[:, column] = rng.random(patients) < number / patients
        of = np.repeat(
            np.arange(patients),
            rng.integers(scene.records[0], scene.records[1] + 1, size=patients),
        )
        chosen = rng.choice(AUROCS, labels)
        skill = math.sqrt(2) * norm.ppf(chosen)
        shared = noise(SHARED, of, labels, rng)
        shares = np.array(scene.positives) / patients
        probabilities = [
            calibrated(shared + noise(OWN, of, labels, rng) + skill * has[of], skill, shares)
            for _ in range(2)
        ]
        truths = [known(auroc, share) for auroc, share in zip(chosen, shares, strict=True)]
        limits = np.array([limit for limit, _ in truths])
        return (
            predictions(of, has[of], probabilities[0]),
            predictions(of, has[of], probabilities[1]),
            limits,
            Truth([truth for _, truth in truths], expect_together(skill, shares, limits)),
        )


def noise(
    parts: dict[str, float], of: np.ndarray, labels: int, rng: np.random.Generator
) -> np.ndarray:
    own = math.sqrt(parts["patient"]) * rng.normal(size=(of.max() + 1, labels))[of]
    return own + math.sqrt(parts["record"]) * rng.normal(size=(len(of), labels))


def calibrated(score: np.ndarray, skill: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The probability of the label given the score."""
    odds = np.log(share / (1 - share)) + skill * score - skill**2 / 2
    return 1 / (1 + np.exp(-odds))


@cache
def known(auroc: float, share: float) -> tuple[float, dict[str, float]]:
    """A threshold, and the scores of a label on endless records."""
    rng, skill = np.random.default_rng(1), math.sqrt(2) * norm.ppf(auroc)
    has = np.arange(ENDLESS) < ENDLESS // 10
    probabilities = calibrated(rng.normal(size=ENDLESS) + skill * has, skill, np.float64(share))[
        :, None
    ]
    limit = np.quantile(probabilities[~has], 1 - ALARMS)
    weights = np.where(has, share / 0.1, (1 - share) / 0.9)
    return float(limit), expect(has[:, None], probabilities, np.array([limit]), weights)[0]


class Real:
    """Patients drawn with replacement from the predictions of two networks of the same records.

    Args:
        first, second: the two.
        least: labels that fewer patients have are left out.
    """

    name = "real"

    def __init__(self, first: Predictions, second: Predictions, least: int = 20) -> None:
        first, second = first.sorted(), second.sorted()
        people, self.of = np.unique(first.patient_ids, return_inverse=True)
        order = np.argsort(self.of, kind="stable")
        self.rows = np.split(order, np.cumsum(np.bincount(self.of))[:-1])
        has = np.zeros((len(people), len(first.labels)), dtype=bool)
        np.logical_or.at(has, self.of, first.targets == 1)
        often = (has.sum(axis=0) >= least) & ((~has).sum(axis=0) >= least)
        self.has = has[:, often]
        self.targets = first.targets[:, often] == 1
        self.probabilities = np.stack(
            [first.probabilities[:, often], second.probabilities[:, often]]
        )
        self.limits = np.array(
            [
                np.quantile(self.probabilities[:, ~target, label], 1 - ALARMS)
                for label, target in enumerate(self.targets.T)
            ]
        )

    def draw(
        self, scene: Scene, rng: np.random.Generator, exact: bool
    ) -> tuple[Predictions, Predictions, np.ndarray, Truth]:
        """As `Binormal.draw`: each label is drawn with patients of its own.

        The test set has one label for each of the scene's, of patients that are drawn for the
        first of them; the others are as they fall.
        """
        column = int(rng.integers(self.has.shape[1]))
        share = scene.positives[0] / scene.patients
        if exact:
            positive = np.arange(scene.patients) < scene.positives[0]
        else:
            positive = rng.random(scene.patients) < share
        with_label, without = (np.flatnonzero(self.has[:, column] == one) for one in (True, False))
        people = np.where(
            positive,
            rng.choice(with_label, scene.patients),
            rng.choice(without, scene.patients),
        )
        rows = np.concatenate([self.rows[one] for one in people])
        of = np.repeat(np.arange(scene.patients), [len(self.rows[one]) for one in people])
        swapped = rng.integers(2, size=scene.patients)[of]
        # drawn twice, an ECG would score exactly the same: a little is added, far below a step
        probabilities = np.clip(
            self.probabilities[:, rows, column] + 1e-6 * rng.random((2, len(rows))), 0, 1
        )
        one, other = np.where(swapped, probabilities[::-1], probabilities)
        target = self.targets[rows, column][:, None]
        limits = self.limits[column : column + 1]
        return (
            predictions(of, target, one[:, None]),
            predictions(of, target, other[:, None]),
            limits,
            self.know(column, share),
        )

    @cache  # noqa: B019 - of a world that lives as long as the script
    def know(self, column: int, share: float) -> Truth:
        """The scores of one label that this share of the patients has."""
        has = self.has[:, column]
        people_weight = np.where(has, share / has.sum(), (1 - share) / (~has).sum())
        weights = np.tile(people_weight[self.of], 2)
        targets = np.tile(self.targets[:, column], 2)[:, None]
        probabilities = self.probabilities[:, :, column].reshape(-1, 1)
        return Truth(expect(targets, probabilities, self.limits[column : column + 1], weights), {})

    def draw_all(
        self, patients: int, rng: np.random.Generator
    ) -> tuple[Predictions, Predictions, np.ndarray, Truth]:
        """That many patients, as they fall, with all labels."""
        people = rng.integers(len(self.rows), size=patients)
        rows = np.concatenate([self.rows[one] for one in people])
        of = np.repeat(np.arange(patients), [len(self.rows[one]) for one in people])
        swapped = rng.integers(2, size=patients)[of][:, None]
        probabilities = np.clip(
            self.probabilities[:, rows] + 1e-6 * rng.random((2, len(rows), 1)), 0, 1
        )
        one, other = np.where(swapped, probabilities[::-1], probabilities)
        return (
            predictions(of, self.targets[rows], one),
            predictions(of, self.targets[rows], other),
            self.limits,
            self.know_all(),
        )

    @cache  # noqa: B019 - likewise
    def know_all(self) -> Truth:
        """The scores of all labels."""
        both, targets = (
            self.probabilities.reshape(-1, self.probabilities.shape[-1]),
            np.tile(self.targets, (2, 1)),
        )
        together = {"sample_f_max": float(sample_f_max(targets, both))}
        if targets.shape[1] <= len(CODES):
            challenge = ChallengeScorer(
                targets, decide(both, self.limits), CODES[: targets.shape[1]]
            )
            together["challenge_2021"] = float(challenge.score(np.ones((len(both), 1)))[0])
        return Truth(expect(targets, both, self.limits, np.ones(len(both))), together)
