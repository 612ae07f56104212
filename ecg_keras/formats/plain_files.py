"""Files of a database before they are opened: there, plain, and inside the folder they are in."""

from __future__ import annotations

import functools
import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecg_keras.errors import DataError

# of a recording that is read at once, all leads together: a day of twelve at 500 Hz is half of it
MOST_VALUES = 1_000_000_000


def stat_file(path: Path | str, advice: str) -> os.stat_result:
    """The `os.stat` of a file that is safe to open.

    Args:
        path: of the file. It may be a link to a file of the same folder.
        advice: one sentence for the error about a missing file: who names it, and what to do.

    Raises:
        DataError: it is missing, is a folder, device or pipe, or a link that leads out of its
            folder.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "r.dat"
        >>> path.write_bytes(b"1234")
        4
        >>> stat_file(path, "Download it.").st_size
        4
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            _check_link(Path(path))
            status = os.stat(path)  # noqa: PTH116  strings: Path objects cost more than the calls
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. {advice}") from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path}: no plain file. Put the recording's samples there.")
    return status


@contextmanager
def errors_name(path: Path | str) -> Iterator[None]:
    """Puts the path of an exported file before the message of an error about it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Check that the export is complete.") from error


def read_at_most(path: Path, limit: int) -> bytes:
    """The content of an exported file, or its first ``limit + 1`` bytes."""
    with errors_name(path), path.open("rb") as stream:
        # memory for what is asked for is taken at once
        return stream.read(min(limit, os.fstat(stream.fileno()).st_size) + 1)


def find_alike(path: Path | str) -> list[str]:
    """Files, sorted, whose name differs from that of a missing one only in case or accents."""
    # Copying between systems changes the case of names (`R1.DAT`) and whether accents are separate
    # letters (Unicode's NFC and NFD), the latter in the names of folders, too
    folder, name = os.path.split(path)
    if folder and not os.path.isdir(folder):  # noqa: PTH112  as above
        same = [one for one in find_alike(folder) if normalise(one) == normalise(folder)]
        if len(same) != 1:
            return []
        (folder,) = same
    try:
        changed = os.stat(folder or ".").st_mtime_ns  # noqa: PTH116
        names = _list_names(folder, changed).get(normalise(name).casefold(), ())
    except OSError:
        return []
    found = [f"{folder}/{one}" if folder else one for one in names]
    return [one for one in found if one != str(path)]


def normalise(name: str) -> str:
    """A name with its accents in the one way that all systems know (Unicode's NFC)."""
    return unicodedata.normalize("NFC", name)


@functools.lru_cache(maxsize=4)  # a database with other names looks into a folder for each file
def _list_names(folder: str, changed: int) -> dict[str, tuple[str, ...]]:
    """The names in a folder by what they have in common; its time of change marks a new state."""
    names: dict[str, tuple[str, ...]] = {}
    for name in sorted(os.listdir(folder or ".")):  # noqa: PTH208  as above
        plain = normalise(name).casefold()
        names[plain] = (*names.get(plain, ()), name)
    return names


def _check_link(path: Path) -> None:
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise DataError(
            f"{path}: a link that leads out of its folder. Put the file itself there, or do not "
            "use this recording."
        )
