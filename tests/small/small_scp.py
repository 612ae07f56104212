"""SCP-ECG files (EN 1064), small: leads, samples as they are or packed, and their checksums."""

import binascii
import struct

import numpy as np
from small_signals import RATE

from ecg_keras.signals import LEADS

CODES = {
    "I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64,
    **{f"V{number}": number + 2 for number in range(1, 7)}, "X": 16,
}  # fmt: skip


def write_scp(path, values, leads=LEADS, *, nanovolts=1000, packed=False, starts=None, wrong=False):
    """Stored integers, each step of so many nanovolts, as an SCP-ECG record."""
    values = np.asarray(values)
    starts = starts or [1] * len(leads)
    of_leads = [
        struct.pack("<IIB", start, start + len(values) - 1, CODES[lead])
        for lead, start in zip(leads, starts, strict=True)
    ]
    all_at_once = 0x04 if len(set(starts)) == 1 else 0
    columns = [_pack(one) if packed else one.astype("<i2").tobytes() for one in values.T]
    rhythm = struct.pack("<HHBB", nanovolts, 1_000_000 // RATE, 2 * packed, 0)
    rhythm += struct.pack(f"<{len(columns)}H", *map(len, columns)) + b"".join(columns)
    parts = {3: bytes([len(leads), all_at_once]) + b"".join(of_leads), 6: rhythm}
    if packed:
        parts[2] = struct.pack("<H", 19999)  # the default table
    pointers, sections, place = b"", b"", 7 + 16 + 10 * 12
    for number in range(12):
        section = _section(number, parts[number]) if number in parts else b""
        length = len(section) if number else 16 + 10 * 12
        pointers += struct.pack("<HII", number, length, (place if number else 7) * (length > 0))
        place += len(section)
        sections += section
    body = _section(0, pointers, b"SCPECG") + sections
    record = struct.pack("<I", len(body) + 6) + body
    path.write_bytes(struct.pack("<H", _crc(record) ^ wrong) + record)
    return path


def _crc(content):
    return binascii.crc_hqx(content, 0xFFFF)


def _section(number, content, mark=bytes(6)):
    content += b"\0" * (len(content) % 2)
    rest = struct.pack("<HIBB", number, 16 + len(content), 20, 20) + mark + content
    return struct.pack("<H", _crc(rest)) + rest


def _pack(column):
    """Second differences by the default table: 0, up to 8, of 8 bits, and of 16."""
    column = column.astype(int)
    changes = [*column[:2], *(column[2:] - 2 * column[1:-1] + column[:-2])]
    bits = "".join(map(_code, changes))
    bits += "0" * (-len(bits) % 16)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _code(value):
    if value == 0:
        return "0"
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + str(int(value < 0))
    if -128 <= value < 128:
        return "1111111110" + f"{value & 0xFF:08b}"
    return "1111111111" + f"{value & 0xFFFF:016b}"
