"""Statistics of a split, from a stream of its records: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_keras.data import Dataset
from ecg_keras.errors import DataError
from ecg_keras.validation.features import arrange, stored_features
from ecg_keras.validation.library import load_tfdv, read_message, write_message

# records whose columns are counted at once: a few megabytes
COUNTED = 4096
FOLDER = "statistics"

OnProgress = Callable[[int, int], None]


def quietly(done: int, total: int) -> None:
    """Tells nobody."""


def make_options() -> Any:
    """What is counted: every label, and enough points to draw a distribution and compare it."""
    tfdv = load_tfdv()
    return tfdv.StatsOptions(
        num_top_values=100,
        num_rank_histogram_buckets=100,
        num_histogram_buckets=16,  # of equal width: most of the time goes into these
        num_quantiles_histogram_buckets=20,
        use_sketch_based_topk_uniques=True,
    )


def kept_path(folder: Path, split: str) -> Path:
    """Where the statistics of a split are kept."""
    return folder / FOLDER / f"{split}.pbtxt"


def split_statistics(
    folder: Path,
    dataset: Dataset,
    splits: Sequence[str],
    *,
    keep: bool,
    on_progress: OnProgress = quietly,
) -> Mapping[str, Any]:
    """The statistics of splits: those that are kept, or counted now.

    Args:
        folder: of the shards.
        dataset: what is in them.
        splits: names; those without records are left out.
        keep: writes what was counted beside the shards, to be used again.
        on_progress: called with the records that were counted, and how many are to be.

    Raises:
        DataError: a shard is damaged, or the statistics can't be kept.
    """
    from tensorflow_metadata.proto.v0 import statistics_pb2

    found = {}
    for split in splits:
        if not dataset.splits[split].records:  # a recipe may do without a validation split
            continue
        path = kept_path(folder, split)
        if path.is_file():
            message = statistics_pb2.DatasetFeatureStatisticsList()
            found[split] = read_message(path, message)
            continue
        found[split] = count_splits(folder, dataset, [split], on_progress)
        if keep:
            write_message(path, found[split])
    return found


def count_splits(
    folder: Path, dataset: Dataset, splits: Sequence[str], on_progress: OnProgress = quietly
) -> Any:
    """The statistics of all records of some splits together."""
    from tensorflow_data_validation.statistics import stats_impl

    generators = stats_impl.get_generators(make_options(), in_memory=True)
    partial = [one.create_accumulator() for one in generators]
    total, done = sum(dataset.splits[split].records for split in splits), 0
    for batch in _batches(folder, dataset, splits):
        partial = [
            generator.add_input(accumulator, batch)
            for generator, accumulator in zip(generators, partial, strict=True)
        ]
        done += batch.num_rows
        on_progress(done, total)
    return stats_impl.extract_statistics_output(partial, generators)


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
