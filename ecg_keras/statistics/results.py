"""`StudyResult`: what a study says, plain values that a report reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ecg_keras.evaluation import GroupGain, p_text, with_interval
from ecg_keras.statistics.arm_results import (
    ArmName,
    ArmResult,
    Compared,
    Interaction,
    Shift,
    Transferability,
)
from ecg_keras.statistics.controls import Control, say_controls
from ecg_keras.statistics.curves import LearningCurve, say_worths
from ecg_keras.statistics.findings import Finding
from ecg_keras.statistics.ledger import LedgerRow
from ecg_keras.text import percent, text_table

SHOWN = 10  # diagnostics below the table, in a terminal


@dataclass(frozen=True, eq=False)
class StudyResult:
    """Everything that a study says.

    Attributes:
        name: of the study.
        sentence: the verdict in one sentence.
        question: the study recipe's section, as plain values.
        recipe_text: the study recipe, resolved.
        arms: by name.
        comparisons: of the protocol that is judged, in the order of the grid.
        shifts: how far each other protocol moves the differences of the one that it changes.
        curves: learning curves, where there are at least three sizes.
        interactions: between mode and family of backbones.
        ledger: what each way of training costs.
        findings: the four findings of Nguyen & Do 2025, confirmed, refuted or undecided here.
        transferability: of each metric; empty where it was not computed.
        datasets: by downstream and upstream: facts for the dataset cards.
        skew: by ``downstream from upstream``: lines of TensorFlow Data Validation.
        environment: versions and machine.
        cells: how many cells are done, failed and missing.
        failures: cell and error.
        not_done: what a reader might expect here and does not find, and why.
        controls: ways of training against what lacks nothing but their pre-training.
        elsewhere: whether the predictions were made elsewhere, so that no recipe, log or dataset of
            ours belongs to them.
        gains: of the best arms, what they gain in groups of records.
    """

    name: str
    sentence: str
    question: Mapping[str, Any]
    recipe_text: str
    arms: Mapping[ArmName, ArmResult]
    comparisons: tuple[Compared, ...]
    shifts: tuple[Shift, ...]
    curves: tuple[LearningCurve, ...]
    interactions: tuple[Interaction, ...]
    ledger: tuple[LedgerRow, ...]
    findings: tuple[Finding, ...]
    transferability: tuple[Transferability, ...]
    datasets: Mapping[str, Mapping[str, Any]]
    skew: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, Any]
    cells: Mapping[Literal["done", "failed", "missing"], int]
    failures: tuple[tuple[str, str], ...]
    not_done: tuple[str, ...]
    controls: tuple[Control, ...] = ()
    elsewhere: bool = False
    gains: Mapping[ArmName, tuple[GroupGain, ...]] = field(default_factory=dict)

    @cached_property
    def by_downstream(self) -> Mapping[str, Sequence[Compared]]:
        """The comparisons of each downstream, in the order of the grid."""
        found: dict[str, list[Compared]] = {}
        for one in self.comparisons:
            found.setdefault(one.arm.downstream, []).append(one)
        return found

    @cached_property
    def largest_sets(self) -> Sequence[Compared]:
        """Of each downstream, the comparisons on its largest training set."""
        found = []
        for compared in self.by_downstream.values():
            sizes = [one.arm.size or float("inf") for one in compared]
            pairs = zip(compared, sizes, strict=True)
            found += [one for one, size in pairs if size == max(sizes)]
        return found

    @cached_property
    def best(self) -> Mapping[str, Compared]:
        """Of each downstream, the comparison whose arm scores best on the largest training set."""
        best: dict[str, Compared] = {}
        metric = self.question["metric"]
        for one in self.largest_sets:
            known = best.setdefault(one.arm.downstream, one)
            if self.arms[one.arm].scores[metric].value > self.arms[known.arm].scores[metric].value:
                best[one.arm.downstream] = one
        return best

    @property
    def answers(self) -> tuple[str, ...]:
        """The verdict, what the controls say, and what a way is worth in labels, in sentences."""
        sentences = (self.sentence, say_controls(self.controls), *say_worths(self.curves))
        return tuple(one for one in sentences if one)

    def table(self) -> str:
        """The comparisons as aligned plain text, under the answers."""
        level = percent(self.question["level"])
        header = ["", "score", "reference", f"difference [{level} interval]", "p (Holm)", "verdict"]
        rows = [
            [
                str(one.arm),
                f"{self.arms[one.arm].scores[self.question['metric']].value:.3f}",
                f"{self.arms[one.reference].scores[self.question['metric']].value:.3f}",
                with_interval(one.contrast, "+"),
                p_text(one.verdict.p_value),
                one.verdict.word,
            ]
            for one in self.comparisons
        ]
        table = text_table(header, rows) if rows else ""
        notes = self.of_common_seeds(self.comparisons), self._diagnosed()
        return "\n\n".join(filter(None, (*self.answers, table, *notes)))

    def of_common_seeds(self, compared: Sequence[Compared | Control]) -> str:
        """Why differences are not those of the scores, where arms have different seeds."""
        for one in compared:
            pair = (one.arm, one.control if isinstance(one, Control) else one.reference)
            if any(self.arms[name].seeds > one.contrast.seeds for name in pair):
                return (
                    "A score is over all seeds of its arm, a difference over the seeds that both "
                    "arms have: it need not be the difference of the two scores."
                )
        return ""

    def list_diagnostics(
        self, comparisons: Sequence[Compared | Control] | None = None
    ) -> tuple[str, ...]:
        """What speaks against comparisons, each sentence once.

        Args:
            comparisons: which; none takes all, and the controls.
        """
        shown: Sequence[Compared | Control] = (*self.comparisons, *self.controls)
        shown = shown if comparisons is None else comparisons
        # what holds of the data is said of every comparison on them
        return tuple(dict.fromkeys(sentence for one in shown for sentence in one.diagnostics))

    def _diagnosed(self) -> str:
        """The diagnostics as lines for a terminal, the first of many."""
        sentences = self.list_diagnostics()
        more = len(sentences) - SHOWN
        last = [f"... and {more} more on the page"] if more > 0 else []
        return "\n".join([*(f"! {one}" for one in sentences[:SHOWN]), *last])
