"""Studies: a grid of runs, and what they say together."""

from ecg_keras.study.cells import Cell, StudyPlan, list_cells

__all__ = ["Cell", "StudyPlan", "list_cells"]
