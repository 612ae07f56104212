"""The features of a shard that are profiled, and how they become columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.data import FIGURES, Dataset
from ecg_keras.signals import LEAD_MEASURES

TEXTS = ("labels", "sex")
NUMBERS = ("age", *FIGURES)
INTEGERS = ("flat_leads", "fold")
# lists with one value for each lead; every lead becomes a column of its own
PER_LEAD = ("deflection_mv", *LEAD_MEASURES)
PROFILED = (*TEXTS, *NUMBERS, *INTEGERS, *PER_LEAD)
# the samples, of which the figures above are, and names
NOT_PROFILED = ("signal", "scale", "target", "record_id", "patient_id", "content")

# the values of some hundred records, one after the other, and how many each record has
Column = tuple[AnyArray, AnyArray]


def lead_feature(feature: str, lead: str) -> str:
    """The column of one lead, such as ``deflection_mv V6``."""
    return f"{feature} {lead}"


def feature_of(column: str) -> str:
    """The feature that a column is of.

    Example:
        >>> feature_of("deflection_mv V6"), feature_of("age")
        ('deflection_mv', 'age')
    """
    return column.partition(" ")[0]


def read_columns(
    folder: Path, dataset: Dataset, split: str, names: Sequence[str] = PROFILED
) -> Iterator[dict[str, Column]]:
    """Features of some hundred records at a time, of which a record may lack any."""
    import tensorflow as tf

    from ecg_keras.data import PARSED, as_written, serialized, whole_shards

    kinds = dict.fromkeys(names, tf.string)
    kinds |= {name: tf.float32 for name in names if name in (*NUMBERS, *PER_LEAD)}
    kinds |= {name: tf.int64 for name in names if name in INTEGERS}
    features = {name: tf.io.RaggedFeature(kind) for name, kind in kinds.items()}

    @as_written
    def parse(batch: Any) -> Any:
        parsed = tf.io.parse_example(batch, features)
        return {name: (rows.values, rows.row_lengths()) for name, rows in parsed.items()}

    stream = serialized(folder, dataset, split).batch(PARSED).map(parse)
    with whole_shards(folder, split):
        for batch in stream.as_numpy_iterator():
            columns: dict[str, Column] = {}
            for name, (values, lengths) in batch.items():
                if name in PER_LEAD:
                    table = values.reshape(-1, len(dataset.leads))
                    for index, lead in enumerate(dataset.leads):
                        columns[lead_feature(name, lead)] = table[:, index], lengths
                else:
                    columns[name] = values, lengths
            yield columns


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


def arrange(batch: Any, leads: Sequence[str]) -> Any:
    """An Arrow record batch of stored features as the columns that are profiled.

    A record without any label has no value for it: TensorFlow Data Validation counts an empty list
    as a value.
    """
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


def arrange_figures(figures: Mapping[str, AnyArray], leads: Sequence[str]) -> Any:
    """An Arrow record batch of ``(records,)`` and ``(records, leads)`` figures, NaN if unknown."""
    import pyarrow as pa

    columns: dict[str, AnyArray] = {}
    for name, values in figures.items():
        if name in PER_LEAD:
            columns |= {lead_feature(name, lead): values[:, at] for at, lead in enumerate(leads)}
        else:
            columns[name] = values
    arrays = []
    for values in columns.values():
        there = ~np.isnan(values)
        offsets = np.concatenate([[0], np.cumsum(there)])
        arrays.append(_lists(offsets, there, pa.array(values[there].astype(np.float32))))
    return pa.RecordBatch.from_arrays(arrays, list(columns))


def _lists(offsets: AnyArray, there: AnyArray, values: Any) -> Any:
    """A column of lists, null where a record has none."""
    import pyarrow as pa

    begins = pa.array(offsets.astype(np.int64), mask=np.append(~there, False))
    return pa.LargeListArray.from_arrays(begins, values)
