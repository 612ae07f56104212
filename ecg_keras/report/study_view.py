"""What all sections of a study's page read: its result, what it calls things, and its order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ecg_keras.metrics import score_name
from ecg_keras.statistics import FEWEST_SEEDS, ArmName, ArmResult, Contrast, StudyResult
from ecg_keras.text import percent

NO_ARM = "no arm could be compared with its reference."


@dataclass(frozen=True, eq=False)
class StudyView:
    """A result, with what its sections say of it more than once."""

    result: StudyResult

    @cached_property
    def metric(self) -> str:
        """Key of the metric that decides."""
        return str(self.result.question["metric"])

    @cached_property
    def metric_name(self) -> str:
        """Of the metric that decides, such as ``macro AUROC``."""
        return score_name(self.metric)

    @cached_property
    def reference(self) -> str:
        """The mode that the others are compared with."""
        return str(self.result.question["reference"])

    @cached_property
    def margin(self) -> float:
        """Half the width of the band of differences that do not matter."""
        return float(self.result.question["margin"])

    @cached_property
    def level(self) -> str:
        """Of the intervals, such as ``95 %``."""
        return percent(float(self.result.question["level"]))

    @cached_property
    def luck(self) -> str:
        """What intervals are over: seeds and patients, or patients alone with one seed each."""
        seeds = {one.contrast.seeds for one in self.result.comparisons} or {
            arm.seeds for arm in self.result.arms.values()
        }
        single = max(seeds, default=2) == 1
        return "patients alone (one seed each)" if single else "seeds and patients"

    @cached_property
    def intervals(self) -> str:
        """``95 % intervals over seeds and patients``."""
        return f"{self.level} intervals over {self.luck}"

    @cached_property
    def of_one_seed(self) -> str:
        """What one seed of each way can't show, for a section's introduction; mostly empty."""
        comparisons = self.result.comparisons
        single = sum(one.contrast.seeds == 1 for one in comparisons)
        if not single:
            return ""
        which = "all" if single == len(comparisons) else f"{single:,} of them"
        return (
            f" With one seed of each way ({which}) two trained networks are compared: interval, "
            "p-value and verdict say nothing of how much another training differs, and the ways of "
            f"training need at least {FEWEST_SEEDS - 1} more seeds of each."
        )

    @cached_property
    def first_protocol(self) -> str:
        """The protocol that the verdicts are given for."""
        arms = [one.arm for one in self.result.comparisons] or list(self.result.arms)
        return arms[0].protocol if arms else ""

    def score(self, name: ArmName) -> Contrast:
        """What an arm scores in the metric that decides."""
        return self.result.arms[name].scores[self.metric]

    def group_title(self, name: ArmName) -> str:
        """What compared ways share, but for the downstream: ``resnet1d18, 200 ECGs``."""
        parts = [name.backbone]
        parts += [f"{name.head} head"] * (name.head != "as_published")
        if any(arm.size for arm in self.result.arms):
            parts.append(f"{name.size:,} ECGs" if name.size else "all ECGs")
        return ", ".join(parts)


def count_positives(arm: ArmResult) -> dict[str, int]:
    """How many of the tested ECGs have each label."""
    counts = arm.predictions.targets.sum(axis=0)
    return {label: int(count) for label, count in zip(arm.predictions.labels, counts, strict=True)}
