"""Are these shards what they should be? Statistics and checks by TensorFlow Data Validation.

Data flows one way: `features` are read from shards and counted (`statistics`), compared with what
the `schema` allows and with other datasets (`comparing`), and told as plain values (`results`).
"""

from ecg_keras.validation.checking import find_drift, validate
from ecg_keras.validation.results import (
    Anomaly,
    Comparison,
    Distance,
    Numbers,
    Profile,
    Texts,
    Validation,
)

__all__ = [
    "Anomaly",
    "Comparison",
    "Distance",
    "Numbers",
    "Profile",
    "Texts",
    "Validation",
    "find_drift",
    "validate",
]
