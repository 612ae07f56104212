"""`contrast`: a weighted sum of the scores of arms, with its interval over seeds and patients."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import ConfigError, DataError, unknown_name
from ecg_keras.evaluation.arm_scores import Resampled, plan_draws, score_arm
from ecg_keras.evaluation.arms import Arm, check_arms
from ecg_keras.evaluation.draws import Draws, check_settings
from ecg_keras.evaluation.inference import Contrast, Design, infer_difference, infer_score
from ecg_keras.evaluation.intervals import Patients, count_patients
from ecg_keras.metrics import METRICS


def contrast(
    arms: Sequence[Arm],
    weights: Sequence[float],
    *,
    metric: str = "macro_auroc",
    level: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> Contrast:
    """A weighted sum of arms' scores: one score, a difference, or a difference of differences.

    All arms and seeds are scored on the same resamples of the test patients, so that what makes a
    resample easy for all cancels out. Seed number i of one arm is compared with seed number i of
    the others. docs/statistics.md describes the interval.

    Args:
        arms: one or more, each with as many seeds.
        weights: of their scores: ``(1,)`` for a score, ``(1, -1)`` for a difference,
            ``(1, -1, -1, 1)`` for an interaction. Where arms test different records, the weights
            of those on the same records must add up to 0.
        metric: a name of `ecg_keras.metrics.METRICS`, or a label: its AUROC.
        level: of the interval, above 0.5 and below 1.
        bootstrap: number of resamples, at least 100.
        seed: of the resamples.

    Raises:
        ConfigError: a setting is out of range, weights do not fit the arms, or there is no such
            metric or label.
        DataError: arms differ in seeds, labels, or in what they test; there are fewer than two
            patients; or the score is undefined.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ids = np.arange(300).astype(str)
        >>> truth = rng.integers(0, 2, (300, 1))
        >>> def trained(skill):
        ...     said = skill * truth + (1 - skill) * rng.random((300, 1))
        ...     return (Predictions(["MI"], ids, ids, truth, said),)
        >>> from ecg_keras.evaluation import Predictions
        >>> good = Arm((trained(0.3), trained(0.3), trained(0.3)))
        >>> poor = Arm((trained(0.1), trained(0.1), trained(0.1)))
        >>> found = contrast([good, poor], [1, -1], bootstrap=200)
        >>> found.low > 0, found.seeds, found.patients
        (True, 3, 300)
    """
    check_settings(bootstrap, level)
    compared = align_arms(arms, weights, bootstrap, seed)
    labels = arms[0].labels
    if metric not in (*METRICS, *labels):
        raise ConfigError(unknown_name("metric or label", metric, (*METRICS, *labels)))
    if metric in METRICS:
        return compared.infer_mean(metric, level)
    found = compared.infer_known_label(labels.index(metric), level)
    if found is None:
        raise DataError(
            f"{metric} is undefined: it needs at least two patients with it and two without it "
            "among those tested. Choose another label, or a mean over labels such as macro_auroc."
        )
    return found


def contrasts(
    arms: Sequence[Arm],
    weights: Sequence[float],
    *,
    level: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> tuple[dict[str, Contrast], dict[str, Contrast | None]]:
    """`contrast` in every summary score and in each label's AUROC, from the same resamples.

    An arm keeps its scores in the resamples, so that many contrasts with it cost little more than
    one.

    Returns:
        The contrast of each name of `ecg_keras.metrics.METRICS`; and of each label's AUROC, `None`
        where fewer than two patients have the label or fewer than two lack it.

    Raises:
        ConfigError, DataError: as `contrast`.
    """
    check_settings(bootstrap, level)
    compared = align_arms(arms, weights, bootstrap, seed)
    return (
        {name: compared.infer_mean(name, level) for name in METRICS},
        {
            label: compared.infer_known_label(column, level)
            for column, label in enumerate(arms[0].labels)
        },
    )


@dataclass(frozen=True, eq=False)
class AlignedArms:
    """Arms that fit together, with their scores in the same resamples."""

    arms: Sequence[Arm]
    weights: Sequence[float]
    draws: Draws
    scored: Sequence[Resampled]
    patients: Patients

    def infer_mean(self, name: str, level: float) -> Contrast:
        """Of one of `ecg_keras.metrics.METRICS`, a mean over labels."""
        return self._infer([own.summary[name] for own in self.scored], level, self.patients, name)

    def infer_known_label(self, column: int, level: float) -> Contrast | None:
        """Of one label's AUROC; ``None`` where too few patients have or lack the label, too."""
        return self.infer_label(column, level) if self.patients.support[column] >= 2 else None

    def infer_label(self, column: int, level: float) -> Contrast | None:
        """Of one label's AUROC, without an interval for too few patients; ``None``: undefined."""
        areas = [own.auroc[column] for own in self.scored]
        if any(np.isnan(area[:, 0]).any() for area in areas):
            return None
        counts = self.patients.having, self.patients.lacking
        patients = Patients(*(one[column : column + 1] for one in counts))
        return self._infer(areas, level, patients, "auroc")

    def _infer(
        self, values: Sequence[Float64Array], level: float, patients: Patients, name: str
    ) -> Contrast:
        """The contrast of one score, of which each arm has ``(seeds, rows)``."""
        rows = np.asarray(sum(w * own for w, own in zip(self.weights, values, strict=True)))
        tests = [arm.tested[0].record_ids for arm in self.arms]
        design = Design(
            groups=self.draws.groups,
            records=len(np.unique(np.concatenate(tests))),
            patients=len(self.draws.patients),
            folds=max(arm.folds for arm in self.arms),
        )
        if list(self.weights) == [1]:
            return infer_score(rows, design, patients, level, name)
        bounds = sum(min(w, 0.0) for w in self.weights), sum(max(w, 0.0) for w in self.weights)
        return infer_difference(rows, design, patients.support, level, bounds)


def align_arms(
    arms: Sequence[Arm], weights: Sequence[float], bootstrap: int, seed: int
) -> AlignedArms:
    """Arms that may be compared, scored on the same draws of patients."""
    check_arms(arms, weights)
    draws = plan_draws(arms, bootstrap, seed)
    threads = min(len(arms), os.cpu_count() or 1)  # NumPy and SciPy compute side by side
    with ThreadPoolExecutor(threads) as pool:
        scored = list(pool.map(lambda arm: score_arm(arm, draws), arms))
    for arm, own in zip(arms, scored, strict=True):
        if np.isnan(own.summary["macro_auroc"][:, 0]).any():
            in_fold, fewer = (" in one fold", ", or on fewer folds") if arm.folds > 1 else ("", "")
            raise DataError(
                f"{arm.name}: no score is defined: a label needs a test record that has it and one "
                f"that has not{in_fold}. Test more records{fewer}."
            )
    counted = [count_patients(arm.tested[0].patient_ids, arm.tested[0].targets) for arm in arms]
    fewest = Patients(
        *(np.min([getattr(one, side) for one in counted], axis=0) for side in ("having", "lacking"))
    )
    return AlignedArms(arms, weights, draws, scored, fewest)
