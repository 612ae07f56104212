"""Files of a database before they are opened: there, plain, and inside the folder they are in."""

from __future__ import annotations

import os
import stat
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


def _check_link(path: Path) -> None:
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise DataError(
            f"{path}: a link that leads out of its folder. Put the file itself there, or do not "
            "use this recording."
        )
