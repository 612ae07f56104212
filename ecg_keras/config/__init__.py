"""Recipes: text to typed, frozen values, and their fingerprints."""

from ecg_keras.config.fingerprint import data_settings, differences, fingerprint, run_settings
from ecg_keras.config.loading import (
    LoadedRecipe,
    dump_recipe,
    load_recipe,
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

__all__ = [
    "Augment",
    "Data",
    "Evaluation",
    "Initialise",
    "LoadedRecipe",
    "Model",
    "Phase",
    "Problem",
    "Recipe",
    "Simulate",
    "Split",
    "Training",
    "data_settings",
    "differences",
    "dump_recipe",
    "fingerprint",
    "load_recipe",
    "parse_overrides",
    "run_settings",
]
