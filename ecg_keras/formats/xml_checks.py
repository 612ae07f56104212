"""XML exports of ECGs, looked at before a package builds objects of them that have no bound.

One pass of expat, which keeps nothing, finds the name of the root and refuses what could fill the
memory: entities, tags without end, channels without end, and packed samples that unpack to much.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from xml.parsers import expat

import numpy as np

from ecg_keras.errors import DataError

LARGEST = 16_000_000
# a tag or an attribute costs thirty times its own bytes
MOST_TAGS = 200_000
# bytes that the compressed samples of a Sierra file may become
MOST_UNPACKED = 4_000_000
_MOST_CHANNELS = 100
# of a Sierra file, in small letters: its samples, and what says how many channels there are
_SAMPLES = "parsedwaveforms"
_COUNTS = {"numberchannelsallocated", "numberchannelsvalid"}
_DECLARATION = re.compile(r"\ufeff?\s*<\?xml[^>]*\?>")
_CODES, _END = 256, 1023


def find_root(content: bytes) -> tuple[str, Exception | None]:
    """The name of the first element without its namespace, empty where there is none, and why the
    XML is not well-formed, if it is not. A `DataError` says what could fill the memory."""
    if len(content) > LARGEST:
        raise _too_large()
    error: Exception | None = None
    root = ""
    for attempt in _list_readings(content):
        scan = _Scan()
        try:
            scan.read(attempt)
            return scan.root or "", None
        except (expat.ExpatError, ValueError, LookupError) as wrong:
            error, root = error or wrong, root or scan.root or ""
    return root, error


def _list_readings(content: bytes) -> Iterator[bytes]:
    """As it is, and as ecgdatakit reads what is in another encoding than it declares."""
    yield content
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    declaration = _DECLARATION.match(text)
    yield text[declaration.end() if declaration else 0 :].encode()


def _too_large() -> DataError:
    return DataError(
        f"larger than {LARGEST:,} bytes, or more than {MOST_TAGS:,} tags and attributes. Export a "
        "shorter recording, or another format."
    )


class _Scan:
    """One scan of a file."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.tags = 0
        self.inside = ""  # the name of the element whose text is wanted
        self.is_packed = False
        self.text: list[str] = []

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.CharacterDataHandler = self._keep
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._refuse_entity
        parser.Parse(content, True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        plain = name.rpartition(":")[2]
        if self.root is None:
            self.root = plain
        self.tags += 1 + len(attributes)
        if self.tags > MOST_TAGS:
            raise _too_large()
        if self.inside:
            raise DataError(f"there are elements inside its {self.inside}. Export it again.")
        if plain.lower() == _SAMPLES or plain.lower() in _COUNTS:
            self.inside, self.text = plain.lower(), []
            self.is_packed = any(one.strip().upper() == "XLI" for one in attributes.values())

    def _keep(self, text: str) -> None:
        if self.inside:
            self.text.append(text)

    def _end(self, name: str) -> None:
        text = "".join(self.text)
        if self.inside == _SAMPLES and self.is_packed and _unpacked(text) > MOST_UNPACKED:
            raise DataError(
                f"its samples would unpack to more than {MOST_UNPACKED:,} bytes, which no "
                "resting ECG has. Do not use this file."
            )
        if self.inside in _COUNTS and _as_number(text) > _MOST_CHANNELS:
            raise DataError(
                f"claims {text.strip():.40} channels, and no ECG has more than {_MOST_CHANNELS}. "
                "Do not use this file."
            )
        self.inside, self.text = "", []

    def _refuse_entity(self, *declared: object) -> None:
        raise DataError(
            "declares XML entities, which no ECG needs and which could fill the memory. "
            "Do not use this file."
        )


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # the parser says so


def _unpacked(text: str) -> int:
    """Bytes that XLI samples become, counted without unpacking them.

    Each lead is its size in four bytes, four others, and codes of 10 bits."""
    try:
        packed = base64.b64decode("".join(text.split()))
    except ValueError:
        return 0  # the parser says so
    total = place = 0
    while place < len(packed) and total <= MOST_UNPACKED:
        size = int.from_bytes(packed[place : place + 4], "little", signed=True)
        if size <= 0:
            break
        total += sum(_lengths(packed[place + 8 : place + 8 + size]))
        place += 8 + size
    return total


def _lengths(packed: bytes) -> Iterator[int]:
    """Bytes that each code of one lead stands for, by LZW as ecgdatakit unpacks it.

    Codes below 256 are a byte, each later one what the code before it stands for and a byte. One
    that is used before its time is the same, until its time comes."""
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8))
    codes = bits[: len(bits) // 10 * 10].reshape(-1, 10) @ (1 << np.arange(9, -1, -1))
    table = dict.fromkeys(range(_CODES), 1)
    following, before = _CODES, 0
    for code in codes.tolist():
        if code >= _END:
            return
        length = table.setdefault(code, before + 1)
        if before and following < _END:
            table[following] = before + 1
            following += 1
        before = length
        yield length
