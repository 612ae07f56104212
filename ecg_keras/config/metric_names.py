"""What recipes may name where a score decides: derived from the table of metrics."""

from typing import TYPE_CHECKING, Literal

from ecg_keras.metrics import METRICS

if TYPE_CHECKING:
    MetricName = str
    Chooser = str
    Selection = str
else:  # pydantic reads the names; type checkers can't, as they are made when this is imported
    MetricName = Literal[tuple(METRICS)]
    Chooser = Literal[(*METRICS, "calibrated_loss")]
    Selection = Literal[(*(f"best_{name}" for name in METRICS), "best_loss", "last")]
