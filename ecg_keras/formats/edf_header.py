"""The header of an EDF file: fields of fixed width, checked against the file's size.

Source: Kemp et al. 1992, A simple format for exchange of digitized polygraphic recordings; Kemp
and Olivan 2003, European data format 'plus'. https://www.edfplus.info/specs/
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.errors import DataError

# bytes of the header that all signals share, and of what it adds for each of them
HEADER, EACH = 256, 256
# fields of a signal in their order, each for all signals before the next
WIDTHS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "samples": 8,
    "reserved": 32,
}
BYTES = 2
NOTES = "edf annotations"


@dataclass(frozen=True)
class EdfSignal:
    """One signal as the header describes it.

    Attributes:
        label: without the blanks around it, as are all texts.
        unit: of the physical range.
        physical, digital: texts of the smallest and largest value.
        begin, end: which of the samples of a data record are its own.
    """

    label: str
    unit: str
    physical: tuple[str, str]
    digital: tuple[str, str]
    begin: int
    end: int


@dataclass(frozen=True)
class EdfHeader:
    """What the header says, once the file's size agrees with it.

    Attributes:
        size: bytes before the first data record.
        records: data records in the file.
        duration: seconds of a data record.
        interrupted: whether it is EDF+D, whose data records may leave gaps.
        signals: those that are no annotations.
        notes: the first signal of annotations, which has each data record's time stamp.
        width: samples of a data record, of all signals together.
    """

    size: int
    records: int
    duration: float
    interrupted: bool
    signals: tuple[EdfSignal, ...]
    notes: EdfSignal | None
    width: int


def read_edf_header(path: Path) -> EdfHeader:
    """Reads the header of an EDF, EDF+C or EDF+D file.

    Args:
        path: of the file.

    Raises:
        DataError: the file is missing or no EDF, or is shorter or longer than its header says.
    """
    try:
        with path.open("rb") as stream:
            fixed = stream.read(HEADER)
            if len(fixed) < HEADER or fixed[:8].strip(b" \0") != b"0":
                advice = "Export it as EDF." if fixed[1:8] == b"BIOSEMI" else "Export it again."
                raise DataError(f"{path}: no EDF file: it does not begin as one. {advice}")
            size, records, count = (
                _whole(path, fixed[low:high]) for low, high in ((184, 192), (236, 244), (252, 256))
            )
            if count < 1 or records < -1 or records == 0 or size != HEADER + EACH * count:
                raise DataError(
                    f"{path}: its header promises {records} data records of {count} signals after "
                    f"{size} bytes, which no finished recording has. Export the file again."
                )
            rest = stream.read(EACH * count)
            held = path.stat().st_size - size
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Check that the export is complete.") from error
    signals = _split(path, rest, count)
    width = signals[-1].end
    if width < 1:
        raise DataError(f"{path}: no EDF file: its data records hold no sample. Export it again.")
    plain = [signal for signal in signals if signal.label.lower() != NOTES]
    notes = [signal for signal in signals if signal.label.lower() == NOTES]
    return EdfHeader(
        size=size,
        records=_count_records(path, records, held, BYTES * width),
        duration=parse_number(_text(fixed[244:252])),
        interrupted=_text(fixed[192:236]).startswith("EDF+D"),
        signals=tuple(plain),
        notes=notes[0] if notes else None,
        width=width,
    )


def parse_number(text: str) -> float:
    """A number of a header, also with a decimal comma; NaN where it is none.

    Example:
        >>> parse_number("-32,768"), parse_number("1e3")
        (-32.768, 1000.0)
    """
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return math.nan


def _text(field: bytes) -> str:
    """ASCII by the standard; devices also write the micro sign in latin-1, and pad with zeros."""
    text = field.decode("latin-1").strip(" \0\t")
    # texts stand in messages, and must not steer a terminal
    return text if text.isprintable() else "".join(x if x.isprintable() else "?" for x in text)


def _whole(path: Path, field: bytes) -> int:
    try:
        return int(_text(field))
    except ValueError as error:
        raise DataError(f"{path}: no EDF file: {error}. Export the file again.") from error


def _split(path: Path, content: bytes, count: int) -> list[EdfSignal]:
    """The signals of the header's second part."""
    if len(content) < EACH * count:
        raise DataError(f"{path}: truncated within its header. Download the file again.")
    texts: dict[str, list[str]] = {}
    start = 0
    for name, width in WIDTHS.items():
        fields = [content[start + width * one : start + width * (one + 1)] for one in range(count)]
        texts[name] = [_text(field) for field in fields]
        start += width * count
    signals, begin = [], 0
    for one in range(count):
        samples = _whole(path, texts["samples"][one].encode("latin-1"))
        if samples < 0:
            raise DataError(f"{path}: no EDF file: {samples} samples of a signal. Export it again.")
        signals.append(
            EdfSignal(
                label=texts["label"][one],
                unit=texts["unit"][one],
                physical=(texts["physical_min"][one], texts["physical_max"][one]),
                digital=(texts["digital_min"][one], texts["digital_max"][one]),
                begin=begin,
                end=begin + samples,
            )
        )
        begin += samples
    return signals


def _count_records(path: Path, promised: int, held: int, each: int) -> int:
    """The data records in the file, which must be as many as its header promises."""
    records, odd = divmod(max(held, 0), each)
    # -1 while it is recorded; where the device stopped without a word, the size says how many
    if promised == -1 and records and not odd:
        return records
    if promised != records:
        many = "leaves their number open" if promised == -1 else f"promises {promised}"
        raise DataError(
            f"{path}: truncated or damaged: it holds {records} data records"
            f"{f' and {odd} bytes' if odd else ''}, and its header {many}. Download the file "
            "again, or export it again."
        )
    return records
