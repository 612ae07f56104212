"""`Comparison`: the paired difference of two models; as a file, as a table and as a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecg_keras.evaluation.estimates import (
    Estimate,
    p_text,
    parse_stored,
    with_interval,
    without_nan,
)
from ecg_keras.evaluation.gained import GroupGain, gains_text
from ecg_keras.evaluation.judging import Word
from ecg_keras.evaluation.run_facts import Budget, describe_budgets, warn_of_budgets
from ecg_keras.evaluation.tuning_words import NO_RATE, UNKNOWN_TUNING, describe_tuning
from ecg_keras.json_files import as_one_of, read_json, write_json
from ecg_keras.metrics import score_name
from ecg_keras.text import percent, text_table

ONE_OF_EACH = "of one trained network each, so another seed may decide otherwise"
SAID = {
    "better": "{a} is better than {b}",
    "worse": "{a} is worse than {b}",
    "equivalent": "{a} and {b} are equivalent within ±{margin:g}",
    "inconclusive": "Inconclusive whether {a} or {b} is better",
}


@dataclass(frozen=True)
class Difference(Estimate):
    """A difference a - b with its interval over patients.

    Attributes:
        a, b: the two scores.
        value, low, high: their difference and its interval.
        p_value: two-sided; NaN, as are ``low`` and ``high``, where patients are too few.
    """

    a: float
    b: float
    p_value: float


@dataclass(frozen=True)
class LabelDifference(Difference):
    """The difference of two AUROCs of one label.

    Attributes:
        resamples: how many had both a positive and a negative record.
        delong_p_value: of DeLong's test, which takes records as independent; ``None`` where it
            is undefined.
    """

    resamples: int = 0
    delong_p_value: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Two models on the same test records.

    Attributes:
        metric: the score that decides.
        names: what the two models are called, a and b.
        level: of the intervals.
        bootstrap: number of resamples.
        seed: of the resamples.
        records, patients: how many were tested.
        several_records: whether a patient has several records, which makes DeLong's p-values too
            small.
        undefined: labels that no or every test record has.
        verdict: of the metric's difference, by `judge`: ``"better"`` (a is better than b),
            ``"worse"``, ``"equivalent"`` within the margin, or ``"inconclusive"``.
        summary: the difference in each score of `ecg_keras.metrics.METRICS`.
        labels: the difference in AUROC of each label, ``None`` where undefined.
        budgets: what a and b were trained for, where that is known.
        diagnostics: what speaks against the difference, a sentence each; see `diagnose`.
        margin: differences below it do not matter; ``None`` in files of earlier versions, which
            have no verdict of equivalence.
        groups: the difference in groups of records, where some were looked at.
        has_ridge_head: whether one of the two is known to be a head in closed form; ``None`` in
            files of earlier versions, which do not say so.
    """

    metric: str
    names: tuple[str, str]
    level: float
    bootstrap: int
    seed: int
    records: int
    patients: int
    several_records: bool
    undefined: tuple[str, ...]
    verdict: Word
    summary: Mapping[str, Difference]
    labels: Mapping[str, LabelDifference | None]
    budgets: tuple[Budget, Budget] | None = None
    diagnostics: tuple[str, ...] = ()
    margin: float | None = None
    groups: tuple[GroupGain, ...] = ()
    has_ridge_head: bool | None = None

    @property
    def sentence(self) -> str:
        """The verdict with its numbers, and how the two were tuned."""
        deciding = self.summary[self.metric]
        a, b = self.names
        claim = SAID[self.verdict].format(a=a, b=b, margin=self.margin)
        interval = "too few patients for an interval"
        if deciding.has_interval:
            interval = (
                f"{percent(self.level)} interval {deciding.low:+.3f} to {deciding.high:+.3f}, "
                f"{p_text(deciding.p_value, 'p = ')}"
            )
        return (
            f"{claim}: {score_name(self.metric)} {deciding.a:.3f} against {deciding.b:.3f}, a "
            f"difference of {deciding.value:+.3f} ({interval}) on {self.records} records of "
            f"{self.patients} patients; {ONE_OF_EACH}.{self._tuning}"
        )

    @property
    def _tuning(self) -> str:
        """How the two were tuned, or that nobody knows: silence would read as a fair comparison."""
        if self.budgets is None:
            tuning = {True: NO_RATE, False: UNKNOWN_TUNING, None: ""}
            return f" {tuning[self.has_ridge_head]}".rstrip()
        first, second = self.budgets
        settings, further = (first.settings, second.settings), (first.further, second.further)
        return f" {describe_tuning(self.names, settings, further)}"

    @property
    def budget_sentence(self) -> str | None:
        """What both were trained for."""
        return None if self.budgets is None else describe_budgets(self.names, self.budgets)

    @property
    def warning(self) -> str | None:
        """That one was trained for longer, or on more, than the other, where it was."""
        return None if self.budgets is None else warn_of_budgets(self.names, self.budgets)

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that speaks against the difference: unequal budgets, and the diagnostics."""
        return (*([self.warning] if self.warning else []), *self.diagnostics)

    def save_json(self, path: str | Path) -> None:
        """Writes ``comparison.json``; what is undefined is ``null``, never NaN."""
        content = {**asdict(self), "sentence": self.sentence, "warning": self.warning}
        write_json(Path(path), without_nan(content))

    @classmethod
    def load_json(cls, path: str | Path) -> Comparison:
        """Reads what `save_json` wrote.

        Raises:
            DataError: the file is missing, damaged or lacks a field; the message has its name.
        """
        advice = "Remove it; the `ecg-keras` command that wrote it makes it again."
        return read_json(Path(path), "comparisons", cls._parse, advice)

    @classmethod
    def _parse(cls, content: dict[str, Any]) -> Comparison:
        found: Comparison = parse_stored(cls, content)
        as_one_of(found.metric, found.summary)
        return found

    def table(self) -> str:
        """The verdict and the differences as aligned plain text."""
        a, b = self.names
        header = [a, b, f"difference [{percent(self.level)} interval]", "p"]
        summary = text_table(
            ["score", *header],
            [[score_name(name), *self._cells(row)] for name, row in self.summary.items()],
        )
        labels = text_table(
            ["AUROC of", *header, "p (DeLong)"],
            [
                [label, *self._cells(row), p_text(row.delong_p_value if row else None)]
                for label, row in self.labels.items()
            ],
        )
        budgets = [self.budget_sentence] if self.budget_sentence else []
        lines = [self.sentence, *budgets, *self.warnings]
        groups = ["", gains_text(self.groups)] if self.groups else []
        return "\n".join([*lines, "", summary, "", labels, *groups, *self._notes()])

    def _cells(self, row: Difference | None) -> list[str]:
        if row is None:
            return ["-", "-", "-", "-"]
        return [f"{row.a:.3f}", f"{row.b:.3f}", with_interval(row, "+"), p_text(row.p_value)]

    def _notes(self) -> list[str]:
        notes = []
        if self.undefined:
            names = ", ".join(self.undefined)
            notes.append(f"In no mean, because no or every test record has them: {names}.")
        if self.several_records:
            notes.append(
                f"{self.records} records are of {self.patients} patients: DeLong's test takes "
                "records as independent, so its p-values are too small here."
            )
        notes.append(
            f"Differences are {self.names[0]} - {self.names[1]}, on the same {self.bootstrap} "
            "resamples of patients. Nothing is corrected for looking at many labels."
        )
        return ["", *notes]
