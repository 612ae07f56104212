"""Studies: a grid of runs, and what they say together.

Names load when they are first used, so that listing a study's cells imports no TensorFlow.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.study.arm_contrasts import score_run as score_run
    from ecg_keras.study.cell_listing import list_cells as list_cells
    from ecg_keras.study.cells import Cell as Cell, StudyPlan as StudyPlan
    from ecg_keras.study.cost_text import cost_table as cost_table
    from ecg_keras.study.costs import (
        OnProgress as OnProgress,
        StudyEstimate as StudyEstimate,
        estimate as estimate,
        remaining_seconds as remaining_seconds,
        seconds_of_run as seconds_of_run,
    )
    from ecg_keras.study.dataset_sizes import size_of as size_of
    from ecg_keras.study.from_files import gather_files as gather_files
    from ecg_keras.study.gathering import gather as gather
    from ecg_keras.study.job_costs import estimate_jobs as estimate_jobs
    from ecg_keras.study.pilot import (
        Pilot as Pilot,
        run_pilot as run_pilot,
        workloads_of as workloads_of,
    )
    from ecg_keras.study.prediction_files import list_networks as list_networks
    from ecg_keras.study.running import run_study as run_study
    from ecg_keras.study.state import (
        Running as Running,
        Snapshot as Snapshot,
        snapshot as snapshot,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
