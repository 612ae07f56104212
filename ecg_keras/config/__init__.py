"""Recipes: text to typed, frozen values, and their fingerprints."""

from ecg_keras.config.fingerprint import (
    data_changes,
    data_mark,
    data_settings,
    differences,
    fingerprint,
    run_changes,
    run_mark,
    run_settings,
)
from ecg_keras.config.folder import Folder
from ecg_keras.config.loading import (
    LoadedRecipe,
    LoadedStudy,
    compose,
    dump_recipe,
    load_recipe,
    load_study,
    parse_overrides,
)
from ecg_keras.config.problems import Problem
from ecg_keras.config.schema import (
    Augment,
    Data,
    Evaluation,
    Initialise,
    Model,
    Phase,
    Recipe,
    Simulate,
    Split,
    Training,
)
from ecg_keras.config.study import Grid, Left, Mode, Part, Protocol, Question, Study

__all__ = [
    "Augment",
    "Data",
    "Evaluation",
    "Folder",
    "Grid",
    "Initialise",
    "Left",
    "LoadedRecipe",
    "LoadedStudy",
    "Mode",
    "Model",
    "Part",
    "Phase",
    "Problem",
    "Protocol",
    "Question",
    "Recipe",
    "Simulate",
    "Split",
    "Study",
    "Training",
    "compose",
    "data_changes",
    "data_mark",
    "data_settings",
    "differences",
    "dump_recipe",
    "fingerprint",
    "load_recipe",
    "load_study",
    "parse_overrides",
    "run_changes",
    "run_mark",
    "run_settings",
]
