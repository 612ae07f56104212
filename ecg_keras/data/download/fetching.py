"""A published database, fetched into a folder: in parallel, verified, and gone on with.

pooch knows what each file must be, verifies it and renames it; what it lacks for a database of
100,000 files or of 50 GB is added here: ranges, patience, threads, and a memory of what was
verified.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pooch

from ecg_keras.data.download.listing import RemoteFile
from ecg_keras.data.download.planning import DownloadPlan, list_key, plan_download
from ecg_keras.data.download.receiving import Patience, Receiver, Stopped, forget_version
from ecg_keras.data.download.staging import Stage
from ecg_keras.data.download.unpacking import unpack
from ecg_keras.errors import ConfigError, DataError

MOST_JOBS = 16
# so many files in a row can't all be wrong: the server is, and is left alone
HOPELESS = 20
# seconds between two reports of the progress
TICK = 0.2


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is: files and bytes of those that were missing, and bytes that came."""

    done: int
    files: int
    bytes_done: int
    bytes_total: int
    received: int


@dataclass(frozen=True)
class DownloadResult:
    """What a download did.

    Args:
        files: how many belong there.
        fetched: how many were fetched; the others were there already.
        received: bytes that came over the network for them.
        failed: path and reason of those that could not be had.
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
        What was done. It is complete, or names what failed; the same call goes on.

    Raises:
        ConfigError: the source isn't published or has no such part, or a setting is wrong.
        DataError: the list can't be had or can't be right, there is no room, or another download
            writes to the folder.
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
    """Does what a plan says.

    Args:
        plan: from `plan_download`.
        jobs, on_progress: as for `download_database`.
        patience: with the server.

    Raises:
        ConfigError, DataError, OSError: as `download_database`.
    """
    if not 1 <= jobs <= MOST_JOBS:
        raise ConfigError(f"jobs must be from 1 to {MOST_JOBS}. Received: {jobs}.")
    stage = Stage(plan.root)
    if not plan.missing and not stage.is_marked():
        return DownloadResult(len(plan.files), 0, 0, ())
    if (need := plan.disk(jobs)) > (free := stage.free_bytes()):
        raise DataError(
            f"{plan.root}: {need / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free. Make "
            "room, choose another folder, or fetch a part of it with --only. Nothing was fetched."
        )
    with stage.open(plan.command):
        stage.keep_list(list_key(plan.published, plan.only, plan.mirror), plan.files)
        result = _Download(plan, stage, patience or Patience()).run(jobs, on_progress)
        if result.is_complete:
            stage.finish()
        else:
            stage.forget_list()
    return result


class _Download:
    """The threads of one download, and what they have done so far."""

    def __init__(self, plan: DownloadPlan, stage: Stage, patience: Patience) -> None:
        self.plan, self.stage, self.patience = plan, stage, patience
        self.todo = deque(plan.missing)
        self.ended: queue.SimpleQueue[tuple[RemoteFile, bool | BaseException]] = queue.SimpleQueue()
        self.stop = threading.Event()
        self.counting = threading.Lock()
        self.bytes_done = self.received = 0
        # where the list tells no sizes: what a file has on average, and twice all of them at most
        self.mean_size = plan.size / max(1, len(plan.missing))
        self.limit = 2 * sum(part.size for part in plan.published.chosen(plan.only)) + (1 << 20)
        pooch.get_logger().setLevel("ERROR")  # it would tell of each file
        self.pooch = pooch.Pooch(
            path=stage.folder,
            base_url="",
            registry={stage.key_of(file): file.checksum for file in plan.missing},
            urls={stage.key_of(file): file.url for file in plan.missing},
            retry_if_failed=1,
        )

    def run(self, jobs: int, on_progress: OnProgress) -> DownloadResult:
        done = fetched = in_a_row = 0
        failed: list[tuple[str, str]] = []
        shown = 0.0
        with ThreadPoolExecutor(jobs) as pool:
            workers = [pool.submit(self._work) for _ in range(min(jobs, len(self.todo)))]
            try:
                while done < len(self.plan.missing):
                    if time.monotonic() - shown >= TICK:
                        on_progress(self._progress(done))
                        shown = time.monotonic()
                    try:
                        file, outcome = self.ended.get(timeout=TICK)
                    except queue.Empty:
                        if all(worker.done() for worker in workers) and self.ended.empty():
                            break
                        continue
                    done += 1
                    if isinstance(outcome, DataError):
                        failed.append((file.path, str(outcome)))
                        in_a_row += 1
                        if in_a_row >= HOPELESS:
                            self.stop.set()
                    elif isinstance(outcome, BaseException):
                        raise outcome
                    else:
                        fetched += outcome
                        in_a_row = 0
            finally:
                self.stop.set()
        on_progress(self._progress(done))
        return DownloadResult(
            files=len(self.plan.files),
            fetched=fetched,
            received=self.received,
            failed=tuple(sorted(failed)),
            untried=len(self.plan.missing) - done,
        )

    def _work(self) -> None:
        receiver = Receiver(self.patience, self.stop, self._count)
        while not self.stop.is_set():
            try:
                file = self.todo.popleft()
            except IndexError:
                return
            try:
                self.ended.put((file, self._fetch_file(file, receiver)))
            except Stopped:
                return
            except Exception as error:
                self.ended.put((file, error))

    def _fetch_file(self, file: RemoteFile, receiver: Receiver) -> bool:
        """Whether the file had to be fetched."""
        stage = self.stage
        if file.folder_inside is None:
            target = stage.target(file.path)
            if target.exists():
                _check_present(target, file)
                self._count_done(file.size or 0)
                stage.record(file, [file.path])
                return False
        whole = self._receive(file, receiver)
        if file.folder_inside is None:
            whole.replace(target)
            paths = [file.path]
        else:
            paths = unpack(
                whole,
                file.path,
                stage.target,
                stage.path_of(file, ".member"),
                folder_inside=file.folder_inside,
                limit=file.unpacked,
                on_bytes=self._stop_unpacking,
            )
        stage.record(file, paths)
        if file.folder_inside is not None:
            whole.unlink()
        return True

    def _receive(self, file: RemoteFile, receiver: Receiver) -> Path:
        """The verified file in the stage."""
        part = self.stage.path_of(file, ".part")

        def download(url: str, output: str, _: pooch.Pooch) -> None:
            self._count_done(part.stat().st_size if part.exists() else 0)
            receiver.receive(url, part, size=file.size, limit=self.limit)
            part.replace(output)
            forget_version(part)

        try:
            return Path(self.pooch.fetch(self.stage.key_of(file), downloader=download))
        except ValueError as error:
            raise DataError(
                f"{file.url}: what came, twice, is not what {file.checksum.partition(':')[0]} "
                f"{file.checksum.partition(':')[2][:12]}... of the publisher's list stands for. "
                "Nothing of it was kept."
            ) from error

    def _progress(self, done: int) -> DownloadProgress:
        with self.counting:
            bytes_done, received = self.bytes_done, self.received
        left = len(self.plan.missing) - done
        total = self.plan.size if self.plan.is_exact else bytes_done + round(left * self.mean_size)
        return DownloadProgress(
            done, len(self.plan.missing), bytes_done, max(total, bytes_done), received
        )

    def _count(self, count: int) -> None:
        with self.counting:
            self.bytes_done += count
            self.received += max(0, count)

    def _stop_unpacking(self, count: int) -> None:
        if self.stop.is_set():
            raise Stopped

    def _count_done(self, count: int) -> None:
        with self.counting:
            self.bytes_done += count


def _check_present(target: Path, file: RemoteFile) -> None:
    kind, _, digits = file.checksum.partition(":")
    if pooch.file_hash(str(target), alg=kind) != digits:
        raise DataError(
            f"{target}: is not the published file, by its {kind}, and was left as it is. Move or "
            "delete it, and the same command fetches the right one."
        )
