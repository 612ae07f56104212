"""What a check of a dataset finds, as plain values, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ecg_keras.data import Dataset, Noted
from ecg_keras.validation.columns import feature_of
from ecg_keras.validation.profiles import Numbers, Profile, Texts, format_number

# what two datasets are compared for
Kind = Literal["drift", "skew"]


@dataclass(frozen=True)
class Anomaly:
    """One thing in a split that its schema does not allow, or that differs from another dataset.

    Attributes:
        split: ``"train"``, ``"valid"``, ``"test"``, or ``"serving"`` for what the served model
            received.
        feature: name of the feature.
        short: what is wrong in a few words.
        long: with the figures.
    """

    split: str
    feature: str
    short: str
    long: str

    def line(self) -> str:
        """One line of text."""
        return f"{self.split}: {self.feature}: {self.long}"


@dataclass(frozen=True)
class Distance:
    """How far a feature of one dataset is from that of another.

    Attributes:
        feature: its name.
        measure: ``"L-infinity"``, the greatest difference of the share of any value, or
            ``"Jensen-Shannon"``, the divergence of two distributions in bits. Both are 0 where the
            datasets agree and 1 where they have nothing in common.
        value: what was found.
        allowed: the schema's threshold, and what chance does to datasets of these sizes.
        text: the two datasets side by side, in words.
    """

    feature: str
    measure: Literal["L-infinity", "Jensen-Shannon"]
    value: float
    allowed: float
    text: str

    @property
    def differs(self) -> bool:
        """Whether that is more than allowed."""
        return self.value > self.allowed


@dataclass(frozen=True)
class DatasetComparison:
    """The training split beside another dataset.

    Attributes:
        kind: ``"drift"`` from a dataset such as the upstream's, ``"skew"`` from what the served
            model received.
        other: the other dataset's folder.
        ours, theirs: the profiles that are compared.
        distances: of the features that both have, in the schema's order.
        absent: features that only one of them has, with a sentence for each.
    """

    kind: Kind
    other: str
    ours: Profile
    theirs: Profile
    distances: tuple[Distance, ...]
    absent: Mapping[str, str]

    def anomalies(self) -> tuple[Anomaly, ...]:
        """What differs by more than allowed; of several leads the one that differs most."""
        verb = {"drift": "drift from", "skew": "skew against"}[self.kind]
        short = f"{verb} {self.other}"
        found = [
            Anomaly("train", name, short, f"{text} ({short})") for name, text in self.absent.items()
        ]
        differing: dict[str, list[Distance]] = {}
        for one in self.distances:
            if one.differs:
                differing.setdefault(feature_of(one.feature), []).append(one)
        for group in differing.values():  # the leads of one feature are reported together
            most = max(group, key=lambda one: one.value)
            others = f"; {len(group)} leads differ" if len(group) > 1 else ""
            text = (
                f"{most.text}; {most.measure} {most.value:.3f}, allowed {most.allowed:.3f}{others} "
                f"({short})"
            )
            found.append(Anomaly("train", most.feature, short, text))
        return tuple(found)


@dataclass(frozen=True)
class Validation:
    """Everything that one check of a dataset found.

    Attributes:
        folder: of the shards.
        dataset: what they hold.
        profiles: of each split that has records, and ``"serving"`` where that was asked for.
        anomalies: what is wrong, by split and feature, then what differs from other datasets;
            empty where all is well.
        comparisons: with the other datasets that were named.
        noted: records outside of what is expected of each, too few to be the dataset's fault.
        remarks: what was not looked at, and why.
    """

    folder: str
    dataset: Dataset
    profiles: Mapping[str, Profile]
    anomalies: tuple[Anomaly, ...]
    comparisons: tuple[DatasetComparison, ...]
    noted: tuple[Noted, ...] = ()
    remarks: tuple[str, ...] = ()


def unmet_requirement(sentence: str, profile: Texts | Numbers) -> str:
    """That a requirement on the distribution is not met."""
    if "median" in sentence and isinstance(profile, Numbers):
        return f"median {format_number(profile.median)}: {sentence}"
    return f"{_presence(profile)}: {sentence}"


def out_of_range(profile: Numbers, rule: Any, *, high: bool) -> str:
    """That values are above, or below, what a rule of the schema allows."""
    domain = rule.float_domain if rule.HasField("float_domain") else rule.int_domain
    low, most = domain.min, domain.max
    found = (
        f"up to {format_number(profile.high)}" if high else f"down to {format_number(profile.low)}"
    )
    allowed = f"is {low:g}" if low == most else f"are {low:g} to {most:g}"
    return f"values {found}, allowed {allowed}"


def too_few(profile: Texts | Numbers, rule: Any) -> str:
    """That too few records have a value."""
    share = rule.presence.min_fraction
    all_of = "every record" if share == 1 else f"{100 * share:g} % of the records"
    return f"{_presence(profile)}, and {all_of} must have one"


def unexpected_values(profile: Texts, rule: Any) -> str:
    """That there are values which the schema does not list."""
    strange = [value for value in profile.counts if value not in rule.string_domain.value]
    return f"values outside the schema's domain: {', '.join(strange)}"


def _presence(profile: Texts | Numbers) -> str:
    return f"{profile.present} of {profile.records} records have one"
