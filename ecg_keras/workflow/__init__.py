"""What a recipe needs: the plan, its steps, and work on finished runs.

Names load when they are first used.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.workflow.baselines import (
        baseline_recipe as baseline_recipe,
        overrides_left_out as overrides_left_out,
    )
    from ecg_keras.workflow.completing import complete_run as complete_run
    from ecg_keras.workflow.first_weights import (
        check_first_weights as check_first_weights,
        defaults_of as defaults_of,
    )
    from ecg_keras.workflow.grouped import read_groupings as read_groupings
    from ecg_keras.workflow.importing import Imported as Imported, import_weights as import_weights
    from ecg_keras.workflow.job import Job as Job, make_job as make_job
    from ecg_keras.workflow.makers import evaluation_mark as evaluation_mark
    from ecg_keras.workflow.opened import (
        FILES as FILES,
        Opened as Opened,
        is_prediction_file as is_prediction_file,
        open_finished as open_finished,
        open_predictions as open_predictions,
        open_scored as open_scored,
    )
    from ecg_keras.workflow.places import known_dataset as known_dataset
    from ecg_keras.workflow.plan import (
        make_alone as make_alone,
        make_plan as make_plan,
        run_plan as run_plan,
    )
    from ecg_keras.workflow.plan_problems import (
        check_data as check_data,
        check_trials_of as check_trials_of,
        check_weights_of as check_weights_of,
        find_problems as find_problems,
    )
    from ecg_keras.workflow.published import (
        PublishedWeights as PublishedWeights,
        is_weights_file as is_weights_file,
        open_published as open_published,
    )
    from ecg_keras.workflow.recipe_names import (
        check_names as check_names,
        rate_warning as rate_warning,
    )
    from ecg_keras.workflow.recipes import (
        load as load,
        own_code as own_code,
        upstream_recipe as upstream_recipe,
    )
    from ecg_keras.workflow.run_exports import export_run as export_run
    from ecg_keras.workflow.run_pairs import compare_runs as compare_runs
    from ecg_keras.workflow.runs import (
        evaluate_elsewhere as evaluate_elsewhere,
        evaluate_file as evaluate_file,
        group_scores as group_scores,
        validate_shards as validate_shards,
    )
    from ecg_keras.workflow.searching import ValidatedRun as ValidatedRun, train as train
    from ecg_keras.workflow.several_seeds import (
        compare_seeds as compare_seeds,
        list_seed_jobs as list_seed_jobs,
    )
    from ecg_keras.workflow.step import Step as Step, Watcher as Watcher
    from ecg_keras.workflow.tuning import (
        answers as answers,
        has_diverged as has_diverged,
        predict_validation as predict_validation,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
