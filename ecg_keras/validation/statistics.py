"""Statistics of a split, from a stream of its records: memory does not grow with their number.

They are counted here, one record after the other, or by an Apache Beam pipeline on any runner.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from ecg_keras.data import Dataset
from ecg_keras.errors import DataError
from ecg_keras.validation.columns import arrange, stored_features
from ecg_keras.validation.tfdv import keep_message, load_tfdv, read_message, write_message

# records whose columns are counted at once: a few megabytes
COUNTED = 4096
FOLDER = "statistics"

OnProgress = Callable[[int, int], None]


def ignore_progress(done: int, total: int) -> None:
    pass


def make_options() -> Any:
    """What is counted: every label, and enough points to draw a distribution and compare it."""
    return load_tfdv().StatsOptions(
        num_top_values=100,
        num_rank_histogram_buckets=100,
        num_histogram_buckets=16,  # of equal width: most of the time goes into these
        num_quantiles_histogram_buckets=20,
        use_sketch_based_topk_uniques=True,
    )


def split_statistics(
    folder: Path,
    dataset: Dataset,
    splits: Sequence[str],
    *,
    unkept: list[str] | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Mapping[str, Any]:
    """The statistics of the splits that have records: those that are kept, or counted now.

    With ``unkept``, what was counted is kept beside the shards, to be used again; it gets the names
    of files that can't be written.
    """
    found = {}
    for split in splits:
        if not dataset.splits[split].records:  # a recipe may omit the validation split
            continue
        found[split] = _read_kept(folder, dataset, split)
        if found[split] is None:
            found[split] = count_splits(folder, dataset, [split], on_progress)
            if unkept is not None:
                keep_message(_kept_path(folder, split), found[split], unkept)
    return found


def _read_kept(folder: Path, dataset: Dataset, split: str) -> Any:
    """The statistics that are kept of a split; ``None`` without any, or of another one's."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    path = _kept_path(folder, split)
    if not path.is_file():
        return None
    kept = read_message(path, statistics_pb2.DatasetFeatureStatisticsList())
    counts = [one.num_examples for one in kept.datasets]
    return kept if counts == [dataset.splits[split].records] else None


def count_splits(
    folder: Path,
    dataset: Dataset,
    splits: Sequence[str],
    on_progress: OnProgress = ignore_progress,
) -> Any:
    """The statistics of all records of some splits together."""
    total = sum(dataset.splits[split].records for split in splits)
    return count_batches(_batches(folder, dataset, splits), total, on_progress)


def count_batches(
    batches: Iterable[Any], total: int = 0, on_progress: OnProgress = ignore_progress
) -> Any:
    """The statistics of all rows of Arrow record batches together."""
    from tensorflow_data_validation.statistics import stats_impl

    generators = stats_impl.get_generators(make_options(), in_memory=True)
    counted = [one.create_accumulator() for one in generators]
    done = 0
    for batch in batches:
        counted = [
            generator.add_input(accumulator, batch)
            for generator, accumulator in zip(generators, counted, strict=True)
        ]
        done += batch.num_rows
        on_progress(done, total)
    return stats_impl.extract_statistics_output(counted, generators)


def _kept_path(folder: Path, split: str) -> Path:
    return folder / FOLDER / f"{split}.pbtxt"


def _batches(folder: Path, dataset: Dataset, splits: Sequence[str]) -> Iterator[Any]:
    """The profiled columns of `COUNTED` records at a time."""
    import pyarrow as pa
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    from ecg_keras.data import PARSED, serialized, whole_shards

    decoder = ExamplesToRecordBatchDecoder(stored_features().SerializeToString())
    for split in splits:
        gathered, records = [], 0
        with whole_shards(folder, split):
            for batch in serialized(folder, dataset, split).batch(PARSED).as_numpy_iterator():
                gathered.append(arrange(_decode(decoder, batch, folder, split), dataset.leads))
                records += len(batch)
                if records >= COUNTED:
                    yield pa.Table.from_batches(gathered).combine_chunks().to_batches()[0]
                    gathered, records = [], 0
        if gathered:
            yield pa.Table.from_batches(gathered).combine_chunks().to_batches()[0]


def _decode(decoder: Any, batch: Any, folder: Path, split: str) -> Any:
    try:
        return decoder.DecodeBatch(batch.tolist())
    except RuntimeError as error:
        raise DataError(
            f"{folder}: a shard of the {split} split holds what is no record of ecg_keras "
            f"({error}). Delete the folder and prepare it again."
        ) from error


def count_with_beam(folder: Path, dataset: Dataset, arguments: Sequence[str]) -> None:
    """Counts every split that is not counted yet, and keeps its statistics.

    The workers read the shards where they are and write one small file for each split beside them,
    so the folder must be at the same place for all of them.
    """
    missing = [
        split
        for split, summary in dataset.splits.items()
        if summary.records and _read_kept(folder, dataset, split) is None
    ]
    if not missing:
        return
    scratch = folder / FOLDER / f".{uuid4().hex}"
    try:
        scratch.mkdir(parents=True)
    except OSError as error:
        raise DataError(
            f"{folder}: can't be written: {error.strerror}. The workers of a pipeline write their "
            "statistics there: make that possible, or count without Beam."
        ) from error
    try:
        _run_pipeline(folder, dataset, missing, scratch, arguments)
        for split in missing:
            write_message(_kept_path(folder, split), _read_record(scratch / split))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _read_record(path: Path) -> Any:
    """The one record of a file."""
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import statistics_pb2

    (record,) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(record)


def _run_pipeline(
    folder: Path, dataset: Dataset, splits: Sequence[str], scratch: Path, arguments: Sequence[str]
) -> None:
    """One branch for each split: read, arrange, count, write."""
    tfdv = load_tfdv()
    import apache_beam as beam
    import pyarrow as pa
    from tfx_bsl.tfxio.tf_example_record import TFExampleRecord

    from ecg_keras.data import PARSED, describe_beam_failure, parse_beam_options

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
