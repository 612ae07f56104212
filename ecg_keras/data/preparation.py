"""A database on disk to a folder of shards: resumable, verifiable, the same bytes every time."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import filelock
from threadpoolctl import threadpool_limits

from ecg_keras.config import Data, data_changes
from ecg_keras.data.dataset import Dataset, describe
from ecg_keras.data.gathered_shards import gather
from ecg_keras.data.identities import describe_duplicates
from ecg_keras.data.label_counts import describe_scarce
from ecg_keras.data.listing import Listing, list_database
from ecg_keras.data.processes import get_ready
from ecg_keras.data.raw_files import digest_of, listing_digest
from ecg_keras.data.settings import stored_leads, stored_length
from ecg_keras.data.shard_folders import combine, is_made_of
from ecg_keras.data.source_check import verify_source
from ecg_keras.data.writing import (
    UNFINISHED,
    Run,
    Work,
    make_shard,
    plan_shards,
    run_here,
    write_shards,
    writing_to,
)
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import lock_file, refresh, write_text
from ecg_keras.formats import HDF5, describe_slow_rows
from ecg_keras.records import RecordInfo
from ecg_keras.sources import remarks_of

Warn = Callable[[str], None]
OnProgress = Callable[[int, int], None]


def prepare(
    data: Data,
    folder: str | Path,
    *,
    on_progress: OnProgress | None = None,
    on_warning: Warn | None = None,
    run: Run = run_here,
) -> Dataset:
    """Reads a database and writes its shards; resumes where an earlier run was stopped.

    Args:
        data: the ``data`` section of a recipe.
        folder: of the shards, made if need be. A finished one of the same settings and raw files
            is returned at once.
        on_progress: called with the records done and their total.
        on_warning: called with messages; none logs them to ``ecg_keras.data.preparation``.
        run: how the shards are made: `writing.run_here` in ``data.workers`` processes.

    Returns:
        What was written, as `describe` returns it later.

    Raises:
        ConfigError: a setting does not fit the source, or the folder is inside the raw files.
        DataError: the raw files are missing or wrong, their leads, unit or sampling rate are not
            what they are said to be, more records than ``data.quarantine`` allows can't be used,
            the folder holds another dataset, or it can't be written.

    Note:
        With ``data.workers`` above 1 a script needs ``if __name__ == "__main__":`` around the
        call, because each process imports the script again.

    Example:
        >>> prepare(Data(source="ptbxl", raw="data/raw/ptbxl"), "shards/ptbxl").labels
        ('NORM', 'MI', 'STTC', 'CD', 'HYP')
    """
    warn = on_warning or logging.getLogger(__name__).warning
    folder = Path(folder)
    if folder.resolve().is_relative_to(data.raw.resolve()):
        raise ConfigError(
            f"data.shards: {folder} is inside the raw files {data.raw}, which are never written "
            "to. Choose another folder."
        )
    digest = digest_of(data)
    if not _is_made(folder, data, digest):
        with _alone(folder, warn):
            files = listing_digest(data)  # first: what goes between the two fails the check
            _check_unchanged(data, digest)
            if not _is_made(folder, data, digest):
                progressed = on_progress or (lambda done, total: None)
                _make(data, folder, digest, files, progressed, warn, run)
    return describe(folder)


@contextmanager
def _alone(folder: Path, warn: Warn) -> Iterator[None]:
    """While the block lasts, no other process prepares this folder."""
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held = lock_file(folder / ".lock", timeout=0)
        except filelock.Timeout:
            warn(f"{folder}: another process prepares these shards; waiting for it.")
            held = lock_file(folder / ".lock")
    with held:
        refresh(folder)
        yield


def _is_made(folder: Path, data: Data, digest: str) -> bool:
    """Whether the folder holds this dataset; another one is refused."""
    if not (folder / "dataset.json").is_file():
        return False
    made = describe(folder)
    if is_made_of(folder, made, data, digest):
        return True
    changed = data_changes(made.settings, data)
    what = f"of other settings ({'; '.join(changed)})" if changed else "made of other raw files"
    raise DataError(
        f"{folder}: holds a dataset {what}. Choose another folder, or delete this one first."
    )


def _make(
    data: Data,
    folder: Path,
    digest: str,
    files: str,
    on_progress: OnProgress,
    warn: Warn,
    run: Run,
) -> None:
    if run is run_here and data.workers > 1:
        get_ready(make_shard.__module__)
    listing = list_database(data)
    of_settings = (listing.unknown_excluded(), listing.unused_split())
    remarks = remarks_of(listing.source, data.raw)
    for remark in (*remarks, *of_settings, _find_slow_rows(listing.kept)):
        if remark:
            warn(remark)
    assigned = listing.assign_splits()
    record_bytes = 2 * stored_length(data) * len(stored_leads(data))
    plan = plan_shards(listing.kept, assigned, record_bytes, data.split.seed)
    with threadpool_limits(1):  # its matrices are small, too
        verified = verify_source(listing.source, listing.kept, data, warn)
    mark = combine(data, digest)
    work = Work(data, listing.label_set, listing.labels, folder, mark, verified, files)
    sidecars = write_shards(plan, work, on_progress, run)
    written = list(zip(plan, sidecars, strict=True))
    dataset = gather(listing, assigned, work, written, digest, warn)
    for message in _list_warnings(dataset, listing):
        warn(message)
    _check_unchanged(data, digest)
    begun = folder / UNFINISHED
    with writing_to(folder):
        # what was found of other shards that were here
        shutil.rmtree(folder / "statistics", ignore_errors=True)
        (folder / "validation.json").unlink(missing_ok=True)
        write_text(folder / "dataset.json", dataset.dump(), begun)
    shutil.rmtree(begun, ignore_errors=True)


def _find_slow_rows(infos: Sequence[RecordInfo]) -> str | None:
    """Of arrays of many recordings, the first that is slow to read."""
    of_many = (info.path for info in infos if info.row is not None)
    rows = (path for path in of_many if path.suffix.lower() in HDF5)
    return next(filter(None, map(describe_slow_rows, dict.fromkeys(rows))), None)


def _check_unchanged(data: Data, digest: str) -> None:
    """Refuses other raw files than at the start; hashes are remembered once the folder is there."""
    if digest_of(data) != digest:
        raise DataError(
            f"{data.raw}: files changed meanwhile. Run the same command again when no program "
            "writes there."
        )


def _list_warnings(dataset: Dataset, listing: Listing) -> Iterator[str]:
    """What is worth a warning in a dataset that is made."""
    yield from (f"{listing.data.raw}: {remark}" for remark in dataset.remarks)
    yield from (f"{line}." for line in (*dataset.left_out(), *dataset.kept_and_noted()))
    if duplicates := describe_duplicates(dataset.duplicates):
        yield duplicates
    if dataset.shared_patients:
        yield (
            f"data.split.method records: {dataset.shared_patients} patients have records in more "
            "than one split, so the scores will flatter. Use patients for a sound test."
        )
    lost = {one.record_id for one in (*dataset.dropped, *dataset.quarantined)}
    stored = [info for info in listing.kept if info.record_id not in lost]
    people = {(label, info.patient_id) for info in stored for label in info.labels}
    patients = Counter(label for label, _ in people)
    yield from describe_scarce(dataset.splits, patients, dataset.source)
