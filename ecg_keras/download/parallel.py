"""The threads of a download.

pooch knows what each file must be, verifies it and renames it. What it lacks for a database of
100,000 files or of 50 GB is added: ranges and patience by its downloader plug-in, threads here.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pooch

from ecg_keras.download.listing import RemoteFile
from ecg_keras.download.planning import DownloadPlan
from ecg_keras.download.receiving import Patience, Receiver, Stopped, forget_part
from ecg_keras.download.staging import Stage
from ecg_keras.download.unpacking import unpack
from ecg_keras.errors import DataError

# so many files in a row can't all be wrong: the server is, and is left alone
HOPELESS = 20
# seconds between two reports of the progress
TICK = 0.2


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is.

    Args:
        done, files: of the files that were missing.
        bytes_done, bytes_total: of these files; the total is estimated where no list tells it.
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


class _OtherFileError(DataError):
    """The file is there, and is not the published one: no fault of the server."""


class Download:
    """The threads of one download, and what they have done so far."""

    def __init__(self, plan: DownloadPlan, stage: Stage, patience: Patience) -> None:
        self.plan, self.stage, self.patience = plan, stage, patience
        self.todo = deque(plan.missing)
        self.ended: queue.SimpleQueue[tuple[RemoteFile, bool | BaseException]] = queue.SimpleQueue()
        self.stop = threading.Event()
        self.counting = threading.Lock()
        self.bytes_done = self.received = 0
        self.note = ""
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
                        in_a_row += not isinstance(outcome, _OtherFileError)
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
        with closing(Receiver(self.patience, self.stop, self._count, self._note)) as receiver:
            while not self.stop.is_set():
                try:
                    file = self.todo.popleft()
                except IndexError:
                    return
                try:
                    self.ended.put((file, self._fetch_file(file, receiver)))
                except Stopped:
                    return
                except Exception as error:  # the thread that waits decides
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
        part, tries = self.stage.path_of(file, ".part"), 0

        def download(url: str, output: str, _: pooch.Pooch) -> None:
            nonlocal tries
            tries += 1
            if tries > 1:  # what came first was not what it should be
                forget_part(part)
            self._count_done(part.stat().st_size if part.exists() else 0)
            receiver.receive(url, part, size=file.size, limit=self.limit)
            Path(output).unlink()
            try:  # a second name: killed while it is verified, it need not be fetched again
                Path(output).hardlink_to(part)
            except OSError:
                part.replace(output)

        try:
            whole = Path(self.pooch.fetch(self.stage.key_of(file), downloader=download))
        except ValueError as error:
            forget_part(part)
            kind, _, digits = file.checksum.partition(":")
            raise DataError(
                f"{file.url}: what came, twice, is not what {kind} {digits[:12]}... of the "
                "publisher's list stands for. Nothing of it was kept."
            ) from error
        forget_part(part)
        return whole

    def _progress(self, done: int) -> DownloadProgress:
        with self.counting:
            bytes_done, received, note = self.bytes_done, self.received, self.note
        left = len(self.plan.missing) - done
        total = self.plan.size if self.plan.is_exact else bytes_done + round(left * self.mean_size)
        return DownloadProgress(
            done, len(self.plan.missing), bytes_done, max(total, bytes_done), received, note
        )

    def _count(self, count: int) -> None:
        with self.counting:
            self.bytes_done += count
            self.received += max(0, count)
            self.note = ""

    def _note(self, reason: str) -> None:
        with self.counting:
            self.note = reason

    def _stop_unpacking(self, count: int) -> None:
        if self.stop.is_set():
            raise Stopped

    def _count_done(self, count: int) -> None:
        with self.counting:
            self.bytes_done += count


def _check_present(target: Path, file: RemoteFile) -> None:
    kind, _, digits = file.checksum.partition(":")
    if pooch.file_hash(str(target), alg=kind) != digits:
        raise _OtherFileError(
            f"{target}: is not the published file, by its {kind}, and was left as it is. Move or "
            "delete it, and the same command fetches the right one."
        )
