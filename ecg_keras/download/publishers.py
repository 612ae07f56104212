"""What a publisher says that a database consists of: paths, checksums and, at most, sizes.

A list comes from outside, so nothing in it is trusted: its form is checked line by line, its paths
must stay below the folder that they are for, and it must have as many files as that version has.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from ecg_keras.download.catalogue import ROOTS, Published, Publisher
from ecg_keras.errors import DataError
from ecg_keras.sources import path_inside
from ecg_keras.text import without_user

# the folder beside the data in which a download keeps what is not data; hidden, so no source reads
# it and no fingerprint of raw files counts it
STAGE = ".download"
_DIGITS = {"sha256": 64, "md5": 32}
_SUM_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *]?(\S.*)")
_PAGE = 100

Read = Callable[[str], bytes]


@dataclass(frozen=True, order=True)
class RemoteFile:
    """A file that is to be fetched; ``path`` is below the folder of the database, with slashes.

    ``folder_inside`` of an archive is the folder in it whose contents are wanted, ``None`` where
    the file is kept as it is, and ``unpacked`` the bytes that it may hold at most.
    """

    path: str
    url: str
    checksum: str  # sha256: or md5: and hexadecimal digits, in lower case
    size: int | None = None
    folder_inside: str | None = None
    unpacked: int = 0


def find_roots(published: Published, mirror: str | None) -> tuple[str, str]:
    """What the URLs of a publisher's lists and of its files begin with, or those of a mirror.

    A user and password in its address are left to whoever asks it.
    """
    if mirror is None:
        return ROOTS[published.publisher]
    root = without_user(mirror).rstrip("/") + "/"
    return root, root


def list_files(
    published: Published, read: Read, *, only: tuple[str, ...] = (), mirror: str | None = None
) -> tuple[RemoteFile, ...]:
    """The files of a database or of some parts, by path; ``read`` gives the bytes behind a URL."""
    parts = published.chosen(only)
    lists, files = find_roots(published, mirror)
    listed = _LISTERS[published.publisher](published.place, lists, files, read)
    chosen = []
    for part in parts:
        for pattern, expected in part.files.items():
            matches = re.compile(fnmatch.translate(pattern)).match
            found = [one for one in listed if matches(one.path)]
            if len(found) != expected:
                raise DataError(
                    f"{lists}{published.place}: the list of {published.title} has "
                    f"{len(found):,} files {pattern} and must have {expected:,}. It was cut off "
                    "on its way or is another's: try again later."
                )
            chosen += [_place(published, one, part.unpacked) for one in found]
    check_paths([one.path for one in chosen], lists + published.place)
    return tuple(sorted(chosen, key=lambda one: one.path))


def check_files(files: Sequence[RemoteFile], root: str, where: str) -> None:
    """Refuses files of a list that was kept which are no files of a publisher's."""
    for one in files:
        if not one.url.startswith(root):
            raise DataError(f"{where}: {one.url[:80]!r} is not below {root}.")
        _check_checksum(one.checksum, where)
    check_paths([one.path for one in files], where)


def _place(published: Published, file: RemoteFile, unpacked: int) -> RemoteFile:
    """A listed file at its place on the disk, and what to unpack of it."""
    inside = (
        folder
        for pattern, folder in published.archives.items()
        if fnmatch.fnmatchcase(file.path, pattern)
    )
    return replace(
        file,
        path=file.path.removeprefix(published.strip),
        folder_inside=next(inside, None),
        unpacked=unpacked,
    )


def parse_sums(text: str, where: str) -> dict[str, str]:
    """The paths and checksums of a ``SHA256SUMS.txt``, whose URL is ``where``."""
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _SUM_LINE.fullmatch(line.rstrip())
        if match is None:
            raise DataError(
                f"{where}: line {number} is not 64 hexadecimal digits and a path. Received: "
                f"{line[:80]!r}. Is this the publisher's list, or a page of a login or proxy?"
            )
        path, checksum = str(PurePosixPath(match[2])), f"sha256:{match[1].lower()}"
        if sums.setdefault(path, checksum) != checksum:
            raise DataError(f"{where}: line {number}: {path} has two checksums.")
    return sums


def check_paths(paths: Iterable[str], where: str) -> None:
    """Refuses paths that lead outside their folder, into the stage, or through another file."""
    seen: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        try:
            path_inside(Path(), path)
        except DataError as error:
            raise DataError(f"{where}: {error} Nothing was fetched.") from None
        odd = ":" in path or not path.isprintable()  # no database has such names
        if path in seen or odd or path.startswith(f"{STAGE}/"):
            raise DataError(f"{where}: no file may be called {path!r}. Nothing was fetched.")
        seen.add(path)
        folders.update(str(folder) for folder in PurePosixPath(path).parents)
    if seen & folders:
        raise DataError(f"{where}: {min(seen & folders)} is both a file and a folder.")


def _list_physionet(place: str, lists: str, files: str, read: Read) -> list[RemoteFile]:
    where = f"{lists}{place}/SHA256SUMS.txt"
    try:
        text = read(where).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not text: {error}.") from None
    return [
        RemoteFile(path, f"{files}{place}/{quote(path)}", checksum)
        for path, checksum in parse_sums(text, where).items()
    ]


def _list_zenodo(place: str, lists: str, files: str, read: Read) -> list[RemoteFile]:
    where = f"{lists}api/records/{place}"
    listed = []
    for item in _field(_read_json(read, where), "files", list, where):
        name = _field(item, "key", str, where)
        url = f"{files}records/{place}/files/{quote(name)}?download=1"
        listed.append(_check_file(name, url, _field(item, "checksum", str, where), item, where))
    return listed


def _list_figshare(place: str, lists: str, files: str, read: Read) -> list[RemoteFile]:
    """A collection has articles, an article has files."""
    where = f"{lists}v2/collections/{place}/articles?page_size={_PAGE}"
    articles = _read_json(read, where)
    if not isinstance(articles, list) or len(articles) >= _PAGE:
        raise DataError(f"{where}: must be a list of fewer than {_PAGE} articles.")
    listed = []
    for article in articles:
        inner = f"{lists}v2/articles/{_field(article, 'id', int, where)}/files"
        items = _read_json(read, inner)
        if not isinstance(items, list):
            raise DataError(f"{inner}: must be a list of files.")
        for item in items:
            url = f"{files}files/{_field(item, 'id', int, inner)}"
            checksum = f"md5:{_field(item, 'computed_md5', str, inner)}"
            name = _field(item, "name", str, inner)
            listed.append(_check_file(name, url, checksum, item, inner))
    return listed


_LISTERS: dict[Publisher, Callable[[str, str, str, Read], list[RemoteFile]]] = {
    "physionet": _list_physionet,
    "zenodo": _list_zenodo,
    "figshare": _list_figshare,
}


def _read_json(read: Read, where: str) -> Any:
    try:
        return json.loads(read(where))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: not the list that was expected, but something that is no JSON: "
            f"{str(error)[:80]}."
        ) from None


def _field(item: Any, name: str, kind: type, where: str) -> Any:
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(
            f"{where}: an entry needs {name!r} of type {kind.__name__}. Received: "
            f"{str(item)[:80]!r}."
        )
    return value


def _check_file(path: str, url: str, checksum: str, item: Any, where: str) -> RemoteFile:
    checksum = checksum.lower()
    _check_checksum(checksum, where)
    size: int = _field(item, "size", int, where)
    if size < 0:
        raise DataError(f"{where}: a size must not be negative. Received: {size}.")
    return RemoteFile(path, url, checksum, size)


def _check_checksum(checksum: str, where: str) -> None:
    kind, _, digits = checksum.partition(":")
    if len(digits) != _DIGITS.get(kind) or not re.fullmatch("[0-9a-f]+", digits):
        raise DataError(
            f"{where}: a checksum must be md5: or sha256: and its digits. Received: "
            f"{checksum[:80]!r}."
        )
