"""What a study says of its arms: names, scores, comparisons and shifts, plain values each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy.typing as npt

from ecg_keras.array_types import Float64Array
from ecg_keras.evaluation import Contrast, Predictions, Verdict
from ecg_keras.statistics.convergence import Convergence, Speed


@dataclass(frozen=True, order=True)
class ArmName:
    """One combination of a study's grid but for seed and fold.

    Attributes:
        downstream: name of the downstream in the study recipe.
        backbone, head: as in a recipe.
        size: training records; 0 for all.
        protocol: name of the protocol.
        mode: name of the mode, such as ``scratch``.
        upstream: name of the upstream; empty for random first weights.
    """

    downstream: str
    backbone: str
    head: str
    size: int
    protocol: str
    mode: str
    upstream: str

    def __str__(self) -> str:
        """``ptbxl, resnet1d18, finetune from georgia, 200 ECGs``; the plain parts left out."""
        parts = [self.downstream, self.backbone, self.way]
        parts += [f"{self.head} head"] * (self.head != "as_published")
        parts += [f"{self.size} ECGs"] * (self.size > 0)
        return ", ".join(parts)

    @property
    def way(self) -> str:
        """Mode and upstream: ``finetune from georgia``, or ``scratch``."""
        return f"{self.mode} from {self.upstream}" if self.upstream else self.mode


@dataclass(frozen=True)
class ArmTuning:
    """How the runs of one arm were chosen on their validation splits.

    Attributes:
        settings: that each run was chosen from; 0 where they were not tuned.
        by: the score that chose, or ``calibrated_loss``.
        chosen: by name of a setting, how many runs it was chosen for.
        tried: by name of a setting, for how many runs it was tried.
        scores: by name of a setting, the mean of what validation says of it where it is defined.
        edges: runs whose choice still is at the lowest or the highest of all rates.
        trained: seconds of training each candidate of all runs, by its run. Arms may share them.
        diverged: runs of candidates whose trainings diverged, which are never chosen.
    """

    settings: int
    by: str
    chosen: Mapping[str, int]
    tried: Mapping[str, int]
    scores: Mapping[str, float]
    edges: tuple[str, ...]
    trained: Mapping[str, float]
    diverged: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Of training all candidates."""
        return sum(self.trained.values())


@dataclass(frozen=True, eq=False)
class ArmResult:
    """What one arm scored.

    Attributes:
        name: which arm.
        runs: names of its cells, those of each seed together.
        seeds: how many seeds, and ``folds`` how many folds each.
        train_records: ECGs that a run trains on (the mean over folds); ``None`` where unknown.
        scores: each name of `ecg_keras.metrics.METRICS`, with its interval over seeds and patients.
        labels: AUROC of each label; ``None`` where undefined.
        convergence: how fast its validation score rose; ``None`` where nothing logged it.
        seconds: of training, the mean of a run; ``None`` where unknown.
        predictions: out-of-fold predictions, the mean probability over seeds: for curves.
        thresholds: of each label, the mean over seeds and folds.
        tuning: how its runs were chosen; ``None`` where they were not tuned, or it is unknown.
        by_record: with folds, of each label for each record of ``predictions`` the threshold of
            the record's own fold, the mean over seeds: ``(records,)``. The mean over folds would
            be chosen on the record too, as what one fold tests chooses another's thresholds.
        validated_on: the split that scored every epoch of its runs, ``valid`` or ``test``; ``None``
            where that is unknown.
    """

    name: ArmName
    runs: tuple[str, ...]
    seeds: int
    folds: int
    train_records: float | None
    scores: Mapping[str, Contrast]
    labels: Mapping[str, Contrast | None]
    convergence: Convergence | None
    seconds: float | None
    predictions: Predictions
    thresholds: Mapping[str, float]
    tuning: ArmTuning | None = None
    by_record: Mapping[str, Float64Array] | None = None
    validated_on: str | None = None

    @property
    def limits(self) -> Mapping[str, npt.ArrayLike]:
        """Of each label where "yes" begins: one threshold, or with folds one for each record."""
        return self.by_record or self.thresholds


@dataclass(frozen=True, eq=False)
class Compared:
    """An arm against the reference mode with everything else equal.

    Attributes:
        arm, reference: which two.
        contrast: arm - reference in the metric that decides.
        verdict: corrected for all comparisons of the study.
        scores: arm - reference in every summary score.
        labels: arm - reference in each label's AUROC; ``None`` where undefined.
        delong: of each label DeLong's p-value, seeds averaged; ``None`` where it is undefined.
        speed: how much sooner the arm reaches the reference's quality; ``None`` where nothing
            logged it.
        diagnostics: what speaks against the difference, a sentence each.
        settings: that a run of each was chosen from, 0 where not tuned; ``None`` where unknown, and
            where one is a head in closed form, which has no rate to tune.
        beyond: of how many runs of each a setting more was tried, beyond the edge of the rates.
        has_ridge_head: whether one is known to be a head in closed form.
    """

    arm: ArmName
    reference: ArmName
    contrast: Contrast
    verdict: Verdict
    scores: Mapping[str, Contrast]
    labels: Mapping[str, Contrast | None]
    delong: Mapping[str, float | None]
    speed: Speed | None
    diagnostics: tuple[str, ...] = ()
    settings: tuple[int, int] | None = None
    beyond: tuple[int, int] = (0, 0)
    has_ridge_head: bool = False


@dataclass(frozen=True, eq=False)
class Interaction:
    """Whether one family of backbones gains more than another from a mode.

    Attributes:
        downstream, mode, upstream, protocol: of the gain.
        families: the two, such as ``("CNN", "RNN")``.
        contrast: gain of the first less gain of the second, each the mean of its backbones.
        size: training records of all of them; 0 for all.
        head: of the second family; the first has the head as published.
    """

    downstream: str
    mode: str
    upstream: str
    protocol: str
    families: tuple[str, str]
    contrast: Contrast
    size: int = 0
    head: str = "as_published"

    @property
    def names(self) -> tuple[str, str]:
        """Of the two families, for a reader."""
        first, second = self.families
        return first, second if self.head == "as_published" else f"{second}, {self.head} head"


@dataclass(frozen=True)
class Shift:
    """How far a protocol moves the answer.

    Attributes:
        protocol: the changed one.
        arm: of the protocol that it changes: the study's first, or the one that it names.
        contrast: (arm - reference) under the protocol less the same under that one.
        before, after: arm - reference under that one and under the changed protocol.
    """

    protocol: str
    arm: ArmName
    contrast: Contrast
    before: Contrast
    after: Contrast


@dataclass(frozen=True)
class Transferability:
    """A metric's ranking of the upstreams against the gain that they brought.

    Attributes:
        metric: name of the estimator, such as ``"logme"``.
        values: by arm: the metric, higher is better, and the realised gain over the reference.
        tau: weighted Kendall correlation of the two over the upstreams of one downstream, network
            and mode, the mean of those, with its interval; ``None`` where none has 5 upstreams.
    """

    metric: str
    values: tuple[tuple[ArmName, float, float], ...]
    tau: tuple[float, float, float] | None
