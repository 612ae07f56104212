"""Files, folders and patterns that a command names: which of what is there are recordings."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ecg_keras.array_files import holds_array
from ecg_keras.errors import ConfigError, DataError, listed
from ecg_keras.formats import (
    NUMPY,
    TEXT,
    find_kind,
    find_recording,
    list_names,
    split_ending,
)
from ecg_keras.text import plural

# of the labels of a folder's recordings
TABLES = ("labels.csv", "labels.tsv")
# of features, labels or answers, or notes, as likely as ECGs: to be named
_TO_BE_NAMED = (NUMPY, ".npz", TEXT)
# of a CSV file of answers, which may be written beside the recordings
FIRST_COLUMNS = ("record_id", "patient_id", "split", "status", "reason", "windows", "lost")
# a line of samples, and bytes of a text in which there are some
_NUMBERS = re.compile(rb"[\s;,|]*[-+]?\d[-+\d\s;,.|:eE\"]*")
_GLIMPSE = 8192


def expand(
    files: Iterable[str | Path],
    array: str | None,
    stored: list[Path] | None,
    unnamed: list[Path],
    *,
    named: bool = True,
) -> Iterator[tuple[Path, bool]]:
    """Recordings, and whether the user named each himself; ``stored`` gets shards, and ``unnamed``
    what has to be named."""
    for one in files:
        path = Path(one)
        if not str(one):
            raise ConfigError("a name of a recording or folder is empty. The folder here is '.'.")
        if glob.has_magic(str(one)) and not path.exists():
            names = sorted(glob.glob(str(one), recursive=True))  # noqa: PTH207  absolute ones, too
            if not names:
                raise DataError(f"{one}: no file has such a name.")
            paths = [Path(name) for name in names]
            if Path(one).suffix.lower() != TEXT:  # notes, unless the pattern asks for texts
                texts = (each for each in paths if each.suffix.lower() == TEXT)
                unnamed += filter(_may_be_samples, texts)
                paths = [each for each in paths if each.suffix.lower() != TEXT]
            shards = dict.fromkeys(
                each for each in paths if stored is not None and _is_stored(each)
            )
            recordings = [each for each in paths if each not in shards and _is_asked(each, array)]
            segments = _list_segments(recordings)
            chosen = [
                each for each in recordings if each not in segments and _holds_any(each, unnamed)
            ]
            if not shards and not chosen:
                raise DataError(
                    f"{one}: matches {listed(names, 3)}, and none is a recording by its name. Of "
                    f"WFDB the .hea is named.{say_unnamed(unnamed)}"
                )
            yield from expand([*shards, *chosen], array, stored, unnamed, named=False)
        elif stored is not None and _is_stored(path):
            stored.append(path)
        elif path.is_dir():
            yield from ((each, False) for each in _list_folder(path, unnamed))
        else:
            yield _header(path), named


def _is_stored(path: Path) -> bool:
    """Whether it is a shard, or a folder of shards."""
    return path.suffix == ".tfrecord" or (path / "dataset.json").is_file()


def _holds_any(path: Path, unnamed: list[Path]) -> bool:
    """Whether what a pattern found is a file, or a folder with a recording in it."""
    return not path.is_dir() or next(_walk(path, unnamed), None) is not None


def say_unnamed(paths: Sequence[Path]) -> str:
    """How files are asked about that a folder or pattern left out."""
    if not paths:
        return ""
    found = dict.fromkeys(paths)
    patterns = dict.fromkeys(f"'{one.with_name(f'*{one.suffix}')}'" for one in found)
    return (
        f" {plural(len(found), 'file')} of texts or arrays left out: name them, or a pattern of "
        f"their ending: {listed(list(patterns), 3)}."
    )


def _may_be_samples(path: Path) -> bool:
    """Of a text, whether most of its first lines are rows of numbers."""
    if path.suffix.lower() != TEXT:
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            begun = file.read(_GLIMPSE)
    except OSError:  # the reason is given when it is read
        return False
    # of UTF-16 every second byte is 0; a header may be long
    lines = begun.replace(b"\0", b"").splitlines()[-20:]
    return 2 * sum(_NUMBERS.fullmatch(line) is not None for line in lines) > len(lines)


def _list_folder(folder: Path, unnamed: list[Path]) -> Iterator[Path]:
    """Recordings below a folder; one without any is refused."""
    recordings = _walk(folder, unnamed)
    first = next(recordings, None)
    if first is None:
        raise DataError(
            f"{folder}: holds no recording. Name a folder with WFDB, CSV, EDF, DICOM, XML or HDF5 "
            f"files, or with shards.{say_unnamed(unnamed)}"
        )
    yield first
    yield from recordings


def _walk(folder: Path, unnamed: list[Path]) -> Iterator[Path]:
    """Recordings below a folder, in order of their names; links to other folders are left alone."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(place) / name for name in sorted(names) if not name.startswith(".")]
        found = [path for path in paths if path.name not in TABLES and _is_asked(path)]
        recordings = [path for path in found if path.suffix.lower() not in _TO_BE_NAMED]
        to_name = (path for path in found if path.suffix.lower() in _TO_BE_NAMED)
        unnamed += filter(_may_be_samples, to_name)
        segments = _list_segments(recordings)
        yield from (path for path in recordings if path not in segments)


def _list_segments(paths: Sequence[Path]) -> set[Path]:
    """Headers of the parts of which other records of the same folder consist."""
    found = set()
    for path in paths:
        if path.suffix.lower() == ".hea" and path.is_file():  # a pipe would wait for its writer
            try:
                names = list_names(path.with_suffix(""))
            except DataError:  # the reason is given when it is read
                continue
            found |= {path.parent / f"{name}{path.suffix}" for name in names}
    return found


def _is_asked(path: Path, array: str | None = None) -> bool:
    """Whether a file is a recording by its name; of WFDB the header is, not the samples."""
    if path.is_dir():
        return True
    kind = find_kind(path, array)
    if kind == "wfdb":
        return path.suffix.lower() == ".hea"
    if path.suffix.lower() == ".npz" and array is None:
        return not holds_array(path, "attributions")  # as `explain` writes beside recordings
    if kind is not None:
        return kind != "csv" or not is_of_answers(path)
    try:  # DICOM files often have no ending
        return find_recording(path)[1] == "dicom"
    except DataError:
        return False


def is_of_answers(path: Path) -> bool:
    """Whether a CSV file holds answers."""
    begun = ",".join(FIRST_COLUMNS).encode()
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(begun)) == begun
    except OSError:  # the reason is given when it is read
        return False


def _header(path: Path) -> Path:
    """A WFDB recording is its header, whichever of its files is named."""
    stem, kind = split_ending(path.name)
    if kind == "wfdb" and path.suffix != ".HEA":
        header = path.with_name(f"{stem}.hea")
        try:
            find_recording(header)
        except DataError:  # what is there is named, so that the reason can be what it lacks
            return path if path.exists() else header
        return header
    header = path.with_name(f"{path.name}.hea")
    return header if kind is None and not path.exists() and header.exists() else path
