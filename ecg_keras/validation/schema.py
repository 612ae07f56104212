"""The schema of a dataset: what each feature may be, made from what its database promises."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ecg_keras.data import LEAD_FIGURES, Dataset
from ecg_keras.records import SEXES
from ecg_keras.sources import SOME, Expectations, find_expectations, record_ranges
from ecg_keras.validation.columns import PER_LEAD, TEXTS, lead_feature

# how far two large datasets may be apart; what chance does to small ones is added when they are
# compared
TOLERANCE = 0.05
COMPARED_NUMBERS = ("age", "peak_mv", "rms_mv", "heart_rate")
SHARES = ("flat", "clipped")
RECORDERS = ("original_hz", "original_seconds")
# of what the served model receives nothing is known but the signal
TRAINING, SERVING = "TRAINING", "SERVING"
KNOWN_OF_SIGNALS = ("peak_mv", "rms_mv", "einthoven_mv", "heart_rate", "flat_leads")
# a rhythm is found in 99 % of real recordings, and in next to none where the rate is ten times off
RHYTHMS_FOUND = 0.5
# in shorter ones there may be none
RHYTHM_SECONDS = 6.0
# the medians of databases are 60 to 85 beats a minute; twice or half of that is outside
HEART_RATE = (45.0, 115.0)
# the medians of databases are 1.4 to 2.9 mV, up to twice that in CODE-15, a third in lead I alone
USUAL_PEAK_MV = (0.3, 7.5)
# with this many recordings a median heart rate or size is no chance
FEW = 20
# with this many, the median deflection has the sign that most people's have
ENOUGH = 100
SIGNS = {"I": 1, "aVR": -1, "V6": 1}
_HOLDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Requirement:
    """What the values of a feature in a split must meet: the median, or the share with a value.

    Every comparison of ``bounds`` must hold, unless fewer than ``records`` records have a value,
    or for a share have none: they prove nothing. ``sentence`` says it in words.
    """

    feature: str
    of: Literal["median", "share"]
    bounds: tuple[tuple[str, float], ...]
    records: int
    sentence: str

    def holds(self, present: int, missing: int, median: float) -> bool:
        """Whether a split meets it, by its records with and without a value."""
        if self.of == "median":
            found, counted = median, present
        else:
            found, counted = present / max(1, present + missing), missing
        enough = counted >= self.records
        return not enough or all(_HOLDS[sign](found, value) for sign, value in self.bounds)

    def as_sql(self) -> str:
        """The same of TensorFlow Data Validation's statistics."""
        kind = "string_stats" if self.feature in TEXTS else "num_stats"
        present, missing = (
            f"feature.{kind}.common_stats.num_{one}" for one in ("non_missing", "missing")
        )
        if self.of == "median":
            counted, found, scale = present, f"feature.{kind}.median", ""
        else:
            counted, found, scale = missing, present, f" * ({present} + {missing})"
        holds = " AND ".join(f"{found} {sign} {value}{scale}" for sign, value in self.bounds)
        return f"({counted} < {self.records}) OR ({holds})"


def as_checks(requirements: Iterable[Requirement]) -> Any:
    """The requirements as TensorFlow Data Validation reads them from ``checks.pbtxt``."""
    from tensorflow_data_validation.anomalies.proto import custom_validation_config_pb2 as protos
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    checks = protos.CustomValidationConfig()
    for one in requirements:
        added = checks.feature_validations.add()
        added.feature_path.step.append(one.feature)
        added.validations.add(
            sql_expression=one.as_sql(),
            severity=anomalies_pb2.AnomalyInfo.ERROR,
            description=one.sentence,
        )
    return checks


def make_schema(dataset: Dataset) -> Any:
    """What each feature may be: the dataset's labels, its database's ranges, what must be there."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    expected = find_expectations(dataset)
    schema = schema_pb2.Schema(default_environment=[TRAINING, SERVING])
    always = {"peak_mv", "rms_mv", "original_hz", "original_seconds"}
    always |= {name for name, share in _shares(dataset, expected).items() if share == 1.0}
    _add_texts(schema, dataset, expected, always)
    for name, (least, most) in record_ranges(expected).items():
        feature = schema.feature.add(name=name, type=schema_pb2.FLOAT)
        feature.float_domain.min, feature.float_domain.max = least, most
        feature.float_domain.disallow_nan = True
        feature.presence.min_fraction = float(name in always)
        if name in COMPARED_NUMBERS:
            _compare_distributions(feature)
    for name in PER_LEAD:
        for lead in dataset.leads:
            feature = schema.feature.add(name=lead_feature(name, lead), type=schema_pb2.FLOAT)
            feature.float_domain.disallow_nan = True
            if name in SHARES:
                feature.float_domain.min, feature.float_domain.max = 0.0, 1.0
            elif name in LEAD_FIGURES:
                _compare_distributions(feature)
    flat = schema.feature.add(name="flat_leads", type=schema_pb2.INT)
    flat.int_domain.min = flat.int_domain.max = 0
    flat.presence.min_fraction = 1.0
    fold = schema.feature.add(name="fold", type=schema_pb2.INT)
    if expected.folds:
        fold.int_domain.min, fold.int_domain.max = 1, expected.folds
        fold.presence.min_fraction = 1.0
    for feature in schema.feature:
        if feature.name not in KNOWN_OF_SIGNALS and not feature.name.startswith(PER_LEAD):
            feature.not_in_environment.append(SERVING)
    return schema


def list_requirements(dataset: Dataset) -> tuple[Requirement, ...]:
    """What the middle of a distribution must be, where no single value is wrong by itself.

    A wrong sampling rate changes every heart rate by the same factor, and a wrong lead the sign of
    its deflection: a patient may have each of the values, and no hospital has the median.
    """
    shares = _shares(dataset, find_expectations(dataset))
    requirements = [_share(name, share) for name, share in shares.items() if 0 < share < 1]
    for name, (low, high), unit, question in (
        ("heart_rate", HEART_RATE, "beats a minute", "is the sampling rate right?"),
        ("peak_mv", USUAL_PEAK_MV, "mV", "are unit and gain right?"),
    ):
        sentence = f"the median must be from {low:g} to {high:g} {unit}: {question}"
        requirements.append(Requirement(name, "median", ((">=", low), ("<=", high)), FEW, sentence))
    for lead, sign in SIGNS.items():
        if lead in dataset.leads:
            side, word = ((">", "above"), ("<", "below"))[sign < 0]
            sentence = f"the median must be {word} 0 mV: are the leads in order, and none inverted?"
            column = lead_feature("deflection_mv", lead)
            requirements.append(Requirement(column, "median", ((side, 0.0),), ENOUGH, sentence))
    return tuple(requirements)


def _add_texts(
    schema: Any, dataset: Dataset, expected: Expectations, always: Collection[str]
) -> None:
    from tensorflow_metadata.proto.v0 import schema_pb2

    labels = schema.feature.add(name="labels", type=schema_pb2.BYTES)
    labels.string_domain.value.extend(dataset.labels)
    labels.presence.min_fraction = float("labels" in always)
    labels.value_count.min = 1
    labels.value_count.max = expected.most_labels.get(dataset.label_set, len(dataset.labels))
    sex = schema.feature.add(name="sex", type=schema_pb2.BYTES)
    sex.string_domain.value.extend(SEXES)
    sex.presence.min_fraction = float("sex" in always)
    for feature in (labels, sex):
        for comparator in (feature.drift_comparator, feature.skew_comparator):
            comparator.infinity_norm.threshold = TOLERANCE


def _shares(dataset: Dataset, expected: Expectations) -> dict[str, float]:
    """The least share of records that have each feature, where that is known."""
    every = dataset.settings["unlabelled"] == "drop"
    seconds = dataset.num_samples / dataset.sampling_rate
    return {
        "labels": 1.0 if every else expected.labelled.get(dataset.label_set, SOME),
        "sex": expected.sexes_known,
        "age": expected.ages_known,
        "heart_rate": RHYTHMS_FOUND if seconds >= RHYTHM_SECONDS else 0.0,
    }


def compare_recorders(schema: Any) -> None:
    """Adds thresholds for what only another recorder changes, where the schema names none."""
    for feature in schema.feature:
        if feature.name in RECORDERS and not feature.HasField("skew_comparator"):
            _compare_distributions(feature)
            # in serving it is to be there, too
            del feature.not_in_environment[:]


def _compare_distributions(feature: Any) -> None:
    from tensorflow_metadata.proto.v0 import schema_pb2

    for comparator in (feature.drift_comparator, feature.skew_comparator):
        divergence = comparator.jensen_shannon_divergence
        divergence.threshold = TOLERANCE
        # buckets of equal numbers of values: an outlier would squeeze all others into one bucket
        divergence.source.type = schema_pb2.HistogramSelection.QUANTILES


def _share(feature: str, share: float) -> Requirement:
    """That a share of the records have a feature, where not just a few lack it."""
    sentence = (
        f"{'some' if share < 0.01 else f'{100 * share:g} %'} of the records must have one: "
        + ("is the sampling rate right?" if feature == "heart_rate" else "is its column there?")
    )
    return Requirement(feature, "share", ((">=", share),), FEW, sentence)
