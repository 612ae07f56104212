"""Which files of a folder belong to the recordings that a labels table names.

A table, a note or a recording that the labels table does not name may come and go without making
another dataset of the folder. To find that out no recording is opened, but for the headers of
those beside which lie files of unknown endings, or WFDB files that might be segments of theirs.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.errors import DataError
from ecg_keras.formats import split_ending
from ecg_keras.formats.wfdb_headers import read_text
from ecg_keras.formats.wfdb_segments import list_names
from ecg_keras.sources.labels_table import read_table
from ecg_keras.sources.table_columns import read_files

# of signal files, which a WFDB header may call otherwise than itself
SIGNAL_FILES = (".dat", ".mat")


@dataclass(frozen=True)
class NamedFiles:
    """The files that a table names, as `plain` spells them.

    Attributes:
        root: the folder.
        table: the labels table.
        files: named with their ending.
        stems: named without an ending, or of WFDB recordings, which have several files; each with
            its name as the table spells it.
        folders: of the latter.
    """

    root: Path
    table: str
    files: frozenset[str]
    stems: Mapping[str, str]
    folders: frozenset[str]

    def __call__(self, path: str) -> bool:
        """Whether a file is read; ``path`` is relative to the folder."""
        spelled = plain(path)
        if spelled == self.table or spelled in self.files:
            return True
        if split_ending(spelled)[0] in self.stems:
            return True
        beside = spelled.rpartition("/")[0] in self.folders
        of_signals = beside and spelled.endswith(SIGNAL_FILES)
        # names of segments are looked up where files might be such, for that opens all headers
        if (of_signals or (beside and spelled.endswith(".hea"))) and (
            spelled.rpartition(".")[0] in self.segments
        ):
            return True
        # what a header calls its signal files is its own business
        header = self.root / f"{path.rpartition('.')[0]}.hea"
        if spelled.rpartition(".")[0] in self.stems:
            return _names(header, path.rpartition("/")[2])
        # one beside a header of its own name is that header's
        return of_signals and not header.exists()

    @functools.cached_property
    def segments(self) -> frozenset[str]:
        """The stems of the records of which named ones consist."""
        found: set[str] = set()
        for stem, name in self.stems.items():
            try:
                names = list_names(self.root / name)
            except DataError:  # no header, or none that could be read later
                continue
            folder = stem.rpartition("/")[0]
            found.update(plain(f"{folder}/{one}" if folder else one) for one in names)
        return frozenset(found)


def find_named_files(root: Path, table: Path, column: str) -> NamedFiles:
    """The files that a labels table names.

    Args:
        root: the folder with the recordings.
        table: in it.
        column: with each recording's file.

    Raises:
        DataError: the table can't be read, or names a file outside the folder.
    """
    state = table.stat()
    return _find(root, table, column, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=4)
def _find(root: Path, table: Path, column: str, changed: int, size: int) -> NamedFiles:
    files: set[str] = set()
    stems: dict[str, str] = {}
    for name in read_files(table, root, read_table(table, {column})[column]):
        stem, kind = split_ending(name)
        if kind in (None, "wfdb"):
            stems[plain(stem)] = stem
        else:
            files.add(plain(name))
    folders = {stem.rpartition("/")[0] for stem in stems}
    spelled = plain(table.relative_to(root).as_posix())
    return NamedFiles(root, spelled, frozenset(files), stems, frozenset(folders))


def _names(header: Path, file: str) -> bool:
    try:
        return file in read_text(str(header))
    except DataError:  # no header, or none that could be read later
        return False


def plain(path: str) -> str:
    """A path in the one spelling of those that a disk may take for the same file.

    Example:
        >>> plain("A/R1.DAT")
        'a/r1.dat'
    """
    return (path if path.isascii() else unicodedata.normalize("NFC", path)).casefold()
