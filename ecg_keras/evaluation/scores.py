"""`Scores`: what a test split says of a model, with intervals; as a file and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ecg_keras.evaluation.calibrating import Calibration
from ecg_keras.evaluation.estimates import Estimate, parse_stored, with_interval, without_nan
from ecg_keras.evaluation.intervals import LEAST_LACKING, LEAST_PATIENTS
from ecg_keras.evaluation.label_sets import LabelSets
from ecg_keras.evaluation.subgroup_scores import Subgroups
from ecg_keras.json_files import read_json, write_json
from ecg_keras.metrics import FURTHER, METRICS, score_name
from ecg_keras.text import percent, text_table

LABEL_SCORES = ("auroc", "auprc", "f1", "sensitivity", "specificity")
FURTHER_LABEL_SCORES = ("f_max", "sensitivity_at_95_specificity", "brier")


@dataclass(frozen=True)
class LabelResult:
    """The scores of one label.

    Attributes:
        positives: test records that have the label.
        prevalence: their share of all test records.
        resamples: how many resamples had both a positive and a negative record.
        auroc, auprc, f1, sensitivity, specificity: ``None`` where undefined.
        f_max: F1 at the best threshold for the test records, which flatters.
        sensitivity_at_95_specificity: at the best threshold for the test records that leaves 95 %
            of the negatives alone.
        brier: mean squared error of the probability.
        ece: expected calibration error; it has no interval, because resamples repeat records,
            which looks like miscalibration.
    """

    positives: int
    prevalence: float
    resamples: int = 0
    auroc: Estimate | None = None
    auprc: Estimate | None = None
    f1: Estimate | None = None
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    f_max: Estimate | None = None
    sensitivity_at_95_specificity: Estimate | None = None
    brier: Estimate | None = None
    ece: float = math.nan


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The scores of one model on one test split.

    Attributes:
        level: of the intervals, such as 0.95.
        bootstrap: number of resamples behind each interval.
        seed: of the resamples.
        records, patients: how many were tested.
        calibration: what was done to the probabilities first.
        thresholds: the probability from which each label is decided present.
        thresholds_from: ``"validation"`` (best F1 there), ``"fixed"`` (0.5) or ``"test"`` (best F1
            on the very records that are scored).
        thresholds_missing: labels that too few patients have there, whose threshold is 0.5.
        undefined: labels that no or every test record has; they count in no mean.
        summary: each name of `ecg_keras.metrics.METRICS` with its value, ``None`` if every label is
            undefined.
        further: each name of `ecg_keras.metrics.FURTHER`, ``None`` where undefined.
        macro_ece: mean of the labels' ECE, ``None`` if every label is undefined.
        challenge_note: why there is no Challenge score; ``None`` where there is one.
        labels: the scores of each label, in the order of the columns.
        sets: which answers each label may have, and how often they were right; ``None`` where there
            is no validation split, or in files of earlier versions.
        subgroups: scores of groups of records; ``None`` where none were looked at, as in files of
            earlier versions.
    """

    level: float
    bootstrap: int
    seed: int
    records: int
    patients: int
    calibration: Calibration
    thresholds: Mapping[str, float]
    thresholds_from: str
    thresholds_missing: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    summary: Mapping[str, Estimate | None]
    further: Mapping[str, Estimate | None] = field(default_factory=dict)
    macro_ece: float | None = None
    challenge_note: str | None = None
    labels: Mapping[str, LabelResult]
    sets: LabelSets | None = None
    subgroups: Subgroups | None = None

    def save_json(self, path: str | Path) -> None:
        """Writes ``scores.json``; what is undefined is ``null``, never NaN."""
        write_json(Path(path), without_nan({"metric_names": list(METRICS), **asdict(self)}))

    @classmethod
    def load_json(cls, path: str | Path) -> Scores:
        """Reads what `save_json` wrote, here or in another version.

        A score that the file lacks is ``None``, and one that is unknown here is kept.

        Raises:
            DataError: the file is missing, damaged or lacks a field; the message has its name.
        """
        advice = "Remove it; the `ecg-keras` command that wrote it makes it again."
        return read_json(Path(path), "scores", cls._parse, advice)

    @classmethod
    def _parse(cls, content: dict[str, Any]) -> Scores:
        found: Scores = parse_stored(cls, content)
        summary = {**dict.fromkeys(METRICS), **found.summary}
        return replace(found, summary=summary, further={**dict.fromkeys(FURTHER), **found.further})

    def table(self) -> str:
        """The scores as aligned plain text."""
        rows = [[score_name(name), with_interval(score)] for name, score in self.shown.items()]
        if self.macro_ece is not None:
            rows.append(["macro ECE (lower is better)", f"{self.macro_ece:.3f}"])
        summary = text_table(["score", f"value [{percent(self.level)} interval]"], rows)
        labels = text_table(
            ["label", "positives", "AUROC", "AUPRC", "F1", "sens.", "spec.", "threshold"],
            [
                [
                    label,
                    f"{row.positives} ({percent(row.prevalence, 1)})",
                    *map(with_interval, (row.auroc, row.auprc, row.f1)),
                    "-" if row.sensitivity is None else f"{row.sensitivity.value:.3f}",
                    "-" if row.specificity is None else f"{row.specificity.value:.3f}",
                    f"{self.thresholds[label]:.3f}",
                ]
                for label, row in self.labels.items()
            ],
        )
        further = text_table(
            ["label", "F-max", "sens. at 95 % spec.", "Brier score", "ECE"],
            [
                [
                    label,
                    *(with_interval(getattr(row, name)) for name in FURTHER_LABEL_SCORES),
                    f"{row.ece:.3f}",
                ]
                for label, row in self.labels.items()
            ],
        )
        tables = [summary, labels, further, *([_sets_table(self.sets)] if self.sets else [])]
        parts = [self._heading(), *tables, "\n".join(self.notes)]
        if self.subgroups is not None and self.subgroups.groups:
            parts.append(self.subgroups.table())
        return "\n\n".join(parts)

    @property
    def shown(self) -> Mapping[str, Estimate | None]:
        """The summary and the further scores, without Challenge scores that are not defined."""
        further = {
            name: score
            for name, score in self.further.items()
            if score is not None or not name.startswith("challenge")
        }
        return {**self.summary, **further}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know beside the numbers, a sentence each."""
        notes = []
        if self.undefined:
            names = ", ".join(self.undefined)
            notes.append(f"In no mean, because no or every test record has them: {names}.")
        if self.challenge_note is not None:
            notes.append(f"No Challenge score: {self.challenge_note}.")
        if any(score is not None and not score.has_interval for score in self._estimates()):
            notes.append(
                f"Too few: no interval where fewer than {LEAST_PATIENTS} patients have or lack a "
                f"label, or fewer than {LEAST_LACKING} lack it (sens. at 95 % spec.)."
            )
        notes += [self.calibration.sentence, *self.threshold_notes]
        return (*notes, *(self.sets.notes if self.sets is not None else ()))

    @property
    def threshold_notes(self) -> tuple[str, ...]:
        """Where the thresholds come from."""
        if self.thresholds_from == "fixed":
            return ("Every label's threshold is 0.5.",)
        where = {
            "validation": "the validation split; the test split had no part in it",
            "test": "the test split itself, which flatters",
        }[self.thresholds_from]
        few = f"Fewer than {LEAST_PATIENTS} {self.thresholds_from} patients have"
        missing = ", ".join(self.thresholds_missing)
        return (
            f"Each label's threshold is the one with the best F1 on {where}.",
            *([f"{few} {missing}: there it is 0.5."] if missing else []),
        )

    def _estimates(self) -> list[Estimate | None]:
        """All scores that can have an interval."""
        names = LABEL_SCORES + FURTHER_LABEL_SCORES
        of_labels = [getattr(row, name) for row in self.labels.values() for name in names]
        return [*self.shown.values(), *of_labels]

    def _heading(self) -> str:
        return (
            f"{self.records} records of {self.patients} patients; {percent(self.level)} intervals "
            f"over patients, from {self.bootstrap} resamples of them"
        )


def _sets_table(sets: LabelSets) -> str:
    """The sets as aligned plain text."""
    level = percent(sets.level)
    return text_table(
        ["label", f"{level} set holds: present", "absent", "one answer", "either", "neither"],
        [
            [
                label,
                with_interval(row.coverage_with),
                with_interval(row.coverage_without),
                *(
                    "-" if share is None else percent(share, 1)
                    for share in (row.alone, row.either, row.neither)
                ),
            ]
            for label, row in sets.labels.items()
        ],
    )
