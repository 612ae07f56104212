"""Reports: runs, comparisons, studies and checks of shards as pages of HTML; ECGs as figures."""

from ecg_keras.report.comparison_page import comparison_page
from ecg_keras.report.ecg_plot import plot_ecg
from ecg_keras.report.monitoring_page import monitoring_page
from ecg_keras.report.prediction_page import prediction_page
from ecg_keras.report.run_page import write_report
from ecg_keras.report.score_sections import scores_page
from ecg_keras.report.shown_ecgs import study_ecgs
from ecg_keras.report.study_page import write_study
from ecg_keras.report.validation_page import validation_page

__all__ = [
    "comparison_page",
    "monitoring_page",
    "plot_ecg",
    "prediction_page",
    "scores_page",
    "study_ecgs",
    "validation_page",
    "write_report",
    "write_study",
]
