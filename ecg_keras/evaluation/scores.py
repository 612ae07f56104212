"""`Scores`: what a test split says of a model, with intervals; as a file and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecg_keras.evaluation.bootstrap import Estimate
from ecg_keras.evaluation.files import read_json, reading
from ecg_keras.evaluation.tables import percent, score_name, text_table, with_interval
from ecg_keras.files import write_json
from ecg_keras.metrics import METRICS

LABEL_SCORES = ("auroc", "auprc", "f1", "sensitivity", "specificity")


@dataclass(frozen=True)
class LabelResult:
    """The scores of one label.

    Attributes:
        positives: test records that have the label.
        prevalence: their share of all test records.
        resamples: how many resamples had both a positive and a negative record. The intervals of
            AUROC, AUPRC and F1 are over these; those of sensitivity and specificity over the
            resamples with a positive and with a negative.
        auroc, auprc, f1, sensitivity, specificity: ``None`` where undefined.
    """

    positives: int
    prevalence: float
    resamples: int
    auroc: Estimate | None
    auprc: Estimate | None
    f1: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True)
class Scores:
    """The scores of one model on one test split.

    Attributes:
        level: of the intervals, such as 0.95.
        bootstrap: number of resamples behind each interval.
        seed: of the resamples.
        records, patients: how many were tested.
        thresholds: the probability from which each label is decided present.
        thresholds_from: ``"validation"`` (best F1 there) or ``"fixed"`` (0.5).
        thresholds_missing: labels without a positive validation record, whose threshold is 0.5.
        undefined: labels that no or every test record has; they count in no mean.
        summary: each name of `ecg_keras.metrics.METRICS` with its value, ``None`` if every label is
            undefined.
        labels: the scores of each label, in the order of the columns.
    """

    level: float
    bootstrap: int
    seed: int
    records: int
    patients: int
    thresholds: Mapping[str, float]
    thresholds_from: str
    thresholds_missing: tuple[str, ...]
    undefined: tuple[str, ...]
    summary: Mapping[str, Estimate | None]
    labels: Mapping[str, LabelResult]

    def save_json(self, path: str | Path) -> None:
        """Writes ``scores.json``; what is undefined is ``null``, never NaN."""
        write_json(Path(path), {"metric_names": list(METRICS), **asdict(self)})

    @classmethod
    def load_json(cls, path: str | Path) -> Scores:
        """Reads what `save_json` wrote.

        Raises:
            DataError: the file is missing, damaged or lacks a field; the message has its name.
        """
        path = Path(path)
        content = read_json(path, "scores")
        with reading(path, "scores"):
            return cls(
                level=float(content["level"]),
                bootstrap=int(content["bootstrap"]),
                seed=int(content["seed"]),
                records=int(content["records"]),
                patients=int(content["patients"]),
                thresholds={label: float(t) for label, t in content["thresholds"].items()},
                thresholds_from=str(content["thresholds_from"]),
                thresholds_missing=tuple(content["thresholds_missing"]),
                undefined=tuple(content["undefined"]),
                summary={name: _estimate(content["summary"][name]) for name in METRICS},
                labels={label: _label(row) for label, row in content["labels"].items()},
            )

    def table(self) -> str:
        """The scores as aligned plain text."""
        summary = text_table(
            ["score", f"value [{percent(self.level)} interval]"],
            [[score_name(name), with_interval(score)] for name, score in self.summary.items()],
        )
        labels = text_table(
            ["label", "positives", "AUROC", "AUPRC", "F1", "sens.", "spec.", "threshold"],
            [
                [
                    label,
                    f"{row.positives} ({100 * row.prevalence:.1f} %)",
                    with_interval(row.auroc),
                    with_interval(row.auprc),
                    with_interval(row.f1),
                    "-" if row.sensitivity is None else f"{row.sensitivity.value:.3f}",
                    "-" if row.specificity is None else f"{row.specificity.value:.3f}",
                    f"{self.thresholds[label]:.3f}",
                ]
                for label, row in self.labels.items()
            ],
        )
        return "\n".join([self._heading(), "", summary, "", labels, *self._notes()])

    def _heading(self) -> str:
        return (
            f"{self.records} records of {self.patients} patients; {percent(self.level)} intervals "
            f"from {self.bootstrap} resamples of patients"
        )

    def _notes(self) -> list[str]:
        notes = []
        if self.undefined:
            names = ", ".join(self.undefined)
            notes.append(f"In no mean, because no or every test record has them: {names}.")
        if self.thresholds_from == "fixed":
            notes.append("Thresholds are fixed at 0.5.")
        else:
            notes.append("Thresholds have the best F1 on the validation split.")
        if self.thresholds_missing:
            notes.append(
                "Threshold 0.5, because no validation record has them: "
                f"{', '.join(self.thresholds_missing)}."
            )
        return ["", *notes]


def _estimate(content: Mapping[str, float] | None) -> Estimate | None:
    if content is None:
        return None
    return Estimate(*(float(content[name]) for name in ("value", "low", "high")))


def _label(content: Mapping[str, Any]) -> LabelResult:
    return LabelResult(
        positives=int(content["positives"]),
        prevalence=float(content["prevalence"]),
        resamples=int(content["resamples"]),
        **{name: _estimate(content[name]) for name in LABEL_SCORES},
    )
