"""Archives, unpacked as if a stranger had packed them.

A member is a plain file below the folder, or the archive is refused; all of them together are no
larger than the database is known to be; and nothing that is there already is written over.
"""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from ecg_keras.errors import DataError
from ecg_keras.sources import path_inside

PIECE = 1 << 20
MOST_FILES = 1_000_000
# the largest piece of an archive that is read at once: no header gets to ask for more
LONGEST_READ = 1 << 24
# what file browsers and macOS leave in archives
_JUNK = ("__MACOSX", ".DS_Store")
# a RuntimeError or NotImplementedError is zipfile's for methods of packing that it does not know
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
)


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    refused: str | None  # why it may not be unpacked
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path,
    name: str,
    place: Callable[[str], Path],
    spare: Path,
    *,
    folder_inside: str,
    limit: int,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Unpacks a zip or tar archive, and gives the paths of its files below the folder.

    ``place`` gives a member's path on the disk, ``spare`` holds one until it is whole, ``name``
    ends in ``.zip``, ``.tar`` or ``.tar.gz``; all members have at most ``limit`` bytes.
    """
    unpacked = []
    try:
        with _open_members(archive, name) as members:
            for member in _checked(members, name, limit):
                path = member.name.removeprefix(folder_inside)
                with member.open() as stream:
                    _place(stream, member, place(path), spare, name, on_bytes)
                unpacked.append(path)
    except _DAMAGED as error:
        raise DataError(f"{name}: a damaged archive: {error}.") from error
    except OSError as error:
        if error.errno is not None:  # the disk's, not a decompressor's
            raise
        raise DataError(f"{name}: a damaged archive: {error}.") from error
    finally:
        spare.unlink(missing_ok=True)
    if not unpacked:
        raise DataError(f"{name}: an archive without files.")
    return unpacked


def _checked(members: Iterator[_Member], name: str, limit: int) -> Iterator[_Member]:
    total = 0
    seen: set[str] = set()
    for count, member in enumerate(members):
        parts = PurePosixPath(member.name).parts
        if any(part in _JUNK or part.startswith("._") for part in parts):
            continue
        if member.refused is not None:
            raise DataError(f"{name}: {member.name!r} is {member.refused}. Nothing more was kept.")
        total += member.size
        if member.size < 0 or total > limit or count >= MOST_FILES:
            raise DataError(
                f"{name}: unpacks to more than {limit:,} bytes or {MOST_FILES:,} files, which that "
                "database does not have."
            )
        if member.name in seen:
            raise DataError(f"{name}: {member.name!r} is there twice.")
        seen.add(member.name)
        yield member


def _place(
    stream: IO[bytes],
    member: _Member,
    target: Path,
    spare: Path,
    name: str,
    on_bytes: Callable[[int], None],
) -> None:
    have = 0
    with ExitStack() as files:
        old = files.enter_context(target.open("rb")) if target.exists() else None
        new = None if old else files.enter_context(spare.open("wb"))
        while piece := stream.read(PIECE):
            have += len(piece)
            if have > member.size:
                break
            if old is not None and old.read(len(piece)) != piece:
                have = -1
                break
            if new is not None:
                new.write(piece)
            on_bytes(len(piece))
        if old is not None and (have != member.size or old.read(1)):
            raise DataError(
                f"{target}: is not what {name} holds, and was left as it is. Move it away, and the "
                "same command resumes."
            )
    if have != member.size:
        raise DataError(f"{name}: {member.name!r} has not the {member.size:,} bytes it says.")
    if new is not None:
        spare.replace(target)


@contextmanager
def _open_members(archive: Path, name: str) -> Iterator[Iterator[_Member]]:
    with ExitStack() as files:
        if name.endswith(".zip"):
            yield _zip_members(files.enter_context(zipfile.ZipFile(archive)))
            return
        raw = files.enter_context(archive.open("rb"))
        # published names can be wrong: records.tar.gz of SPH is a plain tar
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        source = files.enter_context(gzip.GzipFile(fileobj=raw)) if packed else raw
        careful = _CarefulReader(source)
        yield _tar_members(files.enter_context(_Tar.open(fileobj=careful, mode="r:")))


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.is_dir():
            continue
        refused = _refuse_name(info.filename)
        if info.flag_bits & 1:
            refused = "encrypted"
        elif mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            refused = "no plain file"
        yield _Member(info.filename, info.file_size, refused, partial(archive.open, info))


class _Tar(tarfile.TarFile):
    members: list[tarfile.TarInfo]

    def open_member(self, info: tarfile.TarInfo) -> IO[bytes]:
        stream = self.extractfile(info)
        if stream is None:
            raise tarfile.ReadError(f"{info.name} has no content")
        return stream


def _tar_members(archive: _Tar) -> Iterator[_Member]:
    while (info := archive.next()) is not None:
        archive.members.clear()  # it would keep every one
        if info.isdir():
            continue
        refused = _refuse_name(info.name)
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            refused = "no plain file"
        yield _Member(info.name, info.size, refused, partial(archive.open_member, info))


def _refuse_name(name: str) -> str | None:
    try:
        path_inside(Path(), name)
    except DataError:
        return "a name that leads out of the folder"
    return None if name.isprintable() else "an unprintable name"


class _CarefulReader(io.IOBase):
    """A file that refuses to be read in pieces that only a forged header would ask for."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile) -> None:
        self.source = source

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LONGEST_READ:
            raise tarfile.ReadError(f"a header asks for {size:,} bytes at once")
        return self.source.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.source.seek(offset, whence)
