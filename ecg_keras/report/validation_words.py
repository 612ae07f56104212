"""What the page of a check calls things, and its verdict."""

from __future__ import annotations

from collections.abc import Sequence

from ecg_keras.report.tables import capital
from ecg_keras.text import plural
from ecg_keras.validation import DatasetComparison, Validation, feature_of

# a feature of the shards -> what readers call it, and its unit
FEATURES = {
    "labels": ("Labels", ""),
    "sex": ("Sex", ""),
    "age": ("Age", "years"),
    "heart_rate": ("Heart rate", "beats/min"),
    "peak_mv": ("Largest amplitude of any lead", "mV"),
    "rms_mv": ("Root mean square over all leads", "mV"),
    "einthoven_mv": ("Distance from Einthoven's identities", "mV"),
    "original_hz": ("Sampling rate of the recording", "Hz"),
    "original_seconds": ("Length of the whole recording", "s"),
    "flat_leads": ("Leads without signal", ""),
    "fold": ("Official fold", ""),
    "deflection_mv": ("Net deflection", "mV"),
    "flat": ("Share of time without change", ""),
    "clipped": ("Share of clipped samples", ""),
    "noise_mv": ("Noise", "mV"),
    "baseline_mv": ("Baseline wander", "mV"),
    "mains_mv": ("Hum of the mains", "mV"),
}
# of a comparison: the heading, and what the two sets are called in figures
HEADS = {
    "drift": ("Drift from {other}", "this training split", "the other one"),
    "skew": ("Skew between training and serving ({other})", "training", "serving"),
}
HERE_AND_THERE = {
    "drift": "Here is this training split, there is the training split of the other dataset.",
    "skew": "Here is this training split, there is what the served model received.",
}
LIMITS = (
    "Single recordings are not judged here: a person with an unusual ECG is no anomaly. What is "
    "outside of a range in a few of them is noted.",
    "The samples are judged by their figures alone. Two neighbouring chest leads that are "
    "exchanged, or labels that belong to other recordings, leave all of them as they are.",
    "Another distribution may be what is wanted, as when patients of another kind are to be "
    "examined. The thresholds are in schema.pbtxt beside the shards, to be edited.",
)


def feature_title(name: str) -> str:
    """What readers call a feature or one lead of it: ``Net deflection, V6``."""
    feature, _, lead = name.partition(" ")
    title = FEATURES.get(feature, (feature, ""))[0]
    return f"{title}, {lead}" if lead else title


def axis_title(name: str) -> str:
    """The same with the unit, for an axis: ``Age (years)``."""
    unit = FEATURES.get(feature_of(name), ("", ""))[1]
    return f"{feature_title(name)} ({unit})" if unit else feature_title(name)


def verdict_sentences(found: Validation) -> tuple[str, ...]:
    """What a reader should know first: is it sound, and is it like the others?"""
    splits = [split for split, one in found.dataset.splits.items() if one.records]
    records = sum(found.dataset.splits[split].records for split in splits)
    apart = {anomaly for one in found.comparisons for anomaly in one.anomalies()}
    own = [anomaly for anomaly in found.anomalies if anomaly not in apart]
    many = f"{plural(records, 'recording')} in {plural(len(splits), 'split')}"
    if own:
        features = dict.fromkeys(feature_title(feature_of(one.feature)) for one in own)
        first = (
            f"Something is wrong: of {many}, {_join([_lower(name) for name in features])} "
            f"{'is' if len(features) == 1 else 'are'} not as the schema asks."
        )
    else:
        first = f"{many} {'is as its' if records == 1 else 'are as their'} schema asks."
    remarks = (f"{capital(remark)}." for remark in found.remarks)
    return (first, *(_compare(one) for one in found.comparisons), *remarks)


def _compare(one: DatasetComparison) -> str:
    what = {
        "drift": f"The training split and {one.other}",
        "skew": f"What was trained on and what is served ({one.other})",
    }[one.kind]
    features = dict.fromkeys(
        feature_title(feature_of(anomaly.feature)) for anomaly in one.anomalies()
    )
    compared = len(one.distances) + len(one.absent)
    if not features:
        return f"{what} are alike in all {compared} features that were compared."
    return f"{what} differ in {_join([_lower(name) for name in features])}."


def _join(names: Sequence[str]) -> str:
    """``age, sex and labels``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
