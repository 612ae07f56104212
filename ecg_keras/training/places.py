"""Folders that a run names: as they lie from its own, so that all of them can be moved together."""

from __future__ import annotations

import os
from pathlib import Path


def seen_from(folder: Path, path: Path) -> str:
    """A path for a file in ``folder``: from there, with slashes; absolute only on another drive.

    Example:
        >>> seen_from(Path("runs/mine"), Path("shards/ptbxl"))
        '../../shards/ptbxl'
    """
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return str(path.resolve())


def find_place(folder: Path, stored: str) -> Path:
    """The path that a file in ``folder`` names, as `seen_from` or an earlier version wrote it.

    Earlier versions wrote absolute paths. The end of one is looked for beside the folder, then
    beside each of those that it is in, so that a copy keeps to itself; last comes the path as it
    is.

    Returns:
        A path below the current folder where it lies there, otherwise absolute. It may not exist.

    Example:
        >>> find_place(Path("runs/mine"), "../../shards/ptbxl")
        PosixPath('shards/ptbxl')
    """
    home, path = folder.resolve(), Path(stored)
    found = (home / path).resolve()
    if path.is_absolute():
        ends = [path.parts[start:] for start in range(1, len(path.parts))]
        places = (parent.joinpath(*end) for parent in home.parents for end in ends)
        found = next((place for place in places if place.exists()), found)
    here = Path.cwd()
    return found.relative_to(here) if found.is_relative_to(here) else found
