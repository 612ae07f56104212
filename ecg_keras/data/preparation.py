"""A database on disk to a folder of shards: resumable, verifiable, the same bytes every time."""

from __future__ import annotations

import logging
import math
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import filelock
from threadpoolctl import threadpool_limits

from ecg_keras.config import Data, data_changes, data_of, data_settings
from ecg_keras.data.conversion import stored_leads, stored_length
from ecg_keras.data.dataset import SPLITS, Dataset, SplitSummary, describe, read_dataset
from ecg_keras.data.duplicates import NAMED, describe_duplicates, find_duplicates
from ecg_keras.data.fingerprints import combine, digest_of, raw_digest
from ecg_keras.data.label_counts import describe_scarce
from ecg_keras.data.lead_profile import summarise
from ecg_keras.data.outcomes import UNLABELLED, LeftOut, Noted, describe_losses, named_reason
from ecg_keras.data.processes import get_ready
from ecg_keras.data.shard_folders import is_made_of
from ecg_keras.data.splits import assign_splits
from ecg_keras.data.verification import verify_source
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
    writing,
)
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo
from ecg_keras.sources import (
    FOLDER,
    SOURCES,
    check_label_set,
    check_listed,
    recognise_database,
    remarks_of,
    source_of,
)


def prepare(
    data: Data,
    folder: str | Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    run: Run = run_here,
) -> Dataset:
    """Reads a database and writes its shards; goes on where an earlier run was stopped.

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
        ConfigError: a setting does not fit the source, or the folder lies inside the raw files.
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
            f"data.shards: {folder} lies inside the raw files {data.raw}, which are never written "
            "to. Choose another folder."
        )
    digest = digest_of(data)
    if _is_made(folder, data, digest):
        return describe(folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            warn(f"{folder}: another process prepares these shards; waiting for it.")
            lock.acquire()
    try:
        _check_unchanged(data, digest)
        if not _is_made(folder, data, digest):
            _make(data, folder, digest, on_progress or (lambda done, total: None), warn, run)
    finally:
        lock.release()
    return describe(folder)


def check_tables(data: Data) -> None:
    """Refuses what the tables of a database tell beforehand: `prepare` would stop for it, too.

    Records are listed and split; no signal is read.

    Args:
        data: the ``data`` section of a recipe.

    Raises:
        ConfigError, DataError: as `prepare`.
    """
    source = source_of(data)
    labels = check_label_set(source, data.label_set)
    label_set = data.label_set or next(iter(source.LABEL_SETS))
    listed = source.list_records(data.raw, label_set=label_set, sampling_rate=data.sampling_rate)
    _check_infos(listed, labels, data)
    infos = [info for info in listed if info.labels or data.unlabelled == "keep"]
    assign_splits(infos, labels, data.split, official=source.OFFICIAL_FOLDS)


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
    on_progress: Callable[[int, int], None],
    warn: Callable[[str], None],
    run: Run,
) -> None:
    if run is run_here and data.workers > 1:
        get_ready(make_shard.__module__)
    source = source_of(data)
    labels = check_label_set(source, data.label_set)
    label_set = data.label_set or next(iter(source.LABEL_SETS))
    try:
        listed = source.list_records(
            data.raw, label_set=label_set, sampling_rate=data.sampling_rate
        )
    except DataError as error:
        known = "" if data.source == FOLDER else recognise_database(data.raw, data.source)
        raise DataError(f"{error}{known}") from error
    if data.source not in SOURCES:
        listed = check_listed(data.source, data.raw, listed)
    _check_infos(listed, labels, data)
    for remark in remarks_of(source, data.raw):
        warn(remark)
    infos = [info for info in listed if info.labels or data.unlabelled == "keep"]
    dropped = [
        LeftOut(info.record_id, UNLABELLED)
        for info in listed
        if not info.labels and data.unlabelled == "drop"
    ]
    if not infos:
        raise DataError(
            f"{data.raw}: none of the {len(listed)} records has a label of the label set "
            f"{label_set}, and data.unlabelled: drop leaves out those without. Choose other "
            "labels, or set data.unlabelled: keep."
        )
    assigned = assign_splits(infos, labels, data.split, official=source.OFFICIAL_FOLDS)
    record_bytes = 2 * stored_length(data) * len(stored_leads(data))
    plan = plan_shards(infos, assigned, record_bytes, data.split.seed)
    mark = combine(data, digest)
    with threadpool_limits(1):  # its matrices are small, too
        verified = verify_source(source, infos, data, warn)
    work = Work(data, label_set, tuple(labels), folder, mark, verified)
    sidecars = write_shards(plan, work, on_progress, run)

    quarantined = [LeftOut(*one) for sidecar in sidecars for one in sidecar.quarantined]
    _check_quarantine(quarantined, len(infos), data)
    dropped += [LeftOut(*one) for sidecar in sidecars for one in sidecar.dropped]
    signatures = {
        name: bytes.fromhex(content) for sidecar in sidecars for name, content in sidecar.stored
    }
    stored = [info for info in infos if info.record_id in signatures]
    remarks = _gather_remarks(sidecars, len(stored))
    for remark in remarks:
        warn(f"{data.raw}: {remark}")
    dataset = Dataset(
        source=data.source,
        label_set=label_set,
        labels=tuple(labels),
        leads=stored_leads(data),
        sampling_rate=data.sampling_rate,
        num_samples=stored_length(data),
        splits=_summarise(plan, sidecars, stored, assigned, labels, data, (dropped, quarantined)),
        dropped=tuple(sorted(dropped, key=lambda one: one.record_id)),
        quarantined=tuple(sorted(quarantined, key=lambda one: one.record_id)),
        duplicates=find_duplicates(signatures, assigned),
        settings=data_settings(data),
        fingerprint=mark,
        raw_digest=_digest_of_people(data, folder.parent) if data.source == FOLDER else digest,
        raw_by="content",
        shared_patients=_count_shared_patients(stored, assigned),
        repairs=verified.repairs,
        noted=tuple(
            sorted(
                (Noted(**one) for sidecar in sidecars for one in sidecar.noted),
                key=lambda one: one.record_id,
            )
        ),
        quality=summarise((one.quality for one in sidecars), len(stored_leads(data))),
        remarks=remarks,
    )
    for line in (*dataset.left_out(), *dataset.kept_and_noted()):
        warn(f"{line}.")
    twice = describe_duplicates(dataset.duplicates)
    if twice:
        warn(twice)
    if dataset.shared_patients:
        warn(
            f"data.split.method records: {dataset.shared_patients} patients have records in more "
            "than one split, so the scores will flatter. Use patients for a sound test."
        )
    people = {(label, info.patient_id) for info in stored for label in info.labels}
    patients = Counter(label for label, _ in people)
    for line in describe_scarce(dataset.splits, patients, data.source):
        warn(line)
    _check_unchanged(data, digest)
    with writing(folder):
        begun = folder / UNFINISHED
        write_text(folder / "dataset.json", dataset.dump(), scratch=begun)
    shutil.rmtree(begun, ignore_errors=True)


def _check_unchanged(data: Data, digest: str) -> None:
    """Refuses to go on with other raw files; hashes are remembered once the folder is there."""
    if digest_of(data) != digest:
        raise DataError(
            f"{data.raw}: files changed meanwhile. Run the same command again when no program "
            "writes there."
        )


def _digest_of_people(data: Data, beside: Path) -> str:
    """What tells the patients of a folder of recordings from those of another.

    Patients of one folder are the same people, whichever of its tables names them. Where an earlier
    version made a dataset of it, they keep the name that runs of that dataset know them by.
    """
    for path in sorted(beside.glob(f"{FOLDER}-*/dataset.json")):
        with suppress(DataError):  # it is damaged
            made = read_dataset(path)
            theirs = data_of(made.settings, data.raw) if made.raw_by == "times" else None
            if theirs and is_made_of(path.parent, made, theirs, digest_of(theirs)):
                return made.raw_digest
    return raw_digest(data.raw, memory=data.shards)


def _check_infos(infos: Sequence[RecordInfo], labels: Sequence[str], data: Data) -> None:
    """What a user's own source may get wrong."""
    if not infos:
        raise DataError(f"{data.raw}: source {data.source} found no record there.")
    ids = [info.record_id for info in infos]
    if ids != sorted(set(ids)):
        twice = [name for name, count in Counter(ids).items() if count > 1]
        what = f"lists {twice[0]!r} twice" if twice else "does not sort its records by record_id"
        raise DataError(f"{data.raw}: source {data.source} {what}.")
    for info in infos:
        unknown = sorted(set(info.labels) - set(labels))
        if unknown:
            raise DataError(
                f"{info.path}: record {info.record_id} has labels outside the label set: "
                f"{', '.join(unknown)}. Allowed: {', '.join(labels)}."
            )


def _check_quarantine(quarantined: Sequence[LeftOut], records: int, data: Data) -> None:
    share = len(quarantined) / records
    if share <= data.quarantine:
        return
    named = "\n".join(f"  {named_reason(one)}" for one in quarantined[:NAMED])
    more = f"\n  ... and {len(quarantined) - NAMED} more" if len(quarantined) > NAMED else ""
    enough = math.ceil(share * 100) / 100
    # of nearly all there is nothing to leave out
    ways = f", or leave these records out with --set data.quarantine={enough:g}" * (enough < 1)
    raise DataError(
        f"{data.raw}: {len(quarantined)} of {records} records can't be used, and data.quarantine "
        f"allows a share of {data.quarantine:g}:\n{named}{more}\n"
        f"Mend the files{ways}."
    )


def _gather_remarks(sidecars: Sequence[Sidecar], records: int) -> tuple[str, ...]:
    """What is said of records, each with how many it is said of, and the first of them."""
    said: dict[str, list[str]] = {}
    for sidecar in sidecars:
        for remark, ids in sidecar.remarks.items():
            said.setdefault(remark, []).extend(ids)
    return tuple(
        f"{remark} ({len(ids)} of {records} records, such as {min(ids)})"
        for remark, ids in sorted(said.items())
    )


def _count_shared_patients(stored: Sequence[RecordInfo], assigned: Mapping[str, str]) -> int:
    places = {(info.patient_id, assigned[info.record_id]) for info in stored}
    splits_of = Counter(patient for patient, _ in places)
    return sum(count > 1 for count in splits_of.values())


def _summarise(
    plan: Sequence[Shard],
    sidecars: Sequence[Sidecar],
    stored: Sequence[RecordInfo],
    assigned: Mapping[str, str],
    labels: Sequence[str],
    data: Data,
    lost: tuple[Sequence[LeftOut], Sequence[LeftOut]],
) -> dict[str, SplitSummary]:
    splits = {}
    for split in SPLITS:
        inside = [info for info in stored if assigned[info.record_id] == split]
        if not inside and split in assigned.values():
            ids = {name for name, place in assigned.items() if place == split}
            here = [[one for one in kind if one.record_id in ids] for kind in lost]
            raise DataError(
                f"{data.raw}: no record of the {split} split is left: all are too short or can't "
                f"be used: {'; '.join(describe_losses(*here, len(ids)))}. Change data.seconds, "
                "data.short or data.split."
            )
        counts = Counter(label for info in inside for label in info.labels)
        written = {
            shard.name: sidecar
            for shard, sidecar in zip(plan, sidecars, strict=True)
            if shard.split == split
        }
        splits[split] = SplitSummary(
            records=len(inside),
            patients=len({info.patient_id for info in inside}),
            labels={label: counts[label] for label in labels},
            shards={name: one.size for name, one in written.items()},
            checksums={name: one.checksum for name, one in written.items()},
        )
    return splits
