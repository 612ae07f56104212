"""CODE-test: 827 ECGs of as many people, 400 Hz, six abnormalities by the agreement of experts.

One HDF5 file holds all recordings, and the tables beside it go by the row alone. Besides:

* The limb leads stand as I, II, III, aVL, aVF, aVR. The names given here are those of the file, so
  that choosing leads by name gives the standard order, as for any other database.
* The samples are millivolts: the median R peak of lead II is 1.5 of the stored units, though the
  file's notes name 1e-4 V and of a factor of 1000, which contradict each other.
* Recordings of 7 and 10 s are in the middle of 10.24 s, with zeros on both sides. The zeros are no
  signal and are left out: `read_signal` returns the recording alone. With ``data.seconds: 10``
  those of 7 s are thus dropped, or padded again with ``short: pad`` and ``window: centre``.
* It is a test set: 681 recordings have none of the six, which does not make them normal.

Sources: Ribeiro et al. 2020; lead order and unit as found in the arrays by the project
ECGBench.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import DataError, look_up
from ecg_keras.formats import count_rows, read_row, without_zeros
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.sources.contract import MOST, Corpus, Expectations
from ecg_keras.sources.fields import parse_age, parse_sex, read_rows, reading

CLASSES = ("1dAVb", "RBBB", "LBBB", "SB", "AF", "ST")
NONE = "NONE"
LABEL_SETS = {
    "code_test": CLASSES,
    # the released protocol of the paper has none of the six as a class of its own
    "code_test_or_none": (NONE, *CLASSES),
}
OFFICIAL_FOLDS = False
CITATION = (
    "Ribeiro AH, Ribeiro MH, Paixão GMM, et al. Automatic diagnosis of the 12-lead ECG using a "
    "deep neural network. Nat Commun 11, 1760 (2020). https://doi.org/10.1038/s41467-020-15432-4"
)
LICENCE = "CC BY 4.0"
CORPUS = Corpus(
    title="CODE-test",
    about="CODE-test, 827 recordings, 7 and 10 s, 400 Hz",
    layout="`ecg_tracings.hdf5`, `attributes.csv`, `annotations/`",
    # Ribeiro et al. 2020: over 16 years, 7 or 10 s; what is stored has at most 4096 samples
    expectations=Expectations(
        rates=(400.0,),
        seconds=(1.0, 10.25),
        age=(16.0, 120.0),
        ages_known=MOST,
        sexes_known=MOST,
    ),
    marks=("ecg_tracings.hdf5", "attributes.csv"),
)

LEADS = ("I", "II", "III", "aVL", "aVF", "aVR", "V1", "V2", "V3", "V4", "V5", "V6")
RATE = 400.0
TRACINGS = "ecg_tracings.hdf5"
ARRAY = "tracings"
SHAPE = (None, 4096, 12)
GOLD = "annotations/gold_standard.csv"
ATTRIBUTES = "attributes.csv"
choose_files = reading(TRACINGS, GOLD, ATTRIBUTES)
# in small letters: spreadsheets save TRUE
FLAGS = {"0": False, "1": True, "false": False, "true": True}


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of CODE-test; their ``record_id`` is the row, from ``000``."""
    labels = look_up("label set", label_set, LABEL_SETS)
    path = root / TRACINGS
    findings = read_rows(root / GOLD, CLASSES, root)
    people = read_rows(root / ATTRIBUTES, ("age", "sex"))
    rows = count_rows(path, ARRAY, SHAPE)
    if not len(findings) == len(people) == rows:
        raise DataError(
            f"{root}: its parts go by the row, and differ in length: {TRACINGS} has {rows} rows, "
            f"{GOLD} {len(findings)} and {ATTRIBUTES} {len(people)}. Download them again."
        )
    infos = []
    for row, (finding, person) in enumerate(zip(findings, people, strict=True)):
        try:
            infos.append(_read_info(path, row, finding, person, labels))
        except DataError as error:
            raise DataError(f"{root}: row {row} of the tables: {error}") from error
    return sorted(infos, key=lambda info: info.record_id)


def read_signal(info: RecordInfo) -> Signal:
    """Reads one recording without the zeros around it, in millivolts."""
    return Signal(read_tracing(info), RATE, LEADS)


def read_tracing(info: RecordInfo) -> Float32Array:
    """A row of the array ``tracings`` without the zeros around it: what CODE's databases share."""
    values = read_row(info.path, ARRAY, SHAPE, info.row)
    recorded = without_zeros(values, RATE)
    if not len(recorded):
        raise DataError(
            f"{info.path}: record {info.record_id} (row {info.row}) holds nothing but zeros: "
            "nothing was recorded. Leave it out."
        )
    # copied, so that the array of 10.24 s is not kept
    return recorded.copy()


def find_classes(row: Mapping[str, str]) -> list[str]:
    """The six classes of which a table's row says yes."""
    unknown = sorted(row[name] for name in CLASSES if row[name].lower() not in FLAGS)
    if unknown:
        raise DataError(f"{', '.join(CLASSES)} must be 0 or 1. Received: {unknown[0]!r}.")
    return [name for name in CLASSES if FLAGS[row[name].lower()]]


def _read_info(
    path: Path,
    row: int,
    finding: Mapping[str, str],
    person: Mapping[str, str],
    labels: tuple[str, ...],
) -> RecordInfo:
    record_id = f"{row:03d}"
    found = find_classes(finding) or [NONE]
    return RecordInfo(
        record_id=record_id,
        patient_id=record_id,
        path=path,
        labels=tuple(label for label in labels if label in found),
        age=parse_age(person["age"]),
        sex=parse_sex(person["sex"]),
        row=row,
    )
