"""The text of a CSV file in one encoding, whatever wrote it, and its lines."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from pathlib import Path

from ecg_keras.errors import DataError

# bytes of text, also of what is unpacked
LARGEST = 256_000_000
# of each of the first lines that much is looked at: all cells of a line that is no lead
_LINE = 20_000
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# what is written for a minus sign, a blank and an apostrophe (between thousands) in print
_PRINTED = {
    "-": "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d",
    " ": "\u00a0\u2007\u2009\u202f",
    "'": "\u2019\u02bc",
    "": "\ufeff",
}


def read_text(path: Path) -> bytes:
    """The text as UTF-8 with one newline at the end of each line, without a byte order mark."""
    raw = read_start(path, LARGEST + 1)
    if len(raw) > LARGEST:
        raise DataError(
            f"{path}: more than {LARGEST:,} bytes of text. Export a shorter recording, or another "
            "format."
        )
    text = to_utf8(raw)
    if b"\0" in text or not text.strip():
        raise DataError(f"{path}: empty, or no text. Export the file again.")
    if b"\r" in text:  # at the ends of lines of Windows, or of old Macs
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # nothing is copied that is large and need not be; DOS marks the end of a file
    plain = text[-1:] == b"\n" and text[-2:-1] not in b"\x1a \n"
    return text if plain else text.rstrip(b"\x1a \n") + b"\n"


def read_start(path: Path, size: int) -> bytes:
    """The first bytes of a file, unpacked."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            return stream.read(size)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: can't be read: {reason}. Export the file again.") from error


def to_utf8(raw: bytes) -> bytes:
    """Text as UTF-8, with plain signs for those of print."""
    raw = raw.removeprefix(codecs.BOM_UTF8)
    head = raw[:4000]
    if raw.startswith(_UTF_16) or b"\0" in head:
        little = head[1::2].count(0) > head[::2].count(0)
        encoding = "utf-16" if raw.startswith(_UTF_16) else f"utf-16-{'le' if little else 'be'}"
        raw = raw.decode(encoding, "replace").encode("utf-8", "replace")
    if raw.isascii():
        return raw
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:  # Windows in western languages, where every byte is a character
        text = re.sub("[\x80-\x9f]", "?", raw.decode("cp1252", "replace"))
    for plain, printed in _PRINTED.items():
        for character in printed:
            text = text.replace(character, plain)
    return text.encode("utf-8")


def first_lines(text: bytes, count: int) -> list[str]:
    """The first lines of a text, of each no more than its first 20,000 characters."""
    lines, start = list[str](), 0
    while start < len(text) and len(lines) < count:
        end = text.index(b"\n", start)
        lines.append(text[start : min(end, start + _LINE)].decode("utf-8", "ignore"))
        start = end + 1
    return lines


def cut_lines(text: bytes, first: int, end: int | None = None) -> bytes:
    """The lines of a text from a number on, up to another one."""
    start = 0
    for _ in range(first):
        start = text.index(b"\n", start) + 1
    if end is None:
        return text[start:]
    stop = start
    for _ in range(end - first):
        stop = text.index(b"\n", stop) + 1
    return text[start:stop]
