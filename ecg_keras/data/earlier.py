"""Datasets of earlier versions, which went by times of change: accepted where the content agrees.

Those times differ in every copy of a database. A dataset that was made by them is accepted where
the raw files still have them, or else where they demonstrably are what its shards hold. The answer
is kept beside the shards, for the content of the raw files.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecg_keras.config import Data, data_changes
from ecg_keras.data.conversion import Converted, convert
from ecg_keras.data.dataset import Dataset
from ecg_keras.data.fingerprints import combine, earlier_digests
from ecg_keras.data.splits import assign_splits
from ecg_keras.data.verification import Verified, verify_source
from ecg_keras.errors import DataError
from ecg_keras.files import as_object, as_text, read_json, write_json
from ecg_keras.records import RecordInfo
from ecg_keras.sources import check_label_set, source_of

KEPT = "accepted.json"
# recordings that are converted again, evenly spread: all of a small database
SAMPLE = 1000
# of a signal that another version resampled, as a share of its size
ALIKE = 0.02

_log = logging.getLogger(__name__)


# patient, labels, age and sex of a record; those of a split by record id, in the order of shards
Row = tuple[str, frozenset[str], float | None, str | None]
Rows = Mapping[str, Row]


class _Judged(NamedTuple):
    """What was found of raw files, and how."""

    accepted: bool
    how: str


def is_accepted(folder: Path, made: Dataset, data: Data, digest: str) -> bool:
    """Whether raw files are what a dataset of an earlier version was made of.

    Args:
        folder: of its shards; what is found is kept there.
        made: its ``dataset.json``, of the same settings.
        data: the settings.
        digest: of the raw files, `digest_of`.

    Raises:
        DataError: a table of the raw files or a shard can't be read.
    """
    known = _read(folder / KEPT)
    if digest not in known:
        known[digest] = _judge(folder, made, data)
        with suppress(OSError):  # where nothing can be kept it is judged again next time
            write_json(folder / KEPT, {name: one._asdict() for name, one in known.items()})
        _log.warning("%s: %s.", folder, known[digest].how)
    return known[digest].accepted


def has_same_times(made: Dataset, data: Data) -> bool:
    """Whether raw files have the times of change that a dataset of an earlier version went by.

    Args:
        made: its ``dataset.json``; the shards may be gone.
        data: the settings.

    Raises:
        DataError: there are no raw files, or a table that names them can't be read.
    """
    if made.raw_by != "times" or data_changes(made.settings, data):
        return False
    read, everything = earlier_digests(data)
    return made.raw_digest in (read, everything) or made.fingerprint == combine(data, read)


def _read(path: Path) -> dict[str, _Judged]:
    with suppress(DataError):  # missing or damaged: it is judged again
        return read_json(path, "accepted raw files", _parse)
    return {}


def _parse(kept: dict[str, Any]) -> dict[str, _Judged]:
    return {
        digest: _Judged(as_object(one)["accepted"] is True, as_text(one["how"]))
        for digest, one in kept.items()
    }


def _judge(folder: Path, made: Dataset, data: Data) -> _Judged:
    by = "made by an earlier version, which went by times of change"
    if has_same_times(made, data):
        return _Judged(True, f"{by}; accepted, as its raw files still have theirs")
    stored = {split: _read_rows(folder, made, split) for split in made.splits}
    records = sum(map(len, stored.values()))
    step = math.ceil(records / SAMPLE)
    compared = sum(math.ceil(len(rows) / step) for rows in stored.values())
    found = _find_difference(folder, made, data, stored, step)
    if found is not None:
        return _Judged(False, f"{by}, and not of these raw files: {found}")
    return _Judged(
        True,
        f"{by}; accepted, as the tables list the same {records} records, patients, labels and "
        f"splits, and {compared} of the recordings, converted again, are the same",
    )


def _read_rows(folder: Path, made: Dataset, split: str) -> Rows:
    if not made.splits[split].shards:
        return {}
    from ecg_keras.data.reading import batches  # imports TensorFlow

    names = np.array(made.labels)
    wanted = ("record_id", "patient_id", "target", "age", "sex")
    return {
        record_id.decode(): _row(
            patient.decode(), names[target == 1].tolist(), None if math.isnan(age) else age, sex
        )
        for one in batches(folder, made, split, wanted)
        for record_id, patient, target, age, sex in zip(*map(one.get, wanted), strict=True)
    }


def _row(patient: str, labels: Iterable[str], age: float | None, sex: bytes | str | None) -> Row:
    """What tables say of a record, as a shard can hold it."""
    sex = sex.decode() if isinstance(sex, bytes) else sex
    return patient, frozenset(labels), None if age is None else float(np.float32(age)), sex or None


def _find_difference(
    folder: Path, made: Dataset, data: Data, stored: Mapping[str, Rows], step: int
) -> str | None:
    """The first thing in which raw files are others than those that a dataset was made of."""
    source = source_of(data)
    labels = check_label_set(source, data.label_set)
    listed = source.list_records(
        data.raw,
        label_set=data.label_set or next(iter(source.LABEL_SETS)),
        sampling_rate=data.sampling_rate,
    )
    infos = {info.record_id: info for info in listed}
    lost = {one.record_id for one in (*made.dropped, *made.quarantined)}
    if infos.keys() != lost.union(*stored.values()):
        return "the tables list other records"
    for name, row in chain.from_iterable(rows.items() for rows in stored.values()):
        info = infos[name]
        if _row(info.patient_id, info.labels, info.age, info.sex) != row:
            return f"the tables say something else of record {name}"
    kept = [info for info in listed if info.labels or data.unlabelled == "keep"]
    assigned = assign_splits(kept, labels, data.split, official=source.OFFICIAL_FOLDS)
    verified = verify_source(source, kept, data, lambda message: None)
    for split, rows in stored.items():
        if moved := [name for name in rows if assigned.get(name) != split]:
            return f"record {moved[0]} is in another split"
        sample = [infos[name] for name in rows][::step]
        if changed := _find_changed(folder, split, sample, data, verified):
            return f"recording {changed} is another"
    return None


def _find_changed(
    folder: Path, split: str, sample: Sequence[RecordInfo], data: Data, verified: Verified
) -> str | None:
    """The first record whose signal is not what is stored of it."""
    if not sample:
        return None
    from ecg_keras.data.reading import read_shards  # imports TensorFlow

    stored = read_shards(folder, split, [info.record_id for info in sample])
    for outcome, one in zip(convert(sample, data, verified), stored, strict=True):
        if not isinstance(outcome, Converted):
            return one.record_id
        missed = outcome.samples * np.float32(outcome.scale) - one.signal
        if np.linalg.norm(missed) > ALIKE * np.linalg.norm(one.signal):
            return one.record_id
    return None
