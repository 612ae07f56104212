"""A database on disk to a folder of shards: resumable, verifiable, the same bytes every time."""

from __future__ import annotations

import logging
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
from threadpoolctl import threadpool_limits

from ecg_keras.config import Data, data_changes, data_of, data_settings
from ecg_keras.data.dataset import SPLITS, Dataset, SplitSummary, describe, read_dataset
from ecg_keras.data.identities import (
    NAMED,
    describe_duplicates,
    find_duplicates,
    has_own_people,
)
from ecg_keras.data.label_counts import describe_scarce
from ecg_keras.data.lead_profile import summarise
from ecg_keras.data.listing import Listing, list_database
from ecg_keras.data.outcomes import LeftOut, Noted, describe_losses, named_reason
from ecg_keras.data.processes import get_ready
from ecg_keras.data.raw_files import digest_of, listing_digest, raw_digest
from ecg_keras.data.settings import stored_leads, stored_length
from ecg_keras.data.shard_folders import combine, is_made_of
from ecg_keras.data.source_check import verify_source
from ecg_keras.data.writing import (
    UNFINISHED,
    Run,
    Shard,
    Sidecar,
    Work,
    make_shard,
    plan_shards,
    run_here,
    write_shards,
    write_text,
    writing_to,
)
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo
from ecg_keras.sources import FOLDER, remarks_of

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
        lock = filelock.FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            warn(f"{folder}: another process prepares these shards; waiting for it.")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


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
    for remark in (*remarks_of(listing.source, data.raw), *of_settings):
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
    dataset = _gather(listing, assigned, work, list(zip(plan, sidecars, strict=True)), digest)
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


def _check_unchanged(data: Data, digest: str) -> None:
    """Refuses other raw files than at the start; hashes are remembered once the folder is there."""
    if digest_of(data) != digest:
        raise DataError(
            f"{data.raw}: files changed meanwhile. Run the same command again when no program "
            "writes there."
        )


def _gather(
    listing: Listing,
    assigned: Mapping[str, str],
    work: Work,
    written: Sequence[tuple[Shard, Sidecar]],
    digest: str,
) -> Dataset:
    """What ``dataset.json`` says of shards that are complete."""
    data, sidecars, leads = work.data, [one for _, one in written], stored_leads(work.data)
    quarantined = [LeftOut(name, why) for one in sidecars for name, why in one.quarantined]
    _check_quarantine(quarantined, len(listing.kept), data)
    dropped = [LeftOut(*one) for sidecar in sidecars for one in sidecar.dropped] + listing.dropped
    signatures = {
        name: bytes.fromhex(content) for sidecar in sidecars for name, content in sidecar.stored
    }
    stored = [info for info in listing.kept if info.record_id in signatures]
    noted = [Noted(**one) for sidecar in sidecars for one in sidecar.noted]
    splits = {}
    for split in SPLITS:
        infos = [info for info in stored if assigned[info.record_id] == split]
        if not infos and split in assigned.values():
            raise DataError(_no_record_left(split, assigned, dropped, quarantined, data))
        mine = {shard.name: one for shard, one in written if shard.split == split}
        splits[split] = _summarise(infos, work.labels, mine)
    return Dataset(
        source=data.source,
        label_set=work.label_set,
        labels=work.labels,
        leads=leads,
        sampling_rate=data.sampling_rate,
        num_samples=stored_length(data),
        splits=splits,
        dropped=tuple(sorted(dropped, key=lambda one: one.record_id)),
        quarantined=tuple(sorted(quarantined, key=lambda one: one.record_id)),
        duplicates=find_duplicates(signatures, assigned),
        settings=data_settings(data),
        fingerprint=work.fingerprint,
        raw_digest=_digest_of_people(data, work.folder.parent, digest),
        raw_by="content",
        shared_patients=_count_shared_patients(stored, assigned),
        repairs=work.verified.repairs,
        noted=tuple(sorted(noted, key=lambda one: one.record_id)),
        quality=summarise((one.quality for one in sidecars), len(leads)),
        remarks=_gather_remarks(sidecars, len(stored)),
    )


def _check_quarantine(quarantined: Sequence[LeftOut], records: int, data: Data) -> None:
    share = len(quarantined) / records
    if share <= data.quarantine:
        return
    named = "\n".join(f"  {named_reason(one)}" for one in quarantined[:NAMED])
    more = f"\n  ... and {len(quarantined) - NAMED} more" if len(quarantined) > NAMED else ""
    enough = math.ceil(share * 100) / 100
    # of nearly all there is nothing to leave out
    other = f", or leave these records out with --set data.quarantine={enough:g}" * (enough < 1)
    raise DataError(
        f"{data.raw}: {len(quarantined)} of {records} records can't be used, and data.quarantine "
        f"allows a share of {data.quarantine:g}:\n{named}{more}\n"
        f"Fix the files{other}."
    )


def _no_record_left(
    split: str,
    assigned: Mapping[str, str],
    dropped: Sequence[LeftOut],
    quarantined: Sequence[LeftOut],
    data: Data,
) -> str:
    """Why a split has lost all of its records."""
    ids = {name for name, place in assigned.items() if place == split}
    lost = describe_losses(
        [one for one in dropped if one.record_id in ids],
        [one for one in quarantined if one.record_id in ids],
        len(ids),
    )
    return (
        f"{data.raw}: no record of the {split} split is left: all are too short or can't be used: "
        f"{'; '.join(lost)}. Change data.seconds, data.short or data.split."
    )


def _summarise(
    infos: Sequence[RecordInfo], labels: Sequence[str], written: Mapping[str, Sidecar]
) -> SplitSummary:
    counts = Counter(label for info in infos for label in info.labels)
    return SplitSummary(
        records=len(infos),
        patients=len({info.patient_id for info in infos}),
        labels={label: counts[label] for label in labels},
        shards={name: one.size for name, one in written.items()},
        checksums={name: one.checksum for name, one in written.items()},
    )


def _digest_of_people(data: Data, beside: Path, digest: str) -> str:
    """By what patients of a folder of recordings differ from those of another: all its files.
    ``digest`` is of those that are read.
    """
    if not has_own_people(data.source):
        return digest
    # patients of one folder are the same people, whichever of its tables names them; where an
    # earlier version made a dataset of it, they keep the name that its runs know them by
    earlier = beside.glob(f"{FOLDER}-*/dataset.json") if data.source == FOLDER else ()
    for path in sorted(earlier):
        with suppress(DataError):  # it is damaged
            made = read_dataset(path)
            theirs = data_of(made.settings, data.raw) if made.raw_by == "times" else None
            if theirs and is_made_of(path.parent, made, theirs, digest_of(theirs)):
                return made.raw_digest
    return raw_digest(data.raw, memory=data.shards)


def _count_shared_patients(stored: Sequence[RecordInfo], assigned: Mapping[str, str]) -> int:
    places = {(info.patient_id, assigned[info.record_id]) for info in stored}
    splits_of = Counter(patient for patient, _ in places)
    return sum(count > 1 for count in splits_of.values())


def _gather_remarks(sidecars: Sequence[Sidecar], records: int) -> tuple[str, ...]:
    """What is remarked of records, each with how many it is of, and the first of them."""
    ids_of: dict[str, list[str]] = {}
    for sidecar in sidecars:
        for remark, ids in sidecar.remarks.items():
            ids_of.setdefault(remark, []).extend(ids)
    return tuple(
        f"{remark} ({len(ids)} of {records} records, such as {min(ids)})"
        for remark, ids in sorted(ids_of.items())
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
