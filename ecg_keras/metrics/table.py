"""`METRICS` and `FURTHER`: the summary scores, a row each.

Choices in recipes and on the command line, names on pages and the tables in docs/statistics.md
derive from the rows. Imports no NumPy, as recipes are checked without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecg_keras.array_types import Float64Array


@dataclass(frozen=True)
class Metric:
    """A number that sums up the scores of all labels.

    Attributes:
        name: in recipes and files.
        title: as people write it.
        about: what it is, a line of docs/statistics.md.
        function: of `LabelScores`, ``(labels,)`` or ``(resamples, labels)`` each, or of
            `FurtherScores` where it does not select; gives one number, or ``(resamples,)``.
        selects: whether it may decide: choose epochs, candidates and between models. Then more
            must be better, and its range be 0 to 1.
        needs_thresholds: whether decisions are scored, and not probabilities.
        lower_is_better: its orientation.
        jumps: whether its best threshold jumps when a patient is left out, so that leave-outs
            exaggerate; it leans, too.
        leans: whether it is higher on few patients than on endless ones, as an average over tests.
        counts_all: whether records without a label say as much of it as those with one.
        unbounded: whether it may be below 0.

    Example:
        >>> METRICS["macro_auroc"].title
        'macro AUROC'
    """

    name: str
    title: str
    about: str
    function: Callable[[Any], Float64Array]
    selects: bool = False
    needs_thresholds: bool = False
    lower_is_better: bool = False
    jumps: bool = False
    leans: bool = False
    counts_all: bool = False
    unbounded: bool = False

    def __call__(self, scores: Any) -> Float64Array:
        """Its value, of the scores of each label."""
        return self.function(scores)


TABLE = (
    Metric(
        "macro_auroc",
        "macro AUROC",
        "mean AUROC of the labels: a rare label counts as much as a common one",
        lambda scores: scores.macro("auroc"),
        selects=True,
    ),
    Metric(
        "macro_auprc",
        "macro AUPRC",
        "mean AUPRC of the labels; compare it only between models on the same records, because "
        "chance is the prevalence (Saito & Rehmsmeier 2015)",
        lambda scores: scores.macro("auprc"),
        selects=True,
        leans=True,
    ),
    Metric(
        "macro_f1",
        "macro F1",
        "mean F1 of the labels",
        lambda scores: scores.macro("f1"),
        selects=True,
        needs_thresholds=True,
    ),
    Metric(
        "weighted_f1",
        "weighted F1",
        "F1 of the labels, weighted by their prevalence; with thresholds fixed at 0.5 it is the "
        "paper's score",
        lambda scores: scores.weighted("f1"),
        selects=True,
        needs_thresholds=True,
    ),
    Metric(
        "macro_f_max",
        "macro F-max",
        "mean F-max of the labels",
        lambda scores: scores.macro("f_max"),
        jumps=True,
    ),
    Metric(
        "sample_f_max",
        "sample-centric F-max",
        "the sample-centric F-max, see below",
        lambda scores: scores.sample_f_max,
        leans=True,
    ),
    Metric(
        "macro_sensitivity_at_95_specificity",
        "macro sensitivity at 95 % specificity",
        "mean of the labels",
        lambda scores: scores.macro("sensitivity_at_95_specificity"),
        jumps=True,
    ),
    Metric(
        "macro_brier",
        "macro Brier score",
        "mean Brier score of the labels, without those that are undefined",
        lambda scores: scores.macro("brier"),
        lower_is_better=True,
        counts_all=True,
    ),
    *(
        Metric(
            f"challenge_{year}",
            f"Challenge {year} score",
            "see [Challenge score](#challenge-score)",
            lambda scores, year=year: getattr(scores, f"challenge_{year}"),  # type: ignore[misc]
            needs_thresholds=True,
            unbounded=True,
        )
        for year in (2020, 2021)
    ),
)
# those that may decide, and those that are reported beside them and never do
METRICS: dict[str, Metric] = {row.name: row for row in TABLE if row.selects}
FURTHER: dict[str, Metric] = {row.name: row for row in TABLE if not row.selects}


def score_name(name: str) -> str:
    """A metric as people write it; one of another version keeps its name.

    Example:
        >>> score_name("macro_auroc"), score_name("macro_brier")
        ('macro AUROC', 'macro Brier score (lower is better)')
    """
    row = METRICS.get(name) or FURTHER.get(name)
    if row is None:
        return name.replace("_", " ")
    return f"{row.title} (lower is better)" if row.lower_is_better else row.title
