"""Hashes of raw files that are remembered from one process to the next, a line for each file.

They are in the folder of shards, because a database is never written to. They only save reading
files again, and may be lost, damaged or not be written at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.json_files import as_list, as_object, as_text, read_json

# of the one object of all files that earlier versions wrote, which had an end: it was written again
# as a whole, and not read any more beyond some millions of files
EARLIER = 1
# lines for each file, of files that changed, beyond which those that are of no use go; but for few
MOST_LINES, FEW_LINES = 2, 1000
_HEX_DIGITS = 64


class Listed(NamedTuple):
    """A file below a folder; times in ns of the last change of content, and of any kind. Programs
    that copy files set the first; nothing sets the second but the system.
    """

    path: str
    size: int
    modified: int
    changed: int


# the sha256 of files as they were when they were read
Hashes = dict[Listed, str]


def place_of(root: Path, memory: Path | None) -> Path | None:
    """The file that remembers; none where there is no place for it, or only among the files."""
    if memory is None or not memory.is_dir():
        return None
    raw, folder = root.resolve(), memory.resolve()
    if folder.is_relative_to(raw):
        return None
    try:  # so that it is found again where both were moved together
        name = os.path.relpath(raw, folder)
    except ValueError:  # on another drive
        name = str(raw)
    return memory / f".hashes-{hashlib.sha256(name.encode()).hexdigest()[:12]}.jsonl"


def kept_hashes(place: Path, files: Sequence[Listed]) -> Hashes:
    """What is remembered of some files; nothing where that can't be read."""
    wanted = {one: one for one in files}
    found, paths, lines = {}, set(), 0
    kept = _read_lines(place) if place.exists() else _read_earlier(place).items()
    for one, sha256 in kept:
        lines += 1
        paths.add(one.path)
        if one in wanted:
            found[wanted[one]] = sha256
    # other files than these may be remembered, too
    if lines > MOST_LINES * len(paths) + FEW_LINES:
        _drop_replaced(place)
    return found


def keep_hashes(place: Path, new: Hashes, known: Hashes) -> None:
    """Remembers what is ``new``; where nothing was remembered yet, all that is ``known``."""
    if not place.exists():
        new = {**_read_earlier(place), **known}
    elif not new:
        return
    with suppress(OSError), place.open("ab") as file:
        # behind a line that a kill tore, as behind a whole one
        file.write(b"\n" + b"".join(map(_line, new.items())))


def _line(one: tuple[Listed, str]) -> bytes:
    # in ASCII, names that are no UTF-8 as well
    return json.dumps([*one[0], one[1]], separators=(",", ":")).encode() + b"\n"


def _read_lines(place: Path) -> Iterator[tuple[Listed, str]]:
    """Files and hashes, but for lines that are damaged."""
    with suppress(OSError), place.open("rb") as file:
        for line in file:
            with suppress(ValueError, TypeError, ArithmeticError, RecursionError):
                yield _parse_file(json.loads(line))


def _parse_file(values: Any) -> tuple[Listed, str]:
    path, size, modified, changed, sha256 = as_list(values)
    if len(as_text(sha256)) != _HEX_DIGITS:
        raise ValueError(f"no sha256: {sha256}")
    # times before 1970 are below 0
    return Listed(as_text(path), int(size), int(modified), int(changed)), sha256


def _drop_replaced(place: Path) -> None:
    """Keeps the last line of each file."""
    last = {one.path: (one, sha256) for one, sha256 in _read_lines(place)}
    with suppress(OSError), replacing(place) as temporary, temporary.open("wb") as file:
        file.writelines(map(_line, last.values()))


def _read_earlier(place: Path) -> Hashes:
    """What an earlier version remembers."""
    with suppress(DataError):
        return read_json(place.with_suffix(".json"), "hashes", _parse_earlier)
    return {}


def _parse_earlier(tree: dict[str, Any]) -> Hashes:
    if tree["format"] != EARLIER:
        return {}
    files = as_object(tree["files"]).items()
    return dict(_parse_file([path, *as_list(one)]) for path, one in files)
