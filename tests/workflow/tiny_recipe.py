"""A recipe of a network that trains at once, on a simulated hospital, for this folder's tests."""

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


def settings_of(overrides):
    """Dotted keys, of names in which two underscores are a dot."""
    return {key.replace("__", "."): value for key, value in overrides.items()}


def job_of(name="mine", **overrides):
    """The job of a recipe in the current folder."""
    return workflow.make_job(workflow.load(f"{name}.yaml", settings_of(overrides)))
