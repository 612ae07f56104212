"""Formats of single recordings: which one a file is in, and its ECG in millivolts.

The ending of a file's name decides. A hospital's files are as untrusted as any download: each
reader compares what a file claims with its size before anything is allocated, and runs no code.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ecg_keras.errors import DataError
from ecg_keras.formats.array_archives import MATLAB, NUMPY_ARCHIVE
from ecg_keras.formats.array_recordings import HDF5, NUMPY, read_array_recording
from ecg_keras.formats.csv_files import read_csv
from ecg_keras.formats.dicom import has_dicom_mark, read_dicom
from ecg_keras.formats.edf import read_edf
from ecg_keras.formats.matlab_files import matlab_version
from ecg_keras.formats.plain_files import find_alike, normalise, stat_file
from ecg_keras.formats.wfdb_files import read_unknown
from ecg_keras.formats.xml_exports import read_scp, read_xml
from ecg_keras.records import Signal, Span
from ecg_keras.signals import LeadNames


def _read_wfdb(file: Path, *, lead_names: LeadNames, span: Span | None) -> Signal:
    return read_unknown(file.with_suffix(""), lead_names=lead_names, span=span)


class Format(NamedTuple):
    """A format of single recordings."""

    name: str
    # of the names of files; a recording of WFDB is its header and its samples
    endings: tuple[str, ...]
    read: Callable[..., Signal]
    # the settings of `read_recording`, beside `lead_names` and `span`, that its reader takes
    settings: tuple[str, ...] = ()


# as recorders export tables, and as everybody writes notes: it is read where it is named
TEXT = ".txt"
FORMATS = (
    Format("wfdb", (".hea", ".dat", ".mat"), _read_wfdb),
    Format(
        "csv",
        (".csv.gz", ".csv", ".tsv", TEXT),
        read_csv,
        ("sampling_rate", "unit", "leads", "decimal"),
    ),
    Format("edf", (".edf",), read_edf, ("unit",)),
    Format("dicom", (".dcm",), read_dicom),
    Format("xml", (".xml",), read_xml),
    Format("scp", (".scp",), read_scp),
    Format(
        "array",
        (*HDF5, NUMPY, NUMPY_ARCHIVE),
        read_array_recording,
        ("sampling_rate", "unit", "leads", "array", "row"),
    ),
)
ENDINGS = {ending: one.name for one in FORMATS for ending in one.endings}
# of a WFDB recording the header is looked for; arrays and texts beside it may be of anything else
_NOT_LOOKED_FOR = (".dat", MATLAB, TEXT, *HDF5, NUMPY, NUMPY_ARCHIVE)
_LOOKED_FOR = [ending for ending in ENDINGS if ending not in _NOT_LOOKED_FOR]
# of what is easily saved as a format that is read
_CONVERSIONS = "docs/your-own-recordings.md says which of MATLAB's arrays are read."


def split_ending(name: str) -> tuple[str, str | None]:
    """A file's name without a known ending, and its format; ``None`` without such an ending.

    Example:
        >>> split_ending("2024/a12.csv.gz"), split_ending("2024/a12")
        (('2024/a12', 'csv'), ('2024/a12', None))
    """
    dot = name.rfind(".")
    if name[dot:].lower() == ".gz":
        dot = name.rfind(".", 0, dot)
    kind = ENDINGS.get(name[dot:].lower())
    return (name, None) if kind is None else (name[:dot], kind)


def find_kind(path: Path, array: str | None = None) -> str | None:
    """The format that a file's name shows; a ``.mat`` is an array as for `find_recording`."""
    kind = split_ending(path.name)[1]
    if array is not None and path.suffix.lower() == MATLAB:
        with suppress(DataError):  # said where it is read
            kind = find_recording(path, array)[1]
    return kind


def find_recording(path: Path, array: str | None = None) -> tuple[Path, str]:
    """The file of a recording, for WFDB its header, and its format, one of those of `ENDINGS`.

    The path may lack its ending. A ``.mat`` is WFDB's; without a header it is an array of MATLAB's
    where the user says its name, ``array``.

    Raises:
        DataError: there is no such file, several have the name, the format is unknown, or the file
            is a device, a pipe, or a link that leads out of its folder.
    """
    stem, kind = split_ending(path.name)
    wanted = path.with_name(f"{stem}.hea") if kind == "wfdb" else path
    try:
        found = _look_for(wanted, kind)
        if not found and array is not None and _is_matlab(path):
            found = [(path, "array")]
        if not found:
            missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(wanted))
            raise DataError(_describe_missing(path, wanted, kind)) from missing
    except OSError as error:  # a name that the disk can't have
        raise DataError(f"{path}: {error.strerror}.") from error
    if len(found) > 1:
        raise DataError(
            f"{path}: several files have this name: {', '.join(one.name for one, _ in found)}. "
            "Write the one that is meant into the table."
        )
    stat_file(found[0][0], "Check that the export is complete.")
    return found[0]


def _is_matlab(path: Path) -> bool:
    return path.suffix.lower() == MATLAB and bool(matlab_version(path))


def _look_for(path: Path, kind: str | None) -> list[tuple[Path, str]]:
    if kind is not None:
        return [(file, kind) for file in _spelled(path)]
    if path.is_file():  # DICOM files often have no ending
        if has_dicom_mark(path):
            return [(path, "dicom")]
        raise DataError(
            f"{path}: no known format. Allowed: {', '.join(ENDINGS)}, and DICOM files without an "
            f"ending. Export the recording again; {_CONVERSIONS}"
        )
    files = [(path.with_name(path.name + ending), ENDINGS[ending]) for ending in _LOOKED_FOR]
    found = [(file, kind) for file, kind in files if file.is_file()]
    return found or [(other, kind) for file, kind in files for other in _spelled(file)]


def _spelled(path: Path) -> list[Path]:
    """The file of a name; without one, those with its ending in another case or other accents."""
    if path.is_file():
        return [path]
    stem = normalise(split_ending(path.name)[0])
    return [one for one in _others(path) if normalise(split_ending(one.name)[0]) == stem]


def _others(path: Path) -> list[Path]:
    return [other for other in map(Path, find_alike(path)) if other.is_file()]


def _describe_missing(path: Path, wanted: Path, kind: str | None) -> str:
    endings = [""] if kind else _LOOKED_FOR
    others = [one for end in endings for one in _others(wanted.with_name(wanted.name + end))]
    if others:
        return (
            f"{path}: No such file, but {', '.join(one.name for one in others)}, whose name "
            "differs in case. Write names into the table as they are on the disk."
        )
    if wanted != path and path.is_file():
        return (
            f"{path}: a WFDB recording is read by its header, and there is no {wanted.name}. "
            f"Export the header, too, or export to CSV, EDF or DICOM; {_CONVERSIONS}"
            f"{_name_it(path)}"
        )
    tried = "" if kind else f", also not with one of the endings {', '.join(_LOOKED_FOR)}"
    return (
        f"{wanted}: No such file{tried}. Check that the export is complete, or take the recording "
        "out of the table."
    )


def _name_it(path: Path) -> str:
    says = " Name its array with data.folder.array, such as val, to read it as MATLAB's."
    return says if _is_matlab(path) else ""


def read_recording(
    file: Path,
    kind: str,
    *,
    sampling_rate: float | None = None,
    unit: str | None = None,
    leads: Sequence[str] | None = None,
    lead_names: LeadNames = None,
    decimal: str | None = None,
    array: str | None = None,
    row: int | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads one recording in millivolts.

    Args:
        file: from `find_recording`.
        kind: its format.
        sampling_rate: in Hz, of a CSV file or an array; the other formats state theirs.
        unit: mV, uV or V, of an array, a CSV file, and of leads of an EDF file, that state none.
        leads: the columns of a CSV file, or its rows where a row is a lead, before those that its
            header names; of an array, the standard twelve if not given.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        decimal: the decimal sign of a CSV file, which is seldom needed.
        array: the name of the array in a file of several, ``tracings`` or ``ecg`` if not given.
        row: of an array of many recordings, from 0.
        span: the seconds that are wanted; ``None`` wants the whole recording.

    Returns:
        The wanted part of the recording; columns that are not one of the twelve leads are left out,
        and its remarks say so where that may surprise; missing samples are NaN.

    Raises:
        ConfigError: a CSV file or an array needs a setting that is not given, or an XML file a
            package.
        DataError: the file is damaged, foreign or no 12-lead ECG; the message names it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("I,II\\n100,200\\n-50,\\n")
        >>> read_recording(path, "csv", sampling_rate=500, unit="uV").values
        array([[ 0.1 ,  0.2 ],
               [-0.05,   nan]], dtype=float32)
    """
    settings = {
        "sampling_rate": sampling_rate, "unit": unit, "leads": leads, "decimal": decimal,
        "array": array, "row": row,
    }  # fmt: skip
    (found,) = (one for one in FORMATS if one.name == kind)
    used = {name: settings[name] for name in found.settings}
    return found.read(file, lead_names=lead_names, span=span, **used)
