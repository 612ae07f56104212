"""Studies: a grid of runs, and what they say together."""

from ecg_keras.study.cells import Cell, StudyPlan, list_cells
from ecg_keras.study.running import run_study
from ecg_keras.study.state import Running, Snapshot, snapshot

__all__ = ["Cell", "Running", "Snapshot", "StudyPlan", "list_cells", "run_study", "snapshot"]
