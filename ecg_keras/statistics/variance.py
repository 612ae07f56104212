"""The former place of `ecg_keras.evaluation.variance`, whose names it keeps."""

from ecg_keras.evaluation.variance import (
    Parts,
    beyond_margin,
    chi_squares,
    find_degrees,
    find_parts,
    interval,
    match_degrees,
    two_sided,
)

__all__ = [
    "Parts",
    "beyond_margin",
    "chi_squares",
    "find_degrees",
    "find_parts",
    "interval",
    "match_degrees",
    "two_sided",
]
