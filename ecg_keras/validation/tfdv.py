"""TensorFlow Data Validation: where it is installed, the text files it reads, what it finds."""

from __future__ import annotations

import math
import warnings
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

from ecg_keras.data import writing_to
from ecg_keras.errors import DataError
from ecg_keras.files import NOT_OURS, write_text
from ecg_keras.text import percent
from ecg_keras.validation.anomalies import (
    Anomaly,
    DatasetComparison,
    Distance,
    Kind,
    out_of_range,
    too_few,
    unexpected_values,
    unmet_requirement,
)
from ecg_keras.validation.profiles import Numbers, Profile, Texts, format_number, read_profile
from ecg_keras.validation.schema import SERVING

# reasons of the library, by what they say
TOO_HIGH = ("FLOAT_TYPE_BIG_FLOAT", "INT_TYPE_BIG_INT")
TOO_LOW = ("FLOAT_TYPE_SMALL_FLOAT", "INT_TYPE_SMALL_INT")
ABSENT = ("FEATURE_TYPE_LOW_FRACTION_PRESENT", "FEATURE_TYPE_NOT_PRESENT")
TOO_MANY = "FEATURE_TYPE_HIGH_NUMBER_VALUES"
STRANGE = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"

COMPARATORS = {"drift": "drift_comparator", "skew": "skew_comparator"}
# what chance does, with s = sqrt(1/n + 1/m), as the multiples of s and s * s. Three standard errors
# of the difference of two shares are at most 1.5 s; the divergence of twenty buckets was measured
# on random parts of PTB-XL, which stay below in all but 1 of 3000 comparisons
CHANCE = {"infinity_norm": (1.5, 0.0), "jensen_shannon_divergence": (0.7, 4.0)}


def load_tfdv() -> ModuleType:
    """The library, without what its own imports warn of; a `DataError` where it is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # first, because they keep the stderr they find for their logs
            import apache_beam  # noqa: F401
            import tensorflow  # noqa: F401

            # it prints that it can't draw in notebooks
            with redirect_stderr(StringIO()):
                import tensorflow_data_validation as tfdv
    except ImportError as error:
        raise DataError(
            "drift, skew and statistics need TensorFlow Data Validation, which can't be imported "
            f"({error}). Run `pip install tensorflow-data-validation` where it has a package for "
            "your Python and system: docs/dependencies.md lists them."
        ) from error
    module: ModuleType = tfdv
    return module


def why_missing() -> str:
    """Why TensorFlow Data Validation can't be imported, as Python says it; empty where it can."""
    try:
        load_tfdv()
    except DataError as error:
        return str(error.__cause__)
    return ""


def read_message(path: Path, message: Any) -> Any:
    """Fills a protocol buffer from a text file."""
    from google.protobuf import text_format

    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (text_format.ParseError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise DataError(
            f"{path}: not a {type(message).__name__} as text: {error}. Fix it, or remove it: it "
            "is made again."
        ) from error


def write_message(path: Path, message: Any) -> None:
    """Writes a protocol buffer as text, whole or not at all."""
    from google.protobuf import text_format

    with writing_to(path.parent):
        write_text(path, text_format.MessageToString(message))


def keep_message(path: Path, message: Any, unkept: list[str]) -> None:
    """Writes it where that is possible; what can't be written is made again, and noted."""
    try:
        write_message(path, message)
    except DataError as error:
        reason = error.__cause__
        if not isinstance(reason, OSError) or reason.errno not in NOT_OURS:
            raise
        unkept.append(path.name)


def find_anomalies(
    split: str, statistics: Any, schema: Any, checks: Any, environment: str
) -> list[tuple[Anomaly, bool]]:
    """What it finds in one split; of each, whether records are outside of a range."""
    profile = read_profile(statistics)
    about = type(checks)()
    # a check of a feature that is not there is an error, not an anomaly
    about.feature_validations.extend(
        one for one in checks.feature_validations if one.feature_path.step[0] in profile
    )
    found = load_tfdv().validate_statistics(
        statistics, schema, environment=environment, custom_validation_config=about
    )
    rules = {feature.name: feature for feature in schema.feature}
    anomalies = []
    for feature, info in sorted(found.anomaly_info.items()):
        for reason in info.reason:
            text = _describe_reason(reason, rules.get(feature), profile.get(feature))
            of_records = _kind(reason) in (*TOO_HIGH, *TOO_LOW, TOO_MANY)
            anomalies.append((Anomaly(split, feature, reason.short_description, text), of_records))
    return anomalies


def _kind(reason: Any) -> str:
    kinds = type(reason).DESCRIPTOR.fields_by_name["type"].enum_type
    return str(kinds.values_by_number[reason.type].name)


def _describe_reason(reason: Any, rule: Any, profile: Texts | Numbers | None) -> str:
    """With the figures that belong to it; ``None`` where the feature isn't there."""
    kind = _kind(reason)
    if kind == "CUSTOM_VALIDATION" and profile is not None:
        return unmet_requirement(reason.short_description, profile)
    if kind in (*TOO_HIGH, *TOO_LOW) and isinstance(profile, Numbers) and rule is not None:
        return out_of_range(profile, rule, high=kind in TOO_HIGH)
    if kind in ABSENT and profile is not None and rule is not None:
        return too_few(profile, rule)
    if kind == STRANGE and isinstance(profile, Texts) and rule is not None:
        return unexpected_values(profile, rule)
    text: str = reason.description
    for remark in ("(upto six significant digits)", "(up to six significant digits)"):
        text = text.replace(remark, "")
    return " ".join(text.replace(" ,", ",").split())


def compare(ours: Any, theirs: Any, schema: Any, kind: Kind, other: str) -> DatasetComparison:
    """The distance of each feature that the schema names a threshold for, between statistics.

    The threshold is what two large datasets may differ by. What chance does to small ones is
    added, by the numbers of records that have the feature.
    """
    mine, yours = read_profile(ours), read_profile(theirs)
    bare, allowed, absent = _comparators(schema, kind, mine, yours)
    distances = []
    for name, (measure, value) in _measure(ours, theirs, bare, kind).items():
        text = describe_values(name, mine[name], yours[name])
        distances.append(Distance(name, measure, value, allowed[name], text))
    return DatasetComparison(kind, other, mine, yours, tuple(distances), absent)


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
        counts = [
            profile[feature.name].present if feature.name in profile else 0
            for profile in (ours, theirs)
        ]
        if not all(counts):
            expected = kind == "drift" or SERVING not in feature.not_in_environment
            if any(counts) and expected:
                here, there = ("known" if one else "unknown in every record" for one in counts)
                absent[feature.name] = f"{here} here, {there} there"
            continue
        added = bare.feature.add(name=feature.name, type=feature.type)
        getattr(added, COMPARATORS[kind]).CopyFrom(comparator)
        allowed[feature.name] = getattr(comparator, measure).threshold + _chance(measure, *counts)
    return bare, allowed, absent


def _chance(measure: str, ours: int, theirs: int) -> float:
    """How far two samples of one distribution may be apart, by the numbers of their records."""
    first, second = CHANCE[measure]
    variance = 1 / ours + 1 / theirs
    return first * math.sqrt(variance) + second * variance


def _measure(ours: Any, theirs: Any, bare: Any, kind: Kind) -> dict[str, tuple[Any, float]]:
    """The measure and distance of each feature, in the order of the schema."""
    second = {"drift": "previous_statistics", "skew": "serving_statistics"}[kind]
    measured = load_tfdv().validate_statistics(ours, bare, **{second: theirs}).drift_skew_info
    names = {"L_INFTY": "L-infinity", "JENSEN_SHANNON_DIVERGENCE": "Jensen-Shannon"}
    found = {}
    for info in measured:
        (one,) = getattr(info, f"{kind}_measurements")
        found[info.path.step[0]] = (names[type(one).Type.Name(one.type)], one.value)
    return {one.name: found[one.name] for one in bare.feature if one.name in found}


def describe_values(name: str, ours: Texts | Numbers, theirs: Texts | Numbers) -> str:
    """What differs most, with its figures here and there.

    Of texts, a value's figure is its share of all values: an ECG with two labels counts twice.
    """
    if isinstance(ours, Numbers) or isinstance(theirs, Numbers):
        medians = (getattr(one, "median", math.nan) for one in (ours, theirs))
        here, there = map(format_number, medians)
        return f"median {here} here, {there} there"
    values = dict.fromkeys((*ours.counts, *theirs.counts))
    most = max(values, key=lambda value: abs(ours.share(value) - theirs.share(value)))
    of_all = "all labels" if name == "labels" else f"the known values of {name}"
    here, there = percent(ours.share(most), 1), percent(theirs.share(most), 1)
    return f"{here} of {of_all} here are {most}, {there} there"
