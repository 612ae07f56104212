"""TensorFlow Data Validation's reasons in words, with the figures that belong to them."""

from __future__ import annotations

from typing import Any

from ecg_keras.validation.profiles import say_number
from ecg_keras.validation.results import Numbers, Texts

TOO_HIGH = ("FLOAT_TYPE_BIG_FLOAT", "INT_TYPE_BIG_INT")
TOO_LOW = ("FLOAT_TYPE_SMALL_FLOAT", "INT_TYPE_SMALL_INT")
ABSENT = ("FEATURE_TYPE_LOW_FRACTION_PRESENT", "FEATURE_TYPE_NOT_PRESENT")
TOO_MANY = "FEATURE_TYPE_HIGH_NUMBER_VALUES"
STRANGE = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"


def is_of_records(reason: Any) -> bool:
    """Whether it says that records are outside of a range, whichever and however many."""
    return _name(reason) in (*TOO_HIGH, *TOO_LOW, TOO_MANY)


def describe_reason(reason: Any, rule: Any, profile: Texts | Numbers | None) -> str:
    """One sentence.

    Args:
        reason: of an anomaly.
        rule: the feature in the schema; ``None`` where it is not there.
        profile: of the feature; ``None`` where it is not there.
    """
    kind = _name(reason)
    if kind == "CUSTOM_VALIDATION" and profile is not None:
        return say_condition(reason.short_description, profile)
    if kind in (*TOO_HIGH, *TOO_LOW) and isinstance(profile, Numbers) and rule is not None:
        return say_range(profile, rule, high=kind in TOO_HIGH)
    if kind in ABSENT and profile is not None and rule is not None:
        return say_absent(profile, rule)
    if kind == STRANGE and isinstance(profile, Texts) and rule is not None:
        return say_strange(profile, rule)
    return _plain(reason.description)


def say_condition(sentence: str, profile: Texts | Numbers) -> str:
    """That a condition on the distribution is not met."""
    if "median" in sentence and isinstance(profile, Numbers):
        return f"median {say_number(profile.median)}: {sentence}"
    return f"{_known(profile)}: {sentence}"


def say_range(profile: Numbers, rule: Any, *, high: bool) -> str:
    """That values are above, or below, what is allowed."""
    found = f"up to {say_number(profile.high)}" if high else f"down to {say_number(profile.low)}"
    return f"values {found}, allowed {_range(rule)}"


def say_absent(profile: Texts | Numbers, rule: Any) -> str:
    """That too few records have a value."""
    return f"{_known(profile)}, and {_share(rule.presence.min_fraction)} must have one"


def say_strange(profile: Texts, rule: Any) -> str:
    """That there are values which the schema does not list."""
    strange = [value for value in profile.counts if value not in rule.string_domain.value]
    return f"values outside the schema's domain: {', '.join(strange)}"


def _name(reason: Any) -> str:
    kinds = type(reason).DESCRIPTOR.fields_by_name["type"].enum_type
    name: str = kinds.values_by_number[reason.type].name
    return name


def _known(profile: Texts | Numbers) -> str:
    return f"{profile.present} of {profile.records} records have one"


def _share(fraction: float) -> str:
    return "every record" if fraction == 1 else f"{100 * fraction:g} % of the records"


def _range(rule: Any) -> str:
    domain = rule.float_domain if rule.HasField("float_domain") else rule.int_domain
    if domain.min == domain.max:
        return f"is {domain.min:g}"
    return f"are {domain.min:g} to {domain.max:g}"


def _plain(description: str) -> str:
    """The library's own text, without its remark on how it rounds."""
    for remark in ("(upto six significant digits)", "(up to six significant digits)"):
        description = description.replace(remark, "")
    return " ".join(description.replace(" ,", ",").split())
