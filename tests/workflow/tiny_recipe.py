"""A recipe of a network that trains at once, on a simulated hospital, for this folder's tests."""

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
