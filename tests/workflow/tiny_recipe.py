"""A recipe of a network that trains at once, on a simulated hospital, for this folder's tests."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ecg_keras import workflow

RECIPE = {
    "mode": "scratch",
    "data": {
        "source": "simulated",
        "raw": "raw",
        "simulate": {"hospital": "riverside", "records": 80},
        "label_set": "superdiagnostic",
        "sampling_rate": 25,
        "seconds": 4,
        "anomalies": "warn",
    },
    "model": {"backbone": "tiny:mean", "head": "pooled"},
    "training": {"batch_size": 16, "select": "last", "phases": [{"epochs": 2}]},
    "evaluation": {"bootstrap": 100, "explain": False},
}


class Stop(Exception):
    """Ends what is being made."""


def stop(*_, **__):
    raise Stop


def write_recipe(name, recipe):
    """Into the current folder."""
    with Path(f"{name}.yaml").open("w") as file:
        YAML().dump(recipe, file)


@contextmanager
def working_in(folder, recipe=RECIPE):
    """While the block lasts it is the current folder, in which the recipe is ``mine.yaml``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_recipe("mine", recipe)
        yield


def settings_of(overrides):
    """Dotted keys, of names in which two underscores are a dot."""
    return {key.replace("__", "."): value for key, value in overrides.items()}


def job_of(name="mine", **overrides):
    """The job of a recipe in the current folder."""
    return workflow.make_job(workflow.load(f"{name}.yaml", settings_of(overrides)))
