"""A simulated hospital's files as the PhysioNet/CinC Challenge has them: headers with codes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ecg_keras.signals import LEADS
from ecg_keras.simulate.conditions import CONDITIONS
from ecg_keras.simulate.hospitals import HOSPITALS
from ecg_keras.simulate.leads import quantise
from ecg_keras.simulate.recordings import Recording
from ecg_keras.simulate.wfdb_text import header_lines


def record_path(hospital: str, index: int) -> str:
    """Where record ``index`` lies in the database, without extension.

    Example:
        >>> record_path("riverside", 999)
        'g2/RV01000'
    """
    number = index + 1
    return f"g{number // 1000 + 1}/{HOSPITALS[hospital].prefix}{number:05d}"


def last_file(hospital: str, index: int) -> str:
    """The file of a record that is written last."""
    return record_path(hospital, index) + ".hea"


def record_files(hospital: str, recording: Recording) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a record's files, the header after its samples."""
    path = record_path(hospital, recording.index)
    name = path.rsplit("/", 1)[-1]
    samples = quantise(recording.independent)
    # a MATLAB 4 file: little-endian int16, 12 rows, real, the name `val` with its final zero
    matrix = struct.pack("<5i4s", 30, samples.shape[1], samples.shape[0], 0, 4, b"val\0")
    yield f"{path}.mat", matrix + samples.astype("<i2").tobytes()
    patient = recording.patient
    lines = (
        f"{name} {len(LEADS)} {recording.sampling_rate} {len(samples)} 01-Jan-2020 12:00:00",
        *header_lines(samples, f"{name}.mat 16+24 1000/mV 16 0", LEADS, signed=True),
        f"#Age: {patient.age:.0f}",
        f"#Sex: {patient.sex.capitalize()}",
        f"#Dx: {','.join(CONDITIONS[name].snomed for name in patient.conditions)}",
        "#Rx: Unknown",
        "#Hx: Unknown",
        "#Sx: Unknown",
        "",
    )
    yield f"{path}.hea", "\n".join(lines).encode()


def table_files(hospital: str, records: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """The Challenge's layout has no tables: the headers say all."""
    yield from ()
