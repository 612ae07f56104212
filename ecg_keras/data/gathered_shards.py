"""What ``dataset.json`` says of shards that are complete."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ecg_keras.config import Data, data_of, data_settings
from ecg_keras.data.dataset import SPLITS, Dataset, SplitSummary, read_dataset
from ecg_keras.data.duplicate_groups import find_duplicates
from ecg_keras.data.identities import NAMED, has_own_people
from ecg_keras.data.lead_profile import summarise
from ecg_keras.data.listing import Listing
from ecg_keras.data.outcomes import LeftOut, Noted, describe_losses, named_reason
from ecg_keras.data.raw_files import digest_of, raw_digest
from ecg_keras.data.settings import stored_leads, stored_length
from ecg_keras.data.shard_folders import is_made_of
from ecg_keras.data.writing import UNFINISHED, Shard, Sidecar, Work
from ecg_keras.errors import DataError
from ecg_keras.records import RecordInfo
from ecg_keras.signals import SIGNATURE_RULE
from ecg_keras.sources import FOLDER


def gather(
    listing: Listing,
    assigned: Mapping[str, str],
    work: Work,
    written: Sequence[tuple[Shard, Sidecar]],
    digest: str,
    on_note: Callable[[str], None],
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
        duplicates=find_duplicates(
            signatures, assigned, work.folder / UNFINISHED / "duplicates.npz", on_note
        ),
        settings=data_settings(data),
        fingerprint=work.fingerprint,
        raw_digest=_digest_of_people(data, work.folder.parent, digest),
        raw_by="content",
        shared_patients=_count_shared_patients(stored, assigned),
        repairs=work.verified.repairs,
        noted=tuple(sorted(noted, key=lambda one: one.record_id)),
        quality=summarise((one.quality for one in sidecars), len(leads)),
        remarks=_gather_remarks(sidecars, len(stored)),
        signatures=SIGNATURE_RULE,
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
