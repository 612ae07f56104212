"""What a check of a dataset tells, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ecg_keras.data import Dataset, Noted
from ecg_keras.validation.features import feature_of

# what two datasets are compared for, and what each is called in a sentence
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
class Texts:
    """How often each value of a feature occurs.

    Attributes:
        records: of the split.
        missing: how many of them have no value.
        counts: by value, the most frequent first; a record with several values counts for each.
    """

    records: int
    missing: int
    counts: Mapping[str, int]

    @property
    def present(self) -> int:
        """Records with a value."""
        return self.records - self.missing

    def share(self, value: str) -> float:
        """The share of all values that this one has."""
        return self.counts.get(value, 0) / max(1, sum(self.counts.values()))


@dataclass(frozen=True)
class Numbers:
    """How the values of a feature are distributed.

    Attributes:
        records: of the split.
        missing: how many of them have no value.
        mean, std, median, low, high: of the values; NaN where there is none.
        quantiles: points of the distribution from ``low`` to ``high``, each with the share of
            values that lies below it, both ascending; empty where there is no value.
    """

    records: int
    missing: int
    mean: float
    std: float
    median: float
    low: float
    high: float
    quantiles: tuple[tuple[float, float], ...]

    @property
    def present(self) -> int:
        """Records with a value."""
        return self.records - self.missing


Profile = Mapping[str, Texts | Numbers]


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
class Comparison:
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
        for group in differing.values():  # the leads of one feature are told together
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
    """Everything that one check of a dataset tells.

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
    comparisons: tuple[Comparison, ...]
    noted: tuple[Noted, ...] = ()
    remarks: tuple[str, ...] = ()
