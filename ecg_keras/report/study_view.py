"""What all sections of a study's page read: its result, what it calls things, and its order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ecg_keras.metrics import score_name
from ecg_keras.report.run_words import SPLITS
from ecg_keras.statistics import (
    FEWEST_SEEDS,
    ArmName,
    ArmResult,
    Compared,
    Contrast,
    Control,
    Interaction,
    Shift,
    StudyResult,
)
from ecg_keras.text import percent, plural

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

    def luck(self, seeds: Iterable[int]) -> str:
        """What the intervals of something with these numbers of seeds are over."""
        single = {number == 1 for number in seeds}
        if single == {True}:
            return "patients alone (one seed each)"
        return (
            f"seeds and patients{', or patients alone where there is one seed' * (True in single)}"
        )

    def intervals(self, seeds: Iterable[int]) -> str:
        """``95 % intervals over seeds and patients``."""
        return f"{self.level} intervals over {self.luck(seeds)}"

    def of_one_seed(
        self,
        seeds: Sequence[int],
        compared: str = "two trained networks are compared: interval, p-value and verdict",
    ) -> str:
        """What one seed of each way can't show, for a section's introduction; mostly empty.

        Args:
            seeds: of each difference of the section.
            compared: what is, and what of it says too little.
        """
        single = seeds.count(1)
        if not single:
            return ""
        which = "all" if single == len(seeds) else f"{single:,} of them"
        return (
            f" With one seed of each way ({which}) {compared} say nothing of how much another "
            f"training differs, and the ways of training need at least {FEWEST_SEEDS - 1} more "
            "seeds of each."
        )

    @cached_property
    def chooser(self) -> str:
        """The split that scored every epoch of the first protocol: ``validation``, mostly."""
        arms = (
            arm for arm in self.result.arms.values() if arm.name.protocol == self.first_protocol
        )
        splits = dict.fromkeys(arm.validated_on or "valid" for arm in arms)
        return " or ".join(SPLITS[split] for split in splits) or SPLITS["valid"]

    def chosen_on_test(self, arms: Iterable[ArmName]) -> str:
        """That the test split chose what it scores, where it did in some of these arms."""
        names = list(dict.fromkeys(arms))
        chosen = [name for name in names if self.result.arms[name].validated_on == "test"]
        if not chosen:
            return ""
        which = "every arm"
        if len(chosen) < len(names):
            protocols = ", ".join(dict.fromkeys(name.protocol for name in chosen))
            which = f"{len(chosen):,} of {plural(len(names), 'arm')} (protocol {protocols})"
        return (
            f"In {which} the test split itself scored every epoch, in place of a validation split "
            "(training.validate_on: test): what it chose of epochs and thresholds is the best that "
            "these ECGs allow. Scores flatter, and no interval here covers that."
        )

    @cached_property
    def first_protocol(self) -> str:
        """The protocol that the verdicts are given for."""
        arms = [one.arm for one in self.result.comparisons] or list(self.result.arms)
        return arms[0].protocol if arms else ""

    @cached_property
    def has_folds(self) -> bool:
        """Whether an arm whose labels are shown is cross-validated."""
        return any(self.result.arms[one.arm].folds > 1 for one in self.result.best.values())

    @cached_property
    def decision_rule(self) -> str:
        """What decides a mean prediction, as a sentence."""
        fold = " in its own fold" * self.has_folds
        return (
            f"An ECG counts as having a label from the label's threshold{fold} upwards, the mean "
            "over seeds."
        )

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


def seeds_of(differences: Iterable[Compared | Control | Interaction | Shift]) -> list[int]:
    """The number of seeds that each difference is over."""
    return [one.contrast.seeds for one in differences]


def count_positives(arm: ArmResult) -> dict[str, int]:
    """How many of the tested ECGs have each label."""
    counts = arm.predictions.targets.sum(axis=0)
    return {label: int(count) for label, count in zip(arm.predictions.labels, counts, strict=True)}
