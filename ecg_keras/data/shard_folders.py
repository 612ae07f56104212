"""Which folder of shards holds the dataset of a recipe, whatever version of the package made it."""

from __future__ import annotations

import glob
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecg_keras.config import Data, data_changes, data_mark, fingerprint
from ecg_keras.data.conversion import Converted, convert
from ecg_keras.data.dataset import FORMAT, Dataset, read_dataset
from ecg_keras.data.listing import list_database
from ecg_keras.data.raw_files import digest_of, earlier_digests
from ecg_keras.data.source_check import Verified, verify_source
from ecg_keras.errors import DataError
from ecg_keras.json_files import as_object, as_text, read_json, write_json
from ecg_keras.records import RecordInfo

# earlier versions went by times of change, which differ in every copy of a database: a dataset of
# theirs is accepted where the raw files still have those times, or are what its shards hold
KEPT = "accepted.json"
# recordings that are converted again, evenly spread: all of a small database
SAMPLE = 1000
# of a signal that another version resampled, as a share of its size
_ALIKE = 0.02
_EARLIER = "made by an earlier version, which went by times of change"

_log = logging.getLogger(__name__)

# patient, labels, age and sex of a record; those of a split by record id, in the order of shards
Row = tuple[str, frozenset[str], float | None, str | None]
Rows = Mapping[str, Row]


class _Judged(NamedTuple):
    """What was found of raw files, and how."""

    accepted: bool
    how: str


def find_shards(data: Data) -> tuple[Path, str]:
    """The folder and the fingerprint (64 hex digits) of a recipe's dataset, made or not.

    It is ``data.shards/SOURCE-LABELSET-FINGERPRINT``. Where that is not there and an earlier
    version made this dataset, it is that one, under its own fingerprint, so that the runs that were
    trained on it stay valid.

    Raises:
        DataError: there are no raw files, or a table that names them can't be read.

    Example:
        >>> folder, fingerprint = find_shards(data)
        >>> folder.name.endswith(fingerprint[:12])
        True
    """
    digest = digest_of(data)
    mark = combine(data, digest)
    # a colon, as of module:object, is not allowed in names of files everywhere
    source = data.source.rpartition(".")[2].replace(":", "-")
    stem = f"{source}-{data.label_set or 'default'}-"
    usual = data.shards / f"{stem}{mark[:12]}"
    if (usual / "dataset.json").is_file():
        return usual, mark
    for path in sorted(data.shards.glob(f"{glob.escape(stem)}*/dataset.json")):
        with suppress(DataError):  # a damaged dataset is not ours
            made = read_dataset(path)
            if is_made_of(path.parent, made, data, digest):
                return path.parent, made.fingerprint
    return usual, mark


def dataset_fingerprint(data: Data) -> str:
    """The fingerprint, 64 hex digits, that the dataset of these settings and raw files has or will
    have.

    Raises:
        DataError: as `find_shards`.

    Example:
        >>> dataset_fingerprint(data) == describe(data.shards / "ptbxl-default").fingerprint
        True
    """
    return find_shards(data)[1]


def combine(data: Data, digest: str) -> str:
    """The fingerprint of a dataset whose raw files have the digest of `digest_of`."""
    return fingerprint({"settings": data_mark(data), "raw": digest, "format": FORMAT})


def is_made_of(folder: Path, made: Dataset, data: Data, digest: str) -> bool:
    """Whether a finished dataset is the one that these settings and raw files make.

    ``digest`` is that of the raw files, `digest_of`.
    """
    if made.fingerprint == combine(data, digest):
        return True
    return (
        made.raw_by == "times"
        and not data_changes(made.settings, data)
        and _is_accepted(folder, made, data, digest)
    )


def has_same_times(made: Dataset, data: Data) -> bool:
    """Whether raw files have the times of change that a dataset of an earlier version went by.

    Its shards may be gone.
    """
    if made.raw_by != "times" or data_changes(made.settings, data):
        return False
    read, everything = earlier_digests(data)
    return made.raw_digest in (read, everything) or made.fingerprint == combine(data, read)


def _is_accepted(folder: Path, made: Dataset, data: Data, digest: str) -> bool:
    """Whether raw files are what a dataset of an earlier version, of these settings, is made of."""
    judged: dict[str, _Judged] = {}
    with suppress(DataError):  # missing or damaged: it is judged again
        judged = read_json(folder / KEPT, "accepted raw files", _parse)
    if digest not in judged:
        judged[digest] = _judge(folder, made, data)
        with suppress(OSError):  # where nothing can be kept it is judged again next time
            write_json(folder / KEPT, {name: one._asdict() for name, one in judged.items()})
        _log.warning("%s: %s.", folder, judged[digest].how)
    return judged[digest].accepted


def _parse(kept: dict[str, Any]) -> dict[str, _Judged]:
    return {
        digest: _Judged(as_object(one)["accepted"] is True, as_text(one["how"]))
        for digest, one in kept.items()
    }


def _judge(folder: Path, made: Dataset, data: Data) -> _Judged:
    if has_same_times(made, data):
        return _Judged(True, f"{_EARLIER}; accepted, as its raw files still have theirs")
    stored = {split: _read_rows(folder, made, split) for split in made.splits}
    records = sum(map(len, stored.values()))
    step = math.ceil(records / SAMPLE)
    compared = sum(math.ceil(len(rows) / step) for rows in stored.values())
    difference = _find_difference(folder, made, data, stored, step)
    if difference is not None:
        return _Judged(False, f"{_EARLIER}, and not of these raw files: {difference}")
    return _Judged(
        True,
        f"{_EARLIER}; accepted, as the tables list the same {records} records, patients, labels "
        f"and splits, and {compared} of the recordings, converted again, are the same",
    )


def _read_rows(folder: Path, made: Dataset, split: str) -> Rows:
    if not made.splits[split].shards:
        return {}
    from ecg_keras.data.reading import batches  # imports TensorFlow

    names = np.array(made.labels)
    wanted = ("record_id", "patient_id", "target", "age", "sex")
    return {
        str(record_id): _row(
            str(patient), names[target == 1].tolist(), None if math.isnan(age) else age, str(sex)
        )
        for one in batches(folder, made, split, wanted)
        for record_id, patient, target, age, sex in zip(*map(one.__getitem__, wanted), strict=True)
    }


def _row(patient: str, labels: Iterable[str], age: float | None, sex: str | None) -> Row:
    """What tables say of a record, as a shard can hold it."""
    return patient, frozenset(labels), None if age is None else float(np.float32(age)), sex or None


def _find_difference(
    folder: Path, made: Dataset, data: Data, stored: Mapping[str, Rows], step: int
) -> str | None:
    """The first thing in which raw files are others than those that a dataset was made of."""
    listing = list_database(data)
    infos = {info.record_id: info for info in listing.records}
    lost = {one.record_id for one in (*made.dropped, *made.quarantined)}
    if infos.keys() != lost.union(*stored.values()):
        return "the tables list other records"
    for name, row in chain.from_iterable(rows.items() for rows in stored.values()):
        info = infos[name]
        if _row(info.patient_id, info.labels, info.age, info.sex) != row:
            return f"the tables say something else of record {name}"
    assigned = listing.assign_splits()
    verified = verify_source(listing.source, listing.kept, data, lambda message: None)
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
        if np.linalg.norm(missed) > _ALIKE * np.linalg.norm(one.signal):
            return one.record_id
    return None
