"""Files that are there in full or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import filelock

from ecg_keras.errors import DataError

READ_BYTES = 1 << 20
# of a scratch folder, and seconds in which a process has surely locked its own
LOCK, YOUNG = ".lock", 60.0
# what the system answers where a folder belongs to someone else, or its disk is only to be read
NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)
# of a file that can't be locked, whoever has it
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
# what systems keep on a disk, and often let nobody read
_OF_SYSTEMS = ("lost+found", "System Volume Information", "$RECYCLE.BIN", "#recycle", "@Recycle")


@contextmanager
def replacing(
    path: Path, ending: str | None = None, scratch: Path | None = None, *, durable: bool = True
) -> Iterator[Path]:
    """A temporary path that becomes ``path`` when the block succeeds: in the same folder, or in
    ``scratch``, which is on the same disk. Where it is ``durable``, so it is after a power cut.

    It has the ending of ``path``, by which some writers choose the format, or another one.
    """
    folder = scratch or path.parent
    if scratch is None:
        folder.mkdir(parents=True, exist_ok=True)
    # two processes, on two machines too, may write the same file
    temporary = folder / f".{path.stem}.{uuid.uuid4().hex}{ending or path.suffix}"
    try:
        yield temporary
        if durable:
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            _sync_names(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def lock_file(path: Path, timeout: float = -1.0) -> AbstractContextManager[object]:
    """Locks a file until the block that is begun with what is returned ends, or this process.

    Raises `filelock.Timeout`, an `OSError`, after that many seconds; and a `DataError` where the
    file system keeps no locks, and what takes their place would outlive a process.
    """
    lock = filelock.FileLock(path)
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        _refuse_substitute(lock, path)  # which nobody may ever release
        if not timeout:
            raise
        return lock.acquire(timeout=timeout)
    except (NotImplementedError, OSError) as error:  # the first of earlier versions of filelock
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        raise _without_locks(path) from error
    _refuse_substitute(lock, path)
    return held


def _refuse_substitute(lock: filelock.BaseFileLock, path: Path) -> None:
    if isinstance(lock, filelock.SoftFileLock):
        lock.release(force=True)
        raise _without_locks(path)


def _without_locks(path: Path) -> DataError:
    return DataError(
        f"{path.parent}: this file system keeps no locks, without which two processes may write "
        "the same files. Choose a folder on another one, or have it mounted with locks (Lustre: "
        "flock)."
    )


def refresh(folder: Path) -> None:
    """Has what others wrote into a folder found: NFS remembers for up to a minute that a file is
    not there, unless this machine changes the folder.
    """
    changed = folder / f"{LOCK}.{uuid.uuid4().hex}"
    with suppress(OSError):  # it may be another user's
        changed.touch(exist_ok=False)
        changed.unlink()


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder that goes with the block; those that a killed process left behind go first."""
    for left in parent.glob(f"{prefix}*"):
        # a new one may not be locked yet
        with suppress(OSError):  # a timeout, too
            if left.stat().st_mtime < time.time() - YOUNG:
                with lock_file(left / LOCK, timeout=0):
                    shutil.rmtree(left, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(dir=parent, prefix=prefix) as temporary,
        lock_file(Path(temporary) / LOCK),
    ):
        yield Path(temporary)


def _sync_names(folder: Path) -> None:
    """Has the names in a folder written to the disk, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def list_entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder of a database, by name, without hidden entries, as of macOS or a lock.

    Of a folder of the system that may not be read, such as `lost+found` of a disk, nothing.
    """
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda one: one.name)
    except PermissionError:
        if Path(folder).name not in _OF_SYSTEMS:
            raise
        return []
    return [one for one in entries if not one.name.startswith(".")]


def sha256_of(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """The sha256 of a file, as 64 hex digits, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size  # of many small files, memory costs the most
        piece = memoryview(bytearray(min(READ_BYTES, size + 1)))
        while length := stream.readinto(piece):
            digest.update(piece[:length])
            if on_bytes is not None:
                on_bytes(length)
    return digest.hexdigest()


def write_text(path: Path, text: str, scratch: Path | None = None) -> None:
    """Writes UTF-8 in one piece; ``scratch`` is as of `replacing`."""
    with replacing(path, scratch=scratch) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
