"""Records that are kept and noted: what is unusual in one of them is no fault of its dataset."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data, data_settings
from ecg_keras.data.conversion import Converted
from ecg_keras.data.outcomes import Noted
from ecg_keras.signals import worst_limb_lead
from ecg_keras.sources import Range, find_expectations, record_ranges

# of one lead: unchanging while another lead changes, or at the end of the recorder's scale; real
# recordings have up to 0.15 and 0.03, see docs/quality.md
LEAD_SHARES: Mapping[str, Range] = {"flat": (0.0, 0.25), "clipped": (0.0, 0.1)}
# a figure -> what it is, and its unit
_WORDS = {
    "peak_mv": ("largest sample", "mV"),
    "rms_mv": ("root mean square over all leads", "mV"),
    "einthoven_mv": ("distance from Einthoven's and Goldberger's identities", "mV"),
    "heart_rate": ("heart rate", "beats a minute"),
    "age": ("age", "years"),
    "original_hz": ("sampling rate of the recording", "Hz"),
    "original_seconds": ("length of the recording", "s"),
    "labels": ("number of labels", ""),
    "flat": ("share of time without change", ""),
    "clipped": ("share of samples at the end of the scale", ""),
}


def noting(data: Data, label_set: str, leads: Sequence[str]) -> Callable[[Converted], list[Noted]]:
    """The function that lists what is to be noted of a record, stored with these leads."""
    expected = find_expectations(SimpleNamespace(source=data.source, settings=data_settings(data)))
    ranges = record_ranges(expected) | {
        "labels": (0, expected.most_labels.get(label_set, math.inf)),
        **LEAD_SHARES,
    }

    def note(record: Converted) -> list[Noted]:
        return [
            Noted(record.info.record_id, lead, measure, float(f"{value:.4g}"), say)
            for measure, lead, value in _outside(record, ranges, leads)
            for say in [describe_value(measure, lead, value, ranges[measure])]
        ]

    return note


def describe_value(measure: str, lead: str | None, value: float, allowed: Range) -> str:
    """A figure in words, with what is expected."""
    what, unit = _WORDS.get(measure, (measure, ""))
    behind = f" {unit}" * bool(unit)
    place = f" in {lead}" if lead else ""
    return f"{what} {value:.4g}{behind}{place}, expected {_say(allowed)}{behind}"


def _outside(
    record: Converted, ranges: Mapping[str, Range], leads: Sequence[str]
) -> Iterable[tuple[str, str | None, float]]:
    """Each figure of a record that is outside of its range, with the lead that it shows in."""
    info = record.info
    figures = {
        **record.figures,
        "age": math.nan if info.age is None else info.age,
        "labels": len(info.labels),
    }
    for measure in filter(figures.__contains__, _WORDS):
        value, (low, high) = figures[measure], ranges[measure]
        if value < low or value > high:  # an unknown one is neither
            yield measure, _find_lead(record, measure, leads), value
    for measure in LEAD_SHARES:
        shares = getattr(record.lead_quality, measure)
        high = ranges[measure][1]
        if measure == "flat":  # padding makes all leads flat
            shares = lead_alone(shares)
        if shares.max() > high:
            for lead, share in zip(leads, shares.tolist(), strict=True):
                if share > high:
                    yield measure, lead, share


def lead_alone(flat: Float32Array) -> Float32Array:
    """The share of the time without change of each lead while some lead changes."""
    least = flat.min()
    alone: Float32Array = (flat - least) / max(1 - least, 1e-6)
    return alone


def _find_lead(record: Converted, measure: str, leads: Sequence[str]) -> str | None:
    """The lead that a figure of the whole record shows in."""
    if measure == "peak_mv":
        return leads[int(np.argmax(np.abs(record.samples.astype(np.int32)).max(axis=0)))]
    if measure == "rms_mv":
        return leads[int(np.argmax(np.square(record.samples, dtype=np.float64).sum(axis=0)))]
    if measure == "einthoven_mv":
        return worst_limb_lead(record.samples * np.float32(record.scale), leads)
    return None


def _say(allowed: Range) -> str:
    low, high = allowed
    if low in (0, high):
        return f"at most {high:g}" if low < high else f"{high:g}"
    return f"{low:g} to {high:g}"
