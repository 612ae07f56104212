"""The statistics of a dataset as an Apache Beam pipeline, for any of its runners."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from ecg_keras.data import PARSED, Dataset, describe_beam_failure, parse_beam_options, writing_to
from ecg_keras.errors import DataError
from ecg_keras.validation.features import arrange, stored_features
from ecg_keras.validation.library import load_tfdv, write_message
from ecg_keras.validation.statistics import FOLDER, kept_path, make_options


def count_with_beam(folder: Path, dataset: Dataset, arguments: Sequence[str]) -> None:
    """Counts every split that has records and is not counted yet, and keeps its statistics.

    The workers read the shards where they lie and write one small file for each split beside them,
    so the folder must be at the same place for all of them.

    Args:
        folder: of the shards.
        dataset: what is in them.
        arguments: Beam's pipeline options, such as ``--runner=FlinkRunner``.

    Raises:
        ConfigError: an argument is no option of Beam's.
        DataError: the pipeline failed.
    """
    missing = [
        split
        for split, summary in dataset.splits.items()
        if summary.records and not kept_path(folder, split).is_file()
    ]
    if not missing:
        return
    scratch = folder / FOLDER / f".{uuid4().hex}"
    with writing_to(folder):
        scratch.mkdir(parents=True)
    try:
        _run(folder, dataset, missing, scratch, arguments)
        for split in missing:
            write_message(kept_path(folder, split), _read(scratch / split))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _read(path: Path) -> Any:
    """The one record of a file."""
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import statistics_pb2

    (record,) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(record)


def _run(
    folder: Path, dataset: Dataset, splits: Sequence[str], scratch: Path, arguments: Sequence[str]
) -> None:
    """One branch for each split: read, arrange, count, write."""
    tfdv = load_tfdv()
    import apache_beam as beam
    import pyarrow as pa
    from tfx_bsl.tfxio.tf_example_record import TFExampleRecord

    options = parse_beam_options(arguments)
    tidy = partial(arrange, leads=dataset.leads)
    try:
        with beam.Pipeline(options=options) as pipeline:
            for split in splits:
                paths = [str(folder.resolve() / name) for name in dataset.splits[split].shards]
                source = TFExampleRecord(
                    paths, schema=stored_features(), telemetry_descriptors=["ecg_keras"]
                )
                _ = (
                    pipeline
                    | f"{split}: read" >> source.BeamSource(PARSED)
                    | f"{split}: arrange" >> beam.Map(tidy).with_output_types(pa.RecordBatch)
                    | f"{split}: count" >> tfdv.GenerateStatistics(make_options())
                    | f"{split}: write"
                    >> tfdv.WriteStatisticsToTFRecord(str(scratch.resolve() / split))
                )
    except Exception as error:  # each runner raises what it likes
        raise DataError(
            f"{folder}: the Beam pipeline failed: {describe_beam_failure(error)}. Compare the "
            "shards with their checksums: `ecg-keras describe --verify`."
        ) from error
