"""Shards read one after another, in the order of the files: records, people and labels."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_keras.array_files import read_arrays
from ecg_keras.array_types import BoolArray, Float32Array, TextArray
from ecg_keras.data.dataset import Dataset, check_split, describe
from ecg_keras.data.examples import EVERYTHING, decode
from ecg_keras.data.identities import Identities, nobody, population, stack
from ecg_keras.data.splits import first_records, nested_subset
from ecg_keras.data.tfrecords import count_records
from ecg_keras.data.tracing import as_written
from ecg_keras.errors import DataError, listed, look_up
from ecg_keras.signals import SIGNATURE_SIZE

# records that are parsed at once
PARSED = 256
TEXTS = ("record_id", "patient_id", "sex")

# of the training records: a stratified random one, or the first by their ids
Subset = Literal["nested", "first"]


@dataclass(frozen=True, eq=False)
class StoredRecord:
    """One record of a shard.

    Attributes:
        record_id, patient_id: as the source names them.
        signal: float32 ``(num_samples, num_leads)`` in millivolts.
        target: uint8 ``(num_labels,)``, 1 where the label is present.
        labels: names of the present labels.
        age: in years, ``None`` where unknown.
        sex: ``"female"``, ``"male"`` or ``None``.
    """

    record_id: str
    patient_id: str
    signal: Float32Array
    target: npt.NDArray[np.uint8]
    labels: tuple[str, ...]
    age: float | None
    sex: str | None


def read_shards(
    folder: str | Path, split: str, record_ids: Sequence[str] | None = None
) -> Iterator[StoredRecord]:
    """The records of a split one by one, in the order of the files.

    Args:
        folder: of the shards.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        record_ids: those wanted; none reads all.

    Yields:
        A `StoredRecord` for each.

    Raises:
        DataError: the folder is no finished dataset, has no such split or record, or a shard is
            damaged.

    Example:
        >>> next(read_shards("shards/ptbxl", "test")).signal.shape
        (1000, 12)
    """
    dataset = describe(folder)
    check_split(folder, dataset, split)
    missing = set(record_ids or ())
    names = np.array(dataset.labels)
    for one in batches(folder, dataset, split):
        for row, record_id in enumerate(one["record_id"].tolist()):
            if record_ids is not None and record_id not in missing:
                continue
            missing.discard(record_id)
            target = one["target"][row].astype(np.uint8)
            age, sex = float(one["age"][row]), str(one["sex"][row])
            yield StoredRecord(
                record_id=record_id,
                patient_id=str(one["patient_id"][row]),
                signal=one["samples"][row] * one["scale"][row],
                target=target,
                labels=tuple(names[target == 1].tolist()),
                age=None if math.isnan(age) else age,
                sex=sex or None,
            )
        if record_ids is not None and not missing:
            return
    if missing:
        raise DataError(
            f"{folder}: the {split} split has no record {', '.join(sorted(missing)[:5])}. Look in "
            "the other splits, and in what dataset.json lists as dropped or quarantined."
        )


def read_people(folder: str | Path, split: str) -> dict[str, tuple[float | None, str | None]]:
    """Age in years and sex of each record of a split, ``None`` where unknown; signals stay closed.

    Raises:
        DataError: as of `read_shards`.

    Example:
        >>> read_people("shards/ptbxl", "test")["9"]
        (55.0, 'male')
    """
    dataset = describe(folder)
    check_split(folder, dataset, split)
    return {
        record_id: (None if math.isnan(age) else float(age), sex or None)
        for one in batches(folder, dataset, split, ("record_id", "age", "sex"))
        for record_id, age, sex in zip(
            one["record_id"].tolist(),
            one["age"].tolist(),
            one["sex"].tolist(),
            strict=True,
        )
    }


def training_subset(
    folder: str | Path,
    dataset: Dataset,
    train_records: int | None,
    seed: int,
    subset: Subset = "nested",
    left_out: Collection[str] = (),
) -> tuple[str, ...] | None:
    """The ids of the records that are trained on, ``None`` where all are.

    ``left_out`` are ids that are not trained on, whatever the subset.
    """
    look_up("subset", subset, dict.fromkeys(get_args(Subset)))
    stored = dataset.splits["train"].records
    if not left_out and (train_records is None or train_records >= stored):
        return None
    labels = remaining_records(folder, dataset, "train", left_out)
    if train_records is None:
        return tuple(labels)
    if subset == "first":
        return first_records(labels, train_records)
    return nested_subset(labels, train_records, seed)


def remaining_records(
    folder: str | Path, dataset: Dataset, split: str, left_out: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The labels of each record of a split that is not left out, by its id."""
    names, without = np.array(dataset.labels), set(left_out)
    members, present = _read_members(folder, dataset, split, labelled=True)
    return {
        record_id: tuple(names[row].tolist())
        for record_id, row in zip(members.record_ids.tolist(), present, strict=True)
        if record_id not in without
    }


def read_identities(folder: str | Path, split: str) -> Identities:
    """Who is in a split of a dataset; nobody where it is empty.

    Its shards are read once: a small file beside them keeps who is in them.
    """
    dataset = describe(folder)
    if not dataset.splits[split].shards:
        return nobody()
    return _read_members(folder, dataset, split)[0]


def _read_members(
    folder: str | Path, dataset: Dataset, split: str, *, labelled: bool = False
) -> tuple[Identities, BoolArray]:
    """Who is in a split; where that is asked, with the labels of each, ``(records, labels)``."""
    checksums = dataset.splits[split].checksums
    digest = hashlib.sha256("".join(checksums.values()).encode()).hexdigest()
    kept = Path(folder) / f".identities-{split}-{digest[:16]}.npz"
    if checksums and kept.is_file():
        with suppress(DataError):  # a damaged one is made again
            known = Identities.load(kept)
            present = _load_targets(kept, dataset, len(known) if labelled else 0)
            if len(known) == dataset.splits[split].records:
                return _as_met_in(known, folder, dataset, split), present
    found, present = _find_members(folder, dataset, split)
    found = _as_met_in(found, folder, dataset, split)
    if checksums:
        with suppress(OSError):  # a folder that can't be written to
            found.save(kept, targets=np.packbits(present, axis=1))
    return found, present


def _load_targets(kept: Path, dataset: Dataset, records: int) -> BoolArray:
    """The kept labels of that many records; a `DataError` where earlier versions kept none."""
    count = len(dataset.labels)
    if not records:
        return np.empty((0, count), np.bool_)
    packed = read_arrays(kept, ["targets"], "targets").get("targets", np.empty(0))
    if packed.dtype != np.uint8 or packed.shape != (records, math.ceil(count / 8)):
        raise DataError(f"{kept}: holds no targets of {records} records.")
    return np.unpackbits(packed, axis=1, count=count).astype(np.bool_)


def _as_met_in(found: Identities, folder: str | Path, dataset: Dataset, split: str) -> Identities:
    """These records with the names that folder and database have now."""
    populations = np.full(len(found), population(dataset))
    rules = np.full(len(found), dataset.signatures, np.int64)
    found = replace(found, populations=populations, rules=rules)
    return found.met_in(Path(folder).name, split)


def _find_members(folder: str | Path, dataset: Dataset, split: str) -> tuple[Identities, BoolArray]:
    found: dict[str, list[Any]] = {"record_id": [], "patient_id": [], "content": []}
    present = [np.empty((0, len(dataset.labels)), np.bool_)]
    for one in batches(folder, dataset, split, [*found, "target"]):
        present.append(one.pop("target") == 1)
        for name, values in one.items():
            found[name] += values.tolist()
    if any(len(signature) != SIGNATURE_SIZE for signature in found["content"]):
        raise DataError(
            f"{folder}: a shard of the {split} split holds signatures of another length. Delete "
            "the folder and prepare it again."
        )
    ids, patients = (np.array(found[name], np.str_) for name in ("record_id", "patient_id"))
    content, rules = stack(found["content"]), np.zeros(len(ids), np.int64)
    members = Identities(ids, ids, ids, ids, patients, content, rules)
    return members, np.concatenate(present)


def batches(
    folder: str | Path, dataset: Dataset, split: str, wanted: Sequence[str] = EVERYTHING
) -> Iterator[dict[str, Any]]:
    """`decode` of a split as NumPy arrays, 256 records at a time; ids and sexes are strings."""
    stream = serialized(folder, dataset, split).batch(PARSED)
    with whole_shards(folder, split):
        for one in stream.map(
            as_written(lambda one: decode(one, dataset, wanted)),
            num_parallel_calls=tf.data.AUTOTUNE,
        ).as_numpy_iterator():
            yield one | {name: decode_texts(one[name]) for name in TEXTS if name in one}


# for each of a split's batches np.isin would sort all the ids that are wanted again
def are_in(wanted: Set[str], ids: TextArray) -> npt.NDArray[np.bool_]:
    """Of each id whether it is wanted."""
    return np.fromiter((one in wanted for one in ids.tolist()), bool, len(ids))


def decode_texts(encoded: npt.NDArray[np.object_]) -> TextArray:
    """Texts that TensorFlow gives as bytes, in UTF-8; NumPy's own conversion takes ASCII alone."""
    return np.array([one.decode() for one in encoded], np.str_)


def check_counts(folder: str | Path, dataset: Dataset, split: str) -> int:
    """How many records a split has; a `DataError` where its shards hold another number."""
    folder, summary = Path(folder), dataset.splits[split]
    found = {name: count_records(folder / name) for name in summary.shards}
    if sum(found.values()) != summary.records:
        counts = listed([f"{name} {count}" for name, count in found.items()])
        raise DataError(
            f"{folder / 'dataset.json'}: promises {summary.records} records of the {split} split, "
            f"and its shards hold {sum(found.values())} ({counts}). Delete the folder and run "
            "`ecg-keras prepare` again, or copy it again from where it was complete."
        )
    return summary.records


@contextmanager
def whole_shards(folder: str | Path, split: str) -> Iterator[None]:
    """Turns what TensorFlow finds wrong in a shard into a `DataError` that names the split."""
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        reason = error.message.rpartition("}} ")[2].partition(" [Op:")[0]
        raise DataError(
            f"{folder}: a shard of the {split} split is damaged ({reason}). Delete the "
            "folder and prepare it again."
        ) from error


def serialized(folder: str | Path, dataset: Dataset, split: str) -> tf.data.Dataset[Any]:
    """The serialised records of a split in the order of the files."""
    return tf.data.TFRecordDataset(
        [str(Path(folder) / name) for name in dataset.splits[split].shards]
    )
