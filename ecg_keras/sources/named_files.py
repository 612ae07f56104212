"""Which files of a folder are the recordings that a labels table names: others may come and go."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.errors import DataError
from ecg_keras.formats import TEXT, list_names, read_text, split_ending
from ecg_keras.sources.labels_table import read_header, read_table
from ecg_keras.sources.table_columns import name_parts, read_files

# of signal files, which a WFDB header may call otherwise than itself
SIGNAL_FILES = (".dat", ".mat")


@dataclass(frozen=True)
class NamedFiles:
    """The files that a table names, as `_plain` spells them.

    No recording is opened, but for the headers of those beside which are files of unknown endings,
    or WFDB files that might be segments of theirs.
    """

    root: Path
    table: str
    files: frozenset[str]  # named with their ending
    # named without an ending, or of WFDB recordings, which have several files; each with its name
    # as the table spells it
    stems: Mapping[str, str]
    folders: frozenset[str]  # of the latter

    def __call__(self, path: str) -> bool:
        """Whether a file is read; ``path`` is relative to the folder."""
        spelled = _plain(path)
        if spelled == self.table or spelled in self.files:
            return True
        # a text beside a recording is a note, unless the table names it
        if not spelled.endswith(TEXT) and split_ending(spelled)[0] in self.stems:
            return True
        beside = spelled.rpartition("/")[0] in self.folders
        of_signals = beside and spelled.endswith(SIGNAL_FILES)
        # names of segments are looked up where files might be such, for that opens all headers
        if (of_signals or (beside and spelled.endswith(".hea"))) and (
            spelled.rpartition(".")[0] in self.segments
        ):
            return True
        # a header may call its signal files as it likes
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
            found.update(_plain(f"{folder}/{one}" if folder else one) for one in names)
        return frozenset(found)


@functools.lru_cache(maxsize=4)
def find_named_files(root: Path, table: Path, pattern: str, changed: int, size: int) -> NamedFiles:
    """The files that a table names, whose time of change and size show whether it is the same."""
    files: set[str] = set()
    stems: dict[str, str] = {}
    frame = read_table(table, name_parts(pattern, read_header(table)))
    for name in read_files(table, root, frame, pattern):
        stem, kind = split_ending(name)
        if kind in (None, "wfdb"):
            stems[_plain(stem)] = stem
        else:
            files.add(_plain(name))
    folders = {stem.rpartition("/")[0] for stem in stems}
    spelled = _plain(table.relative_to(root).as_posix())
    return NamedFiles(root, spelled, frozenset(files), stems, frozenset(folders))


def _names(header: Path, file: str) -> bool:
    """Whether a WFDB header names a file."""
    try:
        return file in read_text(str(header))
    except DataError:  # no header, or none that could be read later
        return False


def _plain(path: str) -> str:
    """A path in the one spelling of those that a disk may take for the same file."""
    return (path if path.isascii() else unicodedata.normalize("NFC", path)).casefold()
