"""How a CSV table is written: its encoding, its separator, and what is above its header.

Spreadsheets write UTF-8, UTF-16 or the code page of their country, a mark at the beginning, a line
``sep=;`` for other spreadsheets, commas, semicolons, tabs or bars.
"""

from __future__ import annotations

import codecs
import csv
import functools
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ecg_keras.errors import DataError

LONGEST_HEADER = 1_000_000
# lines above the header that a title may have
TITLE_LINES = 20
# bytes that are read at once to find the encoding
CHUNK = 1 << 22
SEPARATORS = (",", ";", "\t", "|")
# the first line that says what separates the cells
SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?[,;|\t]*', re.IGNORECASE)
UTF8, CP1252 = "utf-8-sig", "cp1252"
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: UTF8}


@dataclass(frozen=True)
class CsvLayout:
    """How a CSV table is written."""

    encoding: str
    separator: str
    skipped: int
    header: tuple[str, ...]


def find_layout(path: Path) -> CsvLayout:
    """How a CSV table is written, found in its bytes."""
    try:
        state = path.stat()
        encoding = _find_encoding(path, state.st_mtime_ns, state.st_size)
        with path.open(encoding=encoding, newline="") as stream:
            start = stream.read(LONGEST_HEADER)
    except UnicodeError as error:
        raise DataError(f"{path}: no text: {error}. Save it as CSV with UTF-8.") from error
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}. Name the labels table with data.folder.table."
        ) from error
    if "\0" in start:
        raise DataError(f"{path}: no CSV file: it holds a zero byte. Export the table again.")
    lines = re.split(r"\r\n|\r|\n", start)
    skipped, separator = 0, None
    for line in lines:
        found = SEPARATOR_LINE.fullmatch(line.strip(" "))
        if found:
            separator = found[1]
        elif line.strip():
            break
        skipped += 1
    header = "\n".join(lines[skipped:])
    if separator is None:
        # what is in quotes is part of a name
        plain = re.sub(r'"[^"]*"', "", header).partition("\n")[0]
        separator = max(SEPARATORS, key=plain.count)
    try:
        names = next(csv.reader(StringIO(header), delimiter=separator), [])
    except csv.Error as error:
        raise DataError(f"{path}: no CSV file: {error}. Export the table again.") from error
    return CsvLayout(encoding, separator, skipped, tuple(names))


def find_line(path: Path, name: str) -> int | None:
    """The line, counted from 1, below a table's header that names a column; ``None`` without one.

    It is looked for in the first lines alone: exports have titles of a few lines above the header.
    """
    layout = find_layout(path)
    with path.open(encoding=layout.encoding, newline="") as stream:
        lines = re.split(r"\r\n|\r|\n", stream.read(LONGEST_HEADER))[: layout.skipped + TITLE_LINES]
    for number, line in enumerate(lines[layout.skipped + 1 :], start=layout.skipped + 2):
        for separator in SEPARATORS:
            cells = [cell.strip().strip('"').strip() for cell in line.split(separator)]
            if len(cells) > 1 and name in cells:
                return number
    return None


@functools.lru_cache(maxsize=16)
def _find_encoding(path: Path, changed: int, size: int) -> str:
    """The encoding of a whole file, whose time of change and size show whether it is the same."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    plain = True
    with path.open("rb") as stream:
        chunk = stream.read(CHUNK)
        marked = [encoding for mark, encoding in MARKS.items() if chunk.startswith(mark)]
        encoding = marked[0] if marked else _unmarked_utf16(chunk)
        if encoding not in (None, UTF8):
            return str(encoding)
        while True:
            try:
                # text of one byte a letter: most tables, at the speed of the disk
                plain = len(decoder.decode(chunk, final=not chunk)) == len(chunk) and plain
            except UnicodeDecodeError as error:
                if marked or not plain or not error.object[: error.start].isascii():
                    raise DataError(
                        f"{path}: begins as UTF-8, and is not: {error}. Save it as CSV with UTF-8, "
                        "in Excel as 'CSV UTF-8'."
                    ) from error
                break
            if not chunk:
                return UTF8
            chunk = stream.read(CHUNK)
    _check_cp1252(path)
    return CP1252


def _unmarked_utf16(chunk: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Latin letters, digits and separators is zero."""
    even, odd = chunk[:2000:2], chunk[1:2000:2]
    for encoding, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.7 * len(zeros) and letters.count(0) < 0.1 * len(letters):
            return encoding
    return None


def _check_cp1252(path: Path) -> None:
    try:
        with path.open(encoding=CP1252) as stream:
            while stream.read(CHUNK):
                pass
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: neither UTF-8 nor Windows-1252: {error}. Save it as CSV with UTF-8, in Excel "
            "as 'CSV UTF-8'."
        ) from error
