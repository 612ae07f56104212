"""Reports: a run, or the comparison of two, as one page of HTML; an ECG as a figure."""

from ecg_keras.report.ecg_plot import plot_ecg
from ecg_keras.report.page import comparison_page, write_report

__all__ = ["comparison_page", "plot_ecg", "write_report"]
