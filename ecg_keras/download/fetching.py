"""A published database, fetched into a folder, or what is missing of it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pooch

from ecg_keras.download.planning import DownloadPlan, list_key, plan_download
from ecg_keras.download.publishers import RemoteFile
from ecg_keras.download.receiving import MOST_JOBS, Patience, Receiver, Stopped, forget_part
from ecg_keras.download.staging import Stage
from ecg_keras.download.unpacking import unpack
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.text import file_size

# when this many files in a row fail, the server is at fault, and is left alone
HOPELESS = 20
# seconds between two reports of the progress
TICK = 0.2


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is.

    Args:
        done, files: of the files that were missing.
        bytes_done, bytes_total: of these files; the total is estimated where no list has it.
        received: bytes that came over the network.
        note: why nothing comes, where that is so.
    """

    done: int
    files: int
    bytes_done: int
    bytes_total: int
    received: int
    note: str = ""


@dataclass(frozen=True)
class DownloadResult:
    """What a download did.

    Args:
        files: how many belong there.
        fetched: how many were fetched; the others were there already.
        received: bytes that came over the network for them.
        failed: path and reason of those that failed.
        untried: how many were not tried, because too many failed.
    """

    files: int
    fetched: int
    received: int
    failed: tuple[tuple[str, str], ...]
    untried: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether all files are there, verified."""
        return not self.failed and not self.untried


OnProgress = Callable[[DownloadProgress], None]


def download_database(
    name: str,
    root: Path | str,
    *,
    only: Sequence[str] = (),
    mirror: str | None = None,
    jobs: int = 4,
    on_progress: OnProgress = lambda progress: None,
) -> DownloadResult:
    """Fetches a published database, or what is missing of it.

    Args:
        name: of a source.
        root: the folder that shall hold it, which is what ``data.raw`` then names.
        only: names of parts of it; none means all.
        mirror: the URL of a copy, with the same paths below it as the publisher's own.
        jobs: files that are fetched at once, 1 to 16.
        on_progress: called some times a second.

    Returns:
        What was done. It is complete, or names what failed; the same call resumes it.

    Raises:
        ConfigError: the source isn't published or has no such part, or a setting is wrong.
        DataError: the list isn't available or can't be right, there is no room, or another
            download writes to the folder.
        OSError: the folder can't be written.

    Example:
        >>> result = download_database("ludb", "data/raw/ludb")
    """
    return fetch(
        plan_download(name, root, only=only, mirror=mirror), jobs=jobs, on_progress=on_progress
    )


def fetch(
    plan: DownloadPlan,
    *,
    jobs: int = 4,
    patience: Patience | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> DownloadResult:
    """Fetches what a plan lists.

    Args:
        plan: from `plan_download`.
        jobs, on_progress: as for `download_database`.
        patience: with the server.

    Raises:
        ConfigError, DataError, OSError: as `download_database`.

    Example:
        >>> result = fetch(plan_download("ludb", "data/raw/ludb"), jobs=8)
    """
    if not 1 <= jobs <= MOST_JOBS:
        raise ConfigError(f"jobs must be from 1 to {MOST_JOBS}. Received: {jobs}.")
    stage = Stage(plan.root)
    if not plan.missing and not stage.is_marked(plan.command):
        return DownloadResult(len(plan.files), 0, 0, ())
    need = plan.disk(jobs) - _held(plan, stage)
    if need > (free := stage.free_bytes()):
        raise DataError(
            f"{plan.root}: {file_size(need)} are needed and {file_size(free)} are free. Make "
            "room, choose another folder, or fetch a part of it with --only. Nothing was fetched."
        )
    with stage.open(plan.command):
        stage.keep_list(list_key(plan.published, plan.only, plan.mirror), plan.files)
        for file in plan.files:  # a kill may have come before an unpacked archive was removed
            if file.folder_inside is not None and stage.is_verified(file):
                stage.path_of(file).unlink(missing_ok=True)
        result = _Download(plan, stage, patience or Patience()).run(jobs, on_progress)
        if result.is_complete:
            stage.finish(plan.command)
        else:
            stage.forget_list()
    return result


def _held(plan: DownloadPlan, stage: Stage) -> int:
    """How many of the bytes of what is missing are on the disk already."""
    mean = plan.size // max(1, len(plan.missing))
    held = sum(
        stage.held_bytes(one, mean if one.size is None else one.size) for one in plan.missing
    )
    unpacked = sum(file.unpacked for file in plan.missing)
    return held + (min(unpacked, stage.unpacked_bytes(plan.files)) if unpacked else 0)


class _OtherFileError(DataError):
    """The file is there, and is not the published one: no fault of the server."""


class _Download:
    """The threads of one download, and what they have done so far."""

    def __init__(self, plan: DownloadPlan, stage: Stage, patience: Patience) -> None:
        self.plan, self.stage = plan, stage
        self.stop = threading.Event()
        self.counting = threading.Lock()
        self.bytes_done = self.received = 0
        self.note = ""
        # where the list has no sizes: what a file has on average, and twice all of them at most
        self.mean_size = plan.size / max(1, len(plan.missing))
        self.limit = 2 * sum(part.size for part in plan.published.chosen(plan.only)) + (1 << 20)
        self.receiver = Receiver(
            patience, self.stop, self._count_received, self._note, mirror=plan.mirror
        )

    def run(self, jobs: int, on_progress: OnProgress) -> DownloadResult:
        ended: queue.SimpleQueue[Future[bool]] = queue.SimpleQueue()
        done = fetched = untried = in_a_row = 0
        failed: list[tuple[str, str]] = []
        shown = 0.0
        with closing(self.receiver), ThreadPoolExecutor(jobs) as pool:
            tasks = {pool.submit(self._fetch_file, file): file for file in self.plan.missing}
            try:
                for task in tasks:
                    task.add_done_callback(ended.put)
                while done + untried < len(tasks):
                    if time.monotonic() - shown >= TICK:
                        on_progress(self._progress(done))
                        shown = time.monotonic()
                    try:
                        task = ended.get(timeout=TICK)
                    except queue.Empty:
                        continue
                    error = Stopped() if task.cancelled() else task.exception()
                    if isinstance(error, Stopped):
                        untried += 1
                        continue
                    done += 1
                    if isinstance(error, DataError):
                        failed.append((tasks[task].path, str(error)))
                        in_a_row += not isinstance(error, _OtherFileError)
                        if in_a_row == HOPELESS:
                            self._stop(pool)
                        continue
                    fetched += task.result()
                    in_a_row = 0
            finally:
                self._stop(pool)
        on_progress(self._progress(done))
        return DownloadResult(
            len(self.plan.files), fetched, self.received, tuple(sorted(failed)), untried
        )

    def _stop(self, pool: ThreadPoolExecutor) -> None:
        self.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)

    def _fetch_file(self, file: RemoteFile) -> bool:
        """Whether the file had to be fetched."""
        if self.stop.is_set():
            raise Stopped
        if file.folder_inside is not None:
            archive = self._receive(file)
            self.stage.record(file, self._unpack(archive, file, file.folder_inside))
            archive.unlink()
            return True
        target = self.stage.target(file.path)
        there = target.exists()
        if not there:
            self._receive(file).replace(target)
        elif not _is_published(target, file):
            raise _OtherFileError(
                f"{target}: is not the published file, by its {file.checksum.partition(':')[0]}, "
                "and was left as it is. Move or delete it, and the same command fetches the right "
                "one."
            )
        else:
            self._count(file.size or 0)
        self.stage.record(file, [file.path])
        return not there

    def _receive(self, file: RemoteFile) -> Path:
        """The verified file in the stage; one that is wrong is fetched once more."""
        part, verified = self.stage.path_of(file, ".part"), self.stage.path_of(file)
        if verified.exists():  # an earlier version was stopped before it was put in its place
            verified.replace(part)
        for _ in range(2):
            self._count(part.stat().st_size if part.exists() else 0)
            self.receiver.receive(file.url, part, size=file.size, limit=self.limit)
            if _is_published(part, file):
                part.replace(verified)
                forget_part(part)
                return verified
            self._count(-part.stat().st_size)
            forget_part(part)
        kind, _, digits = file.checksum.partition(":")
        raise DataError(
            f"{file.url}: what came, twice, is not what {kind} {digits[:12]}... of the "
            "publisher's list stands for. Nothing of it was kept."
        )

    def _unpack(self, archive: Path, file: RemoteFile, folder_inside: str) -> list[str]:
        return unpack(
            archive,
            file.path,
            self.stage.target,
            self.stage.path_of(file, ".member"),
            folder_inside=folder_inside,
            limit=file.unpacked,
            on_bytes=self._stop_unpacking,
        )

    def _progress(self, done: int) -> DownloadProgress:
        with self.counting:
            bytes_done, received, note = self.bytes_done, self.received, self.note
        left = len(self.plan.missing) - done
        total = self.plan.size if self.plan.is_exact else bytes_done + round(left * self.mean_size)
        return DownloadProgress(
            done, len(self.plan.missing), bytes_done, max(total, bytes_done), received, note
        )

    def _count_received(self, count: int) -> None:
        with self.counting:
            self.bytes_done += count
            self.received += max(0, count)
            self.note = ""

    def _count(self, count: int) -> None:
        with self.counting:
            self.bytes_done += count

    def _note(self, reason: str) -> None:
        with self.counting:
            self.note = reason

    def _stop_unpacking(self, count: int) -> None:
        if self.stop.is_set():
            raise Stopped


def _is_published(path: Path, file: RemoteFile) -> bool:
    kind, _, digits = file.checksum.partition(":")
    return bool(pooch.file_hash(str(path), alg=kind) == digits)
