"""Conditions on the distribution of a feature, for TensorFlow Data Validation and without it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ecg_keras.validation.features import TEXTS

HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """What must hold of the values of a feature in a split, where enough records speak of it.

    Attributes:
        feature: the column.
        of: ``"median"`` of its values, or ``"share"`` of the records that have one.
        bounds: a comparison of `HOLDS` and the number it compares with; all must hold.
        records: fewer records with a value, or for a share fewer without one, prove nothing.
        sentence: what must hold, in words.
    """

    feature: str
    of: Literal["median", "share"]
    bounds: tuple[tuple[str, float], ...]
    records: int
    sentence: str

    def holds(self, present: int, missing: int, median: float) -> bool:
        """Whether a split meets it.

        Args:
            present, missing: records with and without a value.
            median: of the values.

        Example:
            >>> usual = Condition("heart_rate", "median", ((">=", 45.0),), 20, "at least 45")
            >>> usual.holds(100, 0, 30.0), usual.holds(10, 90, 30.0)
            (False, True)
        """
        if self.of == "median":
            found, counted = median, present
        else:
            found, counted = present / max(1, present + missing), missing
        enough = counted >= self.records
        return not enough or all(HOLDS[sign](found, value) for sign, value in self.bounds)


def as_checks(conditions: Iterable[Condition]) -> Any:
    """The conditions as TensorFlow Data Validation reads them from ``checks.pbtxt``."""
    from tensorflow_data_validation.anomalies.proto import custom_validation_config_pb2 as protos
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    checks = protos.CustomValidationConfig()
    for one in conditions:
        added = checks.feature_validations.add()
        added.feature_path.step.append(one.feature)
        added.validations.add(
            sql_expression=_as_sql(one),
            severity=anomalies_pb2.AnomalyInfo.ERROR,
            description=one.sentence,
        )
    return checks


def _as_sql(condition: Condition) -> str:
    kind = "string_stats" if condition.feature in TEXTS else "num_stats"
    present, missing = (
        f"feature.{kind}.common_stats.num_{one}" for one in ("non_missing", "missing")
    )
    if condition.of == "median":
        counted, found, scale = present, f"feature.{kind}.median", ""
    else:
        counted, found, scale = missing, present, f" * ({present} + {missing})"
    holds = " AND ".join(f"{found} {sign} {value}{scale}" for sign, value in condition.bounds)
    return f"({counted} < {condition.records}) OR ({holds})"
