"""Files of a database before they are opened: there, plain, and inside the folder they are in."""

from __future__ import annotations

import functools
import os
import stat
import unicodedata
from pathlib import Path

from ecg_keras.errors import DataError


def stat_file(path: Path | str, advice: str) -> os.stat_result:
    """The size and times of a file that is safe to open.

    Args:
        path: of the file. It may be a link to a file of the same folder.
        advice: one sentence for the error about a missing file: who names it, and what to do.

    Returns:
        As `os.stat`.

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


def find_alike(path: Path | str) -> list[str]:
    """Files whose name differs from the one that is asked for only in how it is written.

    Copying between systems changes the case of names (``R1.DAT``) and whether accents are letters
    of their own (Unicode's NFC and NFD), the latter in the names of folders, too.

    Args:
        path: of a file that is not there.

    Returns:
        Paths in the same folder, sorted; in case or accents they differ from ``path``.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "R1.DAT").touch()
        >>> [Path(one).name for one in find_alike(folder / "r1.dat")]
        ['R1.DAT']
    """
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


@functools.lru_cache(maxsize=4)  # of a database with other names a folder is asked for each file
def _list_names(folder: str, changed: int) -> dict[str, tuple[str, ...]]:
    """The names in a folder by what they have in common; its time of change tells a new state."""
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
