"""Shards from records: independent units that a killed run does not write again."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from pathlib import Path

import numpy as np

from ecg_keras.config import Data
from ecg_keras.data.conversion import Converted, Dropped, Quarantined, convert
from ecg_keras.data.dataset import SPLITS
from ecg_keras.data.records import RecordInfo
from ecg_keras.errors import DataError

SHARD_BYTES = 64_000_000
# records that a process converts at a time
CHUNK = 32
# holds, until the dataset is complete, a sidecar for each finished shard and what is being written
UNFINISHED = ".unfinished"

Outcome = Converted | Dropped | Quarantined


@dataclass(frozen=True)
class Shard:
    """A planned shard."""

    name: str
    split: str
    infos: tuple[RecordInfo, ...]


@dataclass(frozen=True)
class Sidecar:
    """What became of a shard's records, written when it is complete.

    Attributes:
        fingerprint: of the dataset it belongs to.
        size: of the shard in bytes.
        checksum: the shard's sha256.
        stored: record id and digests of its leads.
        dropped, quarantined: record id and reason.
    """

    fingerprint: str
    size: int = 0
    checksum: str = ""
    stored: list[tuple[str, list[str]]] = field(default_factory=list)
    dropped: list[list[str]] = field(default_factory=list)
    quarantined: list[list[str]] = field(default_factory=list)


def plan_shards(
    infos: Sequence[RecordInfo], assigned: Mapping[str, str], record_bytes: int, seed: int
) -> list[Shard]:
    """Fixed groups of records, at least one for each split that has records.

    Args:
        infos: the records in order of their ids.
        assigned: the split of each record id.
        record_bytes: size of one signal.
        seed: of the order of the records that train, which are shuffled so that a stream of the
            shards is well mixed.
    """
    plan = []
    for split in SPLITS:
        inside = [info for info in infos if assigned[info.record_id] == split]
        if split == "train":
            order = np.random.default_rng(seed).permutation(len(inside))
            inside = [inside[index] for index in order]
        count = math.ceil(len(inside) * record_bytes / SHARD_BYTES)
        edges = np.linspace(0, len(inside), count + 1).astype(int)
        plan += [
            Shard(f"{split}-{index:05d}-of-{count:05d}.tfrecord", split, tuple(inside[low:high]))
            for index, (low, high) in enumerate(pairwise(edges))
        ]
    return plan


def write_shards(
    plan: Sequence[Shard],
    data: Data,
    labels: Sequence[str],
    folder: Path,
    fingerprint: str,
    on_progress: Callable[[int, int], None],
) -> list[Sidecar]:
    """Writes each shard that is not finished, then its sidecar.

    Args:
        plan: all shards of the dataset.
        data: the recipe's settings.
        labels: of the label set.
        folder: of the shards; leftovers of a dataset with another fingerprint are removed.
        fingerprint: of the dataset.
        on_progress: called with the records done and their total.

    Returns:
        The sidecar of each shard of the plan.

    Raises:
        DataError: the folder can't be written, or a process was killed.
    """
    with writing(folder):
        (folder / UNFINISHED).mkdir(exist_ok=True)
        finished = _finished(folder, fingerprint)
    missing = [shard for shard in plan if shard.name not in finished]
    total = sum(len(shard.infos) for shard in plan)
    done = total - sum(len(shard.infos) for shard in missing)
    on_progress(done, total)

    def counted(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        for number, outcome in enumerate(outcomes, start=done + 1):
            on_progress(number, total)
            yield outcome

    with closing(_outcomes([info for one in missing for info in one.infos], data)) as outcomes:
        stream = counted(outcomes)
        for shard in missing:
            own = islice(stream, len(shard.infos))
            finished[shard.name] = _write_one(shard, own, labels, folder, fingerprint)
    return [finished[shard.name] for shard in plan]


def write_text(path: Path, text: str, *, temporary: Path) -> None:
    """Writes a text file to a temporary name on the same disk and renames it.

    Raises:
        OSError: it can't be written.
    """
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what the disk refuses into a `DataError` that names the folder."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: can't be written: {error}. Finished shards are kept: make room or choose "
            "another folder with data.shards, and run the same command again."
        ) from error


def _write_one(
    shard: Shard, outcomes: Iterable[Outcome], labels: Sequence[str], folder: Path, mark: str
) -> Sidecar:
    # imported here because the processes that read records need no TensorFlow
    from ecg_keras.data.shards import encode, write_shard

    sidecar = Sidecar(mark)

    def examples() -> Iterator[bytes]:
        for outcome in outcomes:
            if isinstance(outcome, Converted):
                sidecar.stored.append((outcome.info.record_id, outcome.leads))
                yield encode(outcome, labels)
            elif isinstance(outcome, Dropped):
                sidecar.dropped.append([outcome.record_id, outcome.reason])
            else:
                sidecar.quarantined.append([outcome.record_id, outcome.reason])

    begun = folder / UNFINISHED
    with writing(folder):
        size, checksum = write_shard(folder / shard.name, examples(), temporary=begun / shard.name)
        complete = {**vars(sidecar), "size": size, "checksum": checksum}
        write_text(
            begun / f"{shard.name}.json", json.dumps(complete), temporary=begun / "sidecar.tmp"
        )
    return Sidecar(**complete)


def _finished(folder: Path, fingerprint: str) -> dict[str, Sidecar]:
    """The sidecars of finished shards by the shard's name; leftovers of another dataset go."""
    begun = folder / UNFINISHED
    sidecars = {
        path.stem: Sidecar(**json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(begun.glob("*.tfrecord.json"))
    }
    if any(sidecar.fingerprint != fingerprint for sidecar in sidecars.values()):
        for name in sidecars:
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(begun)
        begun.mkdir()
        return {}
    return {
        name: sidecar
        for name, sidecar in sidecars.items()
        if (folder / name).is_file() and (folder / name).stat().st_size == sidecar.size
    }


def _outcomes(infos: Sequence[RecordInfo], data: Data) -> Iterator[Outcome]:
    """Converts records in their order, in ``data.workers`` processes where that is above 1."""
    chunks = (infos[start : start + CHUNK] for start in range(0, len(infos), CHUNK))
    if data.workers == 1:
        yield from chain.from_iterable(convert(chunk, data) for chunk in chunks)
        return
    pool = ProcessPoolExecutor(
        data.workers,
        # a fork would copy TensorFlow's threads and locks in whatever state they are in
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
    )
    try:
        # a bounded number of chunks is under way, so that memory does not grow with the database
        pending = deque(
            pool.submit(convert, chunk, data) for chunk in islice(chunks, 3 * data.workers)
        )
        while pending:
            yield from pending.popleft().result()
            pending.extend(pool.submit(convert, chunk, data) for chunk in islice(chunks, 1))
    except BrokenProcessPool as error:
        raise DataError(
            "a process that reads records was killed, perhaps for want of memory. Run the same "
            "command again, which keeps the finished shards, with fewer data.workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Ends this process when the one that started it is killed, instead of waiting for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
