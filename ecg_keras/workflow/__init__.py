"""What a recipe needs: the plan, its steps, and work on finished runs."""

from ecg_keras.workflow.baselines import baseline_recipe, overrides_left_out
from ecg_keras.workflow.completing import complete_run
from ecg_keras.workflow.first_weights import check_first_weights, defaults_of
from ecg_keras.workflow.grouped import read_groupings
from ecg_keras.workflow.importing import Imported, import_weights
from ecg_keras.workflow.job import Job, make_job
from ecg_keras.workflow.makers import evaluation_mark
from ecg_keras.workflow.opened import (
    FILES,
    Opened,
    is_prediction_file,
    open_finished,
    open_predictions,
    open_scored,
)
from ecg_keras.workflow.places import known_dataset
from ecg_keras.workflow.plan import make_alone, make_plan, run_plan
from ecg_keras.workflow.plan_problems import (
    check_data,
    check_trials_of,
    check_weights_of,
    find_problems,
)
from ecg_keras.workflow.published import PublishedWeights, is_weights_file, open_published
from ecg_keras.workflow.recipe_names import check_names
from ecg_keras.workflow.recipes import load, own_code, upstream_recipe
from ecg_keras.workflow.run_exports import export_run
from ecg_keras.workflow.run_pairs import compare_runs
from ecg_keras.workflow.runs import (
    evaluate_elsewhere,
    evaluate_file,
    group_scores,
    validate_shards,
)
from ecg_keras.workflow.searching import ValidatedRun, train
from ecg_keras.workflow.several_seeds import compare_seeds, list_seed_jobs
from ecg_keras.workflow.step import Step, Watcher
from ecg_keras.workflow.tuning import has_diverged, predict_validation

__all__ = [
    "FILES",
    "Imported",
    "Job",
    "Opened",
    "PublishedWeights",
    "Step",
    "ValidatedRun",
    "Watcher",
    "baseline_recipe",
    "check_data",
    "check_first_weights",
    "check_names",
    "check_trials_of",
    "check_weights_of",
    "compare_runs",
    "compare_seeds",
    "complete_run",
    "defaults_of",
    "evaluate_elsewhere",
    "evaluate_file",
    "evaluation_mark",
    "export_run",
    "find_problems",
    "group_scores",
    "has_diverged",
    "import_weights",
    "is_prediction_file",
    "is_weights_file",
    "known_dataset",
    "list_seed_jobs",
    "load",
    "make_alone",
    "make_job",
    "make_plan",
    "open_finished",
    "open_predictions",
    "open_published",
    "open_scored",
    "overrides_left_out",
    "own_code",
    "predict_validation",
    "read_groupings",
    "run_plan",
    "train",
    "upstream_recipe",
    "validate_shards",
]
