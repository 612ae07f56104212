"""Reports: a run, the comparison of two, or a study, as one page of HTML; an ECG as a figure."""

from ecg_keras.report.ecg_plot import plot_ecg
from ecg_keras.report.page import comparison_page, write_report
from ecg_keras.report.study_ecgs import study_ecgs
from ecg_keras.report.study_page import write_study

__all__ = ["comparison_page", "plot_ecg", "study_ecgs", "write_report", "write_study"]
