"""The features of a shard that are profiled, and how they become columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ecg_keras.signals import LEAD_MEASURES

TEXTS = ("labels", "sex")
NUMBERS = (
    "age",
    "peak_mv",
    "rms_mv",
    "einthoven_mv",
    "heart_rate",
    "original_hz",
    "original_seconds",
)
INTEGERS = ("flat_leads", "fold")
# lists with one value for each lead; every lead becomes a column of its own
PER_LEAD = ("deflection_mv", *LEAD_MEASURES)
# the samples, told by the figures above, and names
NOT_PROFILED = ("signal", "scale", "target", "record_id", "patient_id", "content")


def lead_feature(feature: str, lead: str) -> str:
    """The column of one lead.

    Example:
        >>> lead_feature("deflection_mv", "V6")
        'deflection_mv V6'
    """
    return f"{feature} {lead}"


def feature_of(column: str) -> str:
    """The feature that a column is of.

    Example:
        >>> feature_of("deflection_mv V6"), feature_of("age")
        ('deflection_mv', 'age')
    """
    return column.partition(" ")[0]


def list_columns(leads: Sequence[str]) -> tuple[str, ...]:
    """All that is profiled of a dataset with these leads."""
    by_lead = (lead_feature(name, lead) for name in PER_LEAD for lead in leads)
    return (*TEXTS, *NUMBERS, *INTEGERS, *by_lead)


def stored_features() -> Any:
    """A schema that names what is read from a shard, with its type, and nothing more."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    schema = schema_pb2.Schema()
    kinds = {
        schema_pb2.BYTES: TEXTS,
        schema_pb2.FLOAT: (*NUMBERS, *PER_LEAD),
        schema_pb2.INT: INTEGERS,
    }
    for kind, names in kinds.items():
        for name in names:
            schema.feature.add(name=name, type=kind)
    return schema


def parse_as(names: Iterable[str]) -> dict[str, Any]:
    """How `tf.io.parse_example` reads profiled features, of which a record may lack any."""
    import tensorflow as tf

    kinds = {
        **dict.fromkeys(TEXTS, tf.string),
        **dict.fromkeys((*NUMBERS, *PER_LEAD), tf.float32),
        **dict.fromkeys(INTEGERS, tf.int64),
    }
    return {name: tf.io.RaggedFeature(kinds[name]) for name in names}


def arrange(batch: Any, leads: Sequence[str]) -> Any:
    """An Arrow record batch of stored features as the columns that are profiled.

    A record without any label has no value for it: TensorFlow Data Validation counts an empty list
    as a value.

    Args:
        batch: columns of lists, one list a record, null where the feature is missing.
        leads: of the dataset.
    """
    import numpy as np
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name in (*TEXTS, *NUMBERS, *INTEGERS):
        columns[name] = batch.column(batch.schema.get_field_index(name))
    labels = columns["labels"]
    some = np.asarray(labels.value_lengths().fill_null(0)) > 0
    columns["labels"] = _lists(np.asarray(labels.offsets), some, labels.values)
    for name in PER_LEAD:
        values = batch.column(batch.schema.get_field_index(name))
        there = np.asarray(values.is_valid())
        table = np.asarray(values.flatten()).reshape(-1, len(leads))
        offsets = np.concatenate([[0], np.cumsum(there)])
        for index, lead in enumerate(leads):
            column = pa.array(np.ascontiguousarray(table[:, index]))
            columns[lead_feature(name, lead)] = _lists(offsets, there, column)
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _lists(offsets: Any, there: Any, values: Any) -> Any:
    """A column of lists, null where a record has none."""
    import numpy as np
    import pyarrow as pa

    begins = pa.array(offsets.astype(np.int64), mask=np.append(~there, False))
    return pa.LargeListArray.from_arrays(begins, values)
