"""`Subgroups`: the scores of groups of test records beside the rest, plain values for files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ecg_keras.evaluation.estimates import Estimate, p_text, with_interval
from ecg_keras.evaluation.grouping import call_group
from ecg_keras.text import percent, plural, text_table

Said = Literal["higher", "lower", "no difference shown", "too few"]
UNDECIDED: Said = "too few"
# of each label what is compared between groups: none depends on how common the label is there
COMPARED = ("auroc", "sensitivity", "specificity", "observed_less_predicted")


@dataclass(frozen=True)
class Beside:
    """A score of a group, beside that of all other records.

    Attributes:
        group, rest: the two; ``None`` where undefined.
        difference: group - rest; ``None`` where patients are too few on either side.
        p_value: two-sided, of no difference, and ``p_holm`` corrected for all that are looked at;
            NaN where there is no difference.
        word: ``higher`` or ``lower`` than in the rest, where the corrected p-value is below 1 -
            level; else ``no difference shown``, which does not mean that there is none, or ``too
            few``.
    """

    group: Estimate | None
    rest: Estimate | None
    difference: Estimate | None = None
    p_value: float = math.nan
    p_holm: float = math.nan
    word: Said = UNDECIDED


@dataclass(frozen=True)
class SubgroupLabel:
    """One label in one group.

    Attributes:
        positives: records of the group that have it; ``prevalence`` their share.
        patients: of the group that have it.
        auprc: which depends on the prevalence, so that it is not compared.
        ece: expected calibration error there; NaN where undefined.
        scores: those of `COMPARED`, at the thresholds of all records.
    """

    positives: int
    prevalence: float
    patients: int
    auprc: Estimate | None
    ece: float
    scores: Mapping[str, Beside]


@dataclass(frozen=True)
class Subgroup:
    """One group of test records.

    Attributes:
        column, name: which, such as ``sex`` and ``female``.
        records, patients: how many.
        scored: the labels that five patients have and lack, in the group and in the rest; the means
            are of these.
        summary: each name of `ecg_keras.metrics.METRICS` in the group.
        deciding: the macro AUROC, beside that of the rest.
        labels: by name.
    """

    column: str
    name: str
    records: int
    patients: int
    scored: tuple[str, ...]
    summary: Mapping[str, Estimate | None]
    deciding: Beside
    labels: Mapping[str, SubgroupLabel]


@dataclass(frozen=True)
class Subgroups:
    """All groups that were looked at.

    Attributes:
        level: of intervals and words.
        groups: those of each column, one after another.
        unknown: by column, the records of which it is not known; they are in no group and no rest.
        tests: differences that p-values are corrected for: of the macro AUROC, and of single
            labels. A column of two groups has one difference.
    """

    level: float
    groups: tuple[Subgroup, ...]
    unknown: Mapping[str, int]
    tests: tuple[int, int]

    @property
    def by_column(self) -> dict[str, list[Subgroup]]:
        """The groups of each column."""
        found: dict[str, list[Subgroup]] = {}
        for one in self.groups:
            found.setdefault(one.column, []).append(one)
        return found

    @property
    def sentences(self) -> tuple[str, ...]:
        """What each column shows, in the macro AUROC and in single labels."""
        return tuple(
            _say_column(column, groups, self.unknown.get(column, 0))
            for column, groups in self.by_column.items()
        )

    def table(self) -> str:
        """The groups as aligned plain text, under what they show."""
        header = ["", "records", "patients", f"macro AUROC [{percent(self.level)} interval]",
                  "group - rest", "p (Holm)", ""]  # fmt: skip
        rows = [
            [
                f"{one.column}: {one.name}",
                f"{one.records}",
                f"{one.patients}",
                with_interval(one.deciding.group),
                with_interval(one.deciding.difference, "+"),
                p_text(one.deciding.p_holm),
                one.deciding.word,
            ]
            for one in self.groups
        ]
        return "\n".join([text_table(header, rows), "", *self.sentences, NOT_FAIR])


NOT_FAIR = (
    "No difference shown is not the same as no difference: look at how large a one the intervals "
    "still allow."
)


def name_score(name: str) -> str:
    """A score of `COMPARED` as people write it."""
    names = {"auroc": "AUROC", "observed_less_predicted": "observed − predicted"}
    return names.get(name, name)


def _say_column(column: str, groups: Sequence[Subgroup], unknown: int) -> str:
    shown = groups[:1] if len(groups) == 2 else groups
    found = [
        f"{one.deciding.word} in {call_group(column, one.name)} "
        f"({one.deciding.group.value:.3f} against {one.deciding.rest.value:.3f}, "
        f"Holm's {p_text(one.deciding.p_holm, 'p = ')})"
        for one in shown
        if one.deciding.word in ("higher", "lower") and one.deciding.group and one.deciding.rest
    ]
    few = [call_group(column, one.name) for one in groups if one.deciding.word == UNDECIDED]
    words = "; ".join(found) or "no difference shown"
    if len(few) == len(groups):
        words = "too few patients for any comparison"
        few = []
    labels = [
        f"{name_score(name)} of {label} {beside.word} in {call_group(column, one.name)}"
        for one in shown
        for label, row in one.labels.items()
        for name, beside in row.scores.items()
        if beside.word in ("higher", "lower")
    ]
    parts = [f"Macro AUROC by {column}: {words}"]
    parts += [f"Single labels: {'; '.join(labels)}"] if labels else []
    parts += [f"Too few patients: {', '.join(few)}"] if few else []
    parts += [f"Left out: {plural(unknown, 'record')} of unknown {column}"] if unknown else []
    return ". ".join(parts) + "."
