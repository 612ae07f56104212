"""Shards from records: independent units that a killed run does not write again."""

from __future__ import annotations

import functools
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ecg_keras.config import Data
from ecg_keras.data.conversion import Converted, Dropped, Gone, convert
from ecg_keras.data.dataset import SPLITS
from ecg_keras.data.examples import encode
from ecg_keras.data.lead_profile import count
from ecg_keras.data.noted import noting
from ecg_keras.data.processes import run_in_processes
from ecg_keras.data.raw_files import listing_digest
from ecg_keras.data.settings import stored_leads
from ecg_keras.data.source_check import Verified
from ecg_keras.data.tfrecords import write_tfrecords
from ecg_keras.errors import DataError
from ecg_keras.files import write_text
from ecg_keras.json_files import known_fields, read_json
from ecg_keras.records import RecordInfo
from ecg_keras.signals import SIGNATURE_RULE, LeadQuality

# enough shards for every process of a large machine, and little lost where one is killed
SHARD_BYTES = 16_000_000
# holds, until the dataset is complete, a sidecar for each finished shard and what is being written
UNFINISHED = ".unfinished"
# a listing that shows all files holds for this many times what it took: one of millions takes
# minutes, and a database may lack a file in every shard
LISTING_HOLDS = 20
# until when one holds, by the raw folder and its digest
_holds: dict[tuple[Path, str], float] = {}


@dataclass(frozen=True)
class Shard:
    """A planned shard."""

    name: str
    split: str
    infos: tuple[RecordInfo, ...]


@dataclass(frozen=True)
class Work:
    """What all shards of a dataset have in common."""

    data: Data
    label_set: str
    labels: tuple[str, ...]
    folder: Path
    fingerprint: str
    verified: Verified
    # the `listing_digest` of the raw files when the work began
    listing: str


@dataclass(frozen=True)
class Sidecar:
    """What became of a shard's records, written when it is complete."""

    # of the dataset it belongs to
    fingerprint: str
    size: int = 0
    checksum: str = ""
    # record id and signature, as hex digits
    stored: list[tuple[str, str]] = field(default_factory=list)
    # the fields of `LeftOut`
    dropped: list[list[Any]] = field(default_factory=list)
    # record id and reason
    quarantined: list[list[str]] = field(default_factory=list)
    # the fields of `Noted`
    noted: list[dict[str, Any]] = field(default_factory=list)
    # counts of `lead_profile`
    quality: list[Any] = field(default_factory=list)
    # ids of the records of each of `Converted.remarks`
    remarks: dict[str, list[str]] = field(default_factory=dict)
    # ids of the quarantined records of which a file was not there
    gone: list[str] = field(default_factory=list)
    # the `Dataset.signatures` of the stored records
    signatures: int = 1


# makes shards, in any order and anywhere; calls the function with how many more records are done
Run = Callable[[Sequence[Shard], Work, Callable[[int], None]], None]


def plan_shards(
    infos: Sequence[RecordInfo], assigned: Mapping[str, str], record_bytes: int, seed: int
) -> list[Shard]:
    """Fixed groups of records, which come in order of their ids; at least one for each split. The
    records that train are shuffled, so that a stream of the shards is well mixed.
    """
    plan = []
    for split in SPLITS:
        inside = [info for info in infos if assigned[info.record_id] == split]
        if split == "train":
            order = np.random.default_rng(seed).permutation(len(inside))
            inside = [inside[index] for index in order]
        count = min(len(inside), math.ceil(len(inside) * record_bytes / SHARD_BYTES))
        edges = np.linspace(0, len(inside), count + 1).astype(int)
        plan += [
            Shard(f"{split}-{index:05d}-of-{count:05d}.tfrecord", split, tuple(inside[low:high]))
            for index, (low, high) in enumerate(pairwise(edges))
        ]
    return plan


def write_shards(
    plan: Sequence[Shard], work: Work, on_progress: Callable[[int, int], None], run: Run
) -> list[Sidecar]:
    """Writes each shard that is not finished, then its sidecar; those of all shards of the plan.
    Leftovers of a dataset with another fingerprint are removed from the folder.
    """
    with writing_to(work.folder):
        (work.folder / UNFINISHED).mkdir(exist_ok=True)
        finished = _finished_shards(work)
        # of a version that cut the records into other shards
        unplanned = finished.keys() - {shard.name for shard in plan}
        for name in [*unplanned, *_found_again(plan, work, finished)]:
            (work.folder / UNFINISHED / f"{name}.json").unlink()
            (work.folder / name).unlink()
            del finished[name]
    missing = [shard for shard in plan if shard.name not in finished]
    total = sum(len(shard.infos) for shard in plan)
    done = total - sum(len(shard.infos) for shard in missing)
    on_progress(done, total)

    def count_done(records: int) -> None:
        nonlocal done
        done += records
        on_progress(done, total)

    run(missing, work, count_done)
    with writing_to(work.folder):
        finished = _finished_shards(work)
    if lost := [shard.name for shard in plan if shard.name not in finished]:
        raise DataError(
            f"{work.folder}: workers wrote {len(missing) - len(lost)} of {len(missing)} shards "
            f"there, {lost[0]} is missing. Mount this folder on all workers under this path, and "
            "run the same command again."
        )
    if gone := [name for name, one in finished.items() if one.gone]:
        found = next(_found_again(plan, work, finished), None)
        if found is not None or not _are_all_there(work):
            raise _lost_files(work, finished[found or gone[0]])
    return [finished[shard.name] for shard in plan]


def run_here(shards: Sequence[Shard], work: Work, on_records: Callable[[int], None]) -> None:
    """Makes shards in ``data.workers`` processes, or in this one where that is 1."""
    make = functools.partial(make_shard, work)
    if work.data.workers == 1:
        for shard in shards:
            make(shard, on_records)
    else:
        run_in_processes(make, shards, work.data.workers, on_records)


def make_shard(
    work: Work, shard: Shard, on_records: Callable[[int], None] = lambda number: None
) -> None:
    """Reads, converts and writes one shard's records, then its sidecar. It can be called again,
    anywhere and at the same time: the bytes are the same.
    """
    sidecar = Sidecar(work.fingerprint, signatures=SIGNATURE_RULE)
    qualities = list[LeadQuality]()
    leads = stored_leads(work.data)
    note = noting(work.data, work.label_set, leads)

    def examples() -> Iterator[bytes]:
        for outcome in convert(shard.infos, work.data, work.verified):
            if isinstance(outcome, Converted):
                sidecar.stored.append((outcome.info.record_id, outcome.content.hex()))
                qualities.append(outcome.lead_quality)
                sidecar.noted.extend(vars(one) for one in note(outcome))
                for remark in outcome.remarks:
                    sidecar.remarks.setdefault(remark, []).append(outcome.info.record_id)
                yield encode(outcome, work.labels)
            elif isinstance(outcome, Dropped):
                sidecar.dropped.append([*astuple(outcome)])
            else:
                sidecar.quarantined.append([outcome.record_id, outcome.reason])
                if isinstance(outcome, Gone):
                    sidecar.gone.append(outcome.record_id)
            on_records(1)

    begun = work.folder / UNFINISHED
    # matrices are small here: threads that share them cost more than they give, and other processes
    # have the cores
    with threadpool_limits(1), writing_to(work.folder):
        size, checksum = write_tfrecords(work.folder / shard.name, examples(), scratch=begun)
        if sidecar.gone and not _are_all_there(work, recently=True):
            raise _lost_files(work, sidecar)
        complete = {**vars(sidecar), "size": size, "checksum": checksum}
        complete["quality"] = count(qualities, len(leads)).tolist()
        write_text(begun / f"{shard.name}.json", json.dumps(complete), begun)


def _are_all_there(work: Work, *, recently: bool = False) -> bool:
    """Whether the files are there that were when the work began, now or a while ago.

    A drive or share that is gone is no fault of its recordings.
    """
    key, begun = (work.data.raw, work.listing), time.monotonic()
    if recently and begun < _holds.get(key, 0.0):
        return True
    with suppress(DataError):  # the folder is gone, too
        if listing_digest(work.data) == work.listing:
            taken = time.monotonic() - begun
            _holds[key] = time.monotonic() + LISTING_HOLDS * taken
            return True
    return False


def _found_again(
    plan: Sequence[Shard], work: Work, finished: Mapping[str, Sidecar]
) -> Iterator[str]:
    """Finished shards that lack a record of which no file is missing any more."""
    for shard in plan:
        gone = set(finished[shard.name].gone if shard.name in finished else ())
        if not gone:  # `convert` makes the source, which may take its time
            continue
        infos = [info for info in shard.infos if info.record_id in gone]
        if not all(isinstance(one, Gone) for one in convert(infos, work.data, work.verified)):
            yield shard.name


def _lost_files(work: Work, sidecar: Sidecar) -> DataError:
    example = next(why for name, why in sidecar.quarantined if name == sidecar.gone[0])
    return DataError(
        f"{work.data.raw}: files that could be read before are gone, or may no longer be read: "
        f"{example}. See to the disk, the network or the permissions: the same command resumes "
        "after the last whole shard."
    )


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turns what the disk refuses into a `DataError` that names the folder."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: can't be written: {error}. Finished shards are kept: make room or choose "
            "another folder with data.shards, and run the same command again."
        ) from error


def _parse(content: dict[str, Any]) -> Sidecar:
    return Sidecar(**known_fields(Sidecar, content))


def _finished_shards(work: Work) -> dict[str, Sidecar]:
    """The sidecars of finished shards by the shard's name; what is of no use goes."""
    folder, begun = work.folder, work.folder / UNFINISHED
    sidecars = {
        path.stem: read_json(path, "shards", _parse, "Remove it.")
        for path in sorted(begun.glob("*.tfrecord.json"))
    }
    if any(sidecar.fingerprint != work.fingerprint for sidecar in sidecars.values()):
        for name in sidecars:
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(begun)
        begun.mkdir()
        return {}
    # signatures of two rules can't be compared within a dataset
    for name in [name for name, one in sidecars.items() if one.signatures != SIGNATURE_RULE]:
        (begun / f"{name}.json").unlink()
        (folder / name).unlink(missing_ok=True)
        del sidecars[name]
    for half in begun.glob(".*"):
        half.unlink(missing_ok=True)
    return {
        name: sidecar
        for name, sidecar in sidecars.items()
        if (folder / name).is_file() and (folder / name).stat().st_size == sidecar.size
    }
