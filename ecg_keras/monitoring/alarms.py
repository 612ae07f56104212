"""Whether what a network says, and how well, is as it was: differences, and what chance allows.

Each difference may be as large as what does not matter, and what chance does to that many patients:
a quantile of Student's t, or of Kolmogorov's distribution, times its standard error. All checks of
a call share one rate of false alarms (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import special, stats

from ecg_keras.array_types import Float64Array
from ecg_keras.monitoring.outputs import KnownLabel, Outputs, PatientEstimate, mean_auroc, mean_of

Measure = Literal[
    "not answered", "rate", "probabilities", "prevalence", "calibration", "excess brier", "auroc"
]
# of all checks of a call together, where nothing has changed
ALARM_RATE = 0.01
# answered recordings below which nothing is judged
FEWEST = 20
# differences that do not matter, whatever the number of recordings
TOLERATED: Mapping[Measure, float] = {
    "not answered": 0.02,
    "rate": 0.03,
    "probabilities": 0.05,
    "prevalence": 0.03,
    "calibration": 0.03,
    "excess brier": 0.015,
    "auroc": 0.02,
}
TITLES: Mapping[Measure, str] = {
    "not answered": "share not answered",
    "rate": "share decided present",
    "probabilities": "distribution of the probabilities",
    "prevalence": "share present in truth",
    "calibration": "mean probability less share present",
    "excess brier": "Brier score beyond what the probabilities promise",
    "auroc": "AUROC",
}


@dataclass(frozen=True)
class OutputCheck:
    """One figure of what was received, beside the same of the reference.

    Attributes:
        measure: which, a key of `TITLES`.
        label: that it is of; empty where it is of all.
        reference, received: the two; of ``"probabilities"`` the two medians.
        distance: what is judged: their difference, of ``"probabilities"`` the greatest difference
            of the shares below any value (Kolmogorov and Smirnov), of ``"auroc"`` the loss.
        allowed: what does not matter, and what chance does to that many patients.
    """

    measure: Measure
    label: str
    reference: float
    received: float
    distance: float
    allowed: float

    @property
    def differs(self) -> bool:
        """Whether that is more than allowed."""
        return self.distance > self.allowed

    def line(self) -> str:
        """One line of text."""
        of = f" of {self.label}" if self.label else ""
        what = "distance" if self.measure == "probabilities" else "difference"
        return (
            f"{TITLES[self.measure]}{of}: {self.received:.3f}, {self.reference:.3f} in the "
            f"reference; {what} {self.distance:.3f}, allowed {self.allowed:.3f}"
        )


class _Difference(NamedTuple):
    """A check before it is known how many there are: ``degrees`` is ``None`` for a distribution."""

    measure: Measure
    label: str
    reference: float
    received: float
    distance: float
    error: float
    degrees: float | None

    def judge(self, checks: int) -> OutputCheck:
        """With what is allowed where there are that many checks."""
        share = ALARM_RATE / checks / 2
        if self.degrees is None:
            times = math.sqrt(-math.log(share) / 2)
        else:
            times = float(special.stdtrit(self.degrees, 1 - share))
        allowed = TOLERATED[self.measure] + times * self.error
        return OutputCheck(*self[:5], allowed)


def check_outputs(
    labels: Sequence[str],
    received: Mapping[str, Outputs],
    *,
    usual: Outputs,
    scored: Outputs,
    thresholds: Mapping[str, float] | None,
) -> dict[str, tuple[OutputCheck, ...]]:
    """Compares what a network said of sets of recordings with what it said in its validation.

    A set of fewer than 20 answered recordings, and a label that fewer than ten patients have or
    lack, is not judged. In all checks together there is a false alarm in at most 1 % of calls,
    where patients are independent and nothing has changed.

    Args:
        labels: of the columns.
        received: the sets by their names, such as months.
        usual: the reference for what is said: of the validation split.
        scored: the reference for how well, with targets: of the test split.
        thresholds: from which probability a label is decided present; without them the mean
            probability is compared.

    Returns:
        The checks of each set.

    Source:
        Clustered variances: Obuchowski, Biometrics 53 (1997); AUROC: DeLong et al., Biometrics 44
        (1988).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> low, high = (Outputs(rng.random((200, 1)) / part, np.arange(200)) for part in (2, 1))
        >>> found = check_outputs(["MI"], {"May": high}, usual=low, scored=low, thresholds=None)
        >>> [one.measure for one in found["May"] if one.differs]
        ['rate', 'probabilities']
    """
    limits = None if thresholds is None else np.array([thresholds[label] for label in labels])
    found = {
        name: [*_usual(labels, one, usual, limits), *_scores(labels, one, scored)]
        for name, one in received.items()
    }
    checks = max(1, sum(map(len, found.values())))
    return {name: tuple(one.judge(checks) for one in those) for name, those in found.items()}


def _usual(
    labels: Sequence[str], received: Outputs, usual: Outputs, limits: Float64Array | None
) -> Iterator[_Difference]:
    """What is said, and of how many nothing."""
    if len(received.answers) >= FEWEST:
        pair = usual.answers, received.answers
        shares = [mean_of(values, np.arange(len(values))) for values in pair]
        yield _compare("not answered", "", *shares, spread=1.0)
    if min(len(received.patients), len(usual.patients)) < FEWEST:
        return
    for column, label in enumerate(labels):
        ours, theirs = (one.probabilities[:, column] for one in (usual, received))
        pair = ours, theirs
        if limits is not None:
            pair = ours >= limits[column], theirs >= limits[column]
        means = [
            mean_of(values.astype(np.float64), one.patients)
            for values, one in zip(pair, (usual, received), strict=True)
        ]
        yield _compare("rate", label, *means, spread=1.0)
        sizes = [len(np.unique(one.patients)) for one in (usual, received)]
        yield _Difference(
            "probabilities",
            label,
            float(np.median(ours)),
            float(np.median(theirs)),
            float(stats.ks_2samp(ours, theirs, method="asymp").statistic),
            math.sqrt(1 / sizes[0] + 1 / sizes[1]),
            None,
        )


def _scores(labels: Sequence[str], received: Outputs, scored: Outputs) -> Iterator[_Difference]:
    """How right it is, where the truth is known."""
    if received.targets is None or scored.targets is None:
        return
    losses = []
    for column, label in enumerate(labels):
        pair = KnownLabel.of(scored, column), KnownLabel.of(received, column)
        if min(len(one.truth) for one in pair) < FEWEST:
            continue
        prevalences, biases, excesses = [], [], []
        for one in pair:
            truth, chance = one.truth, one.chance
            prevalences.append(mean_of(truth, one.patients))
            biases.append(mean_of(chance - truth, one.patients))
            # Brier score less mean of p (1 - p): 0 where three in ten of those at 0.3 have it
            excesses.append(mean_of((truth - chance) * (1 - 2 * chance), one.patients))
        yield _compare("prevalence", label, *prevalences, spread=1.0)
        yield _compare("calibration", label, *biases, spread=1.0)
        yield _compare("excess brier", label, *excesses, spread=0.5)
        ranked = [area for one in pair for area in one.rank()]
        if len(ranked) == len(pair):
            losses.append(ranked)
            yield _loss(label, *ranked)
    if len(losses) > 1:
        yield _loss("", *(mean_auroc(side) for side in zip(*losses, strict=True)))


def _compare(
    measure: Measure, label: str, ours: PatientEstimate, theirs: PatientEstimate, *, spread: float
) -> _Difference:
    """Two means of values that differ by ``spread`` at most from their own."""
    # rare values that a small set happens to lack would leave no variance: both sets together have
    # some, and two more values at the ends (Agresti & Caffo 2000)
    count = ours.number + theirs.number + 2
    within = ours.number * ours.within + theirs.number * theirs.within
    between = ours.number * theirs.number / (count - 2) * (ours.value - theirs.value) ** 2
    pooled = (within + between + spread**2 / 2) / count
    variance = sum(max(one.variance, pooled / one.number) for one in (ours, theirs))
    return _Difference(
        measure,
        label,
        ours.value,
        theirs.value,
        abs(theirs.value - ours.value),
        math.sqrt(variance),
        min(ours.degrees, theirs.degrees),
    )


def _loss(label: str, ours: PatientEstimate, theirs: PatientEstimate) -> _Difference:
    variance = sum(max(one.variance, one.within) for one in (ours, theirs))
    lost = ours.value - theirs.value
    degrees = min(ours.number, theirs.number) - 1
    return _Difference("auroc", label, ours.value, theirs.value, lost, math.sqrt(variance), degrees)
