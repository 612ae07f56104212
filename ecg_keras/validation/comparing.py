"""Two datasets side by side: the distances of TensorFlow Data Validation, and what they mean."""

from __future__ import annotations

import math
from typing import Any

from ecg_keras.text import percent
from ecg_keras.validation.library import load_tfdv
from ecg_keras.validation.profiles import read_profile, say_number
from ecg_keras.validation.results import (
    Comparison,
    Distance,
    Kind,
    Numbers,
    Profile,
    Texts,
)
from ecg_keras.validation.schema import SERVING

COMPARATORS = {"drift": "drift_comparator", "skew": "skew_comparator"}
# what chance does, with s = sqrt(1/n + 1/m), as the multiples of s and s * s. Three standard errors
# of the difference of two shares are at most 1.5 s; the divergence of twenty buckets was measured
# on random parts of PTB-XL, which stay below in all but 1 of 3000 comparisons
CHANCE = {"infinity_norm": (1.5, 0.0), "jensen_shannon_divergence": (0.7, 4.0)}


def compare(ours: Any, theirs: Any, schema: Any, kind: Kind, other: str) -> Comparison:
    """The distance of each feature that the schema names a threshold for.

    The threshold is what two large datasets may differ by. What chance does to small ones is
    added, by the numbers of records that have the feature.

    Args:
        ours, theirs: statistics of the training split and of the other dataset.
        schema: of the training split.
        kind: ``"drift"`` or ``"skew"``: which of the schema's comparators.
        other: what the other dataset is called.
    """
    mine, yours = read_profile(ours), read_profile(theirs)
    bare, allowed, absent = _comparators(schema, kind, mine, yours)
    measured = _measure(ours, theirs, bare, kind)
    distances = []
    for feature in bare.feature:
        if feature.name in measured:
            measure, value = measured[feature.name]
            text = describe_values(feature.name, mine[feature.name], yours[feature.name])
            limit = allowed[feature.name]
            distances.append(Distance(feature.name, measure, value, limit, text))
    return Comparison(kind, other, mine, yours, tuple(distances), absent)


def _comparators(
    schema: Any, kind: Kind, ours: Profile, theirs: Profile
) -> tuple[Any, dict[str, float], dict[str, str]]:
    """A schema of nothing but comparators, what each allows, and features that can't be compared.

    Its own rules would be checked again otherwise, and be taken for differences.
    """
    bare = type(schema)()
    allowed, absent = {}, {}
    for feature in schema.feature:
        comparator = getattr(feature, COMPARATORS[kind])
        measure = next((name for name in CHANCE if comparator.HasField(name)), None)
        if measure is None:
            continue
        counts = [_present(profile, feature.name) for profile in (ours, theirs)]
        if not all(counts):
            expected = kind == "drift" or SERVING not in feature.not_in_environment
            if any(counts) and expected:
                absent[feature.name] = _absence(counts)
            continue
        added = bare.feature.add(name=feature.name, type=feature.type)
        getattr(added, COMPARATORS[kind]).CopyFrom(comparator)
        allowed[feature.name] = getattr(comparator, measure).threshold + _chance(measure, *counts)
    return bare, allowed, absent


def _chance(measure: str, ours: int, theirs: int) -> float:
    """How far two samples of one distribution may lie apart, by the numbers of their records."""
    first, second = CHANCE[measure]
    variance = 1 / ours + 1 / theirs
    return first * math.sqrt(variance) + second * variance


def _measure(ours: Any, theirs: Any, bare: Any, kind: Kind) -> dict[str, tuple[Any, float]]:
    tfdv = load_tfdv()
    second = {"drift": "previous_statistics", "skew": "serving_statistics"}[kind]
    told = tfdv.validate_statistics(ours, bare, **{second: theirs}).drift_skew_info
    names = {"L_INFTY": "L-infinity", "JENSEN_SHANNON_DIVERGENCE": "Jensen-Shannon"}
    found = {}
    for info in told:
        (one,) = getattr(info, f"{kind}_measurements")
        found[info.path.step[0]] = (names[type(one).Type.Name(one.type)], one.value)
    return found


def _present(profile: Profile, name: str) -> int:
    return profile[name].present if name in profile else 0


def _absence(counts: list[int]) -> str:
    mine, yours = ("known" if count else "unknown in every record" for count in counts)
    return f"{mine} here, {yours} there"


def describe_values(name: str, ours: Texts | Numbers, theirs: Texts | Numbers) -> str:
    """What differs most, with its figures here and there.

    Of texts, a value's figure is its share of all values: an ECG with two labels counts twice.
    """
    if isinstance(ours, Numbers) and isinstance(theirs, Numbers):
        return f"median {say_number(ours.median)} here, {say_number(theirs.median)} there"
    values = dict.fromkeys((*ours.counts, *theirs.counts))
    gaps = {value: abs(ours.share(value) - theirs.share(value)) for value in values}
    most = max(gaps, key=lambda value: gaps[value])
    of_all = "all labels" if name == "labels" else f"the known values of {name}"
    here, there = percent(ours.share(most), 1), percent(theirs.share(most), 1)
    return f"{here} of {of_all} here are {most}, {there} there"
