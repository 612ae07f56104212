"""The Lobachevsky University Database: 200 recordings, 500 Hz, diagnoses as text in the headers.

``ecg_keras/tables/ludb.csv`` says what each text means in each label set. Where PTB-XL has
the same statement the label has PTB-XL's name, so that models can be compared or passed on:

* ``superdiagnostic`` are PTB-XL's five classes. MI is ST-elevation infarction or scar, STTC is
  ischaemia or non-specific repolarisation abnormality, HYP is hypertrophy or overload of any
  chamber, CD is a block or delay. "Undefined ischemia/scar/supp. NSTEMI" asserts no infarction and
  counts as STTC, like PTB-XL's ISC_. LUDB has no statement for a normal ECG: NORM is a recording
  with nothing but a sinus rhythm of any rate, an axis that is not deviated, and early
  repolarisation. Extrasystoles, pacing, atrial rhythms and deviated axes belong to no class.
* ``rhythm`` are PTB-XL's rhythm statements, as far as LUDB has them.
* ``diagnoses`` are all other findings; LAD and RAD are deviations of the axis, STEMI, SCAR, ISC,
  ISC/SCAR (undefined) and NST (non-specific repolarisation) are kept apart, their walls are not.

Source: Kalyakulina et al. 2020, table 3; the headers themselves.
"""

from __future__ import annotations

from pathlib import Path

from ecg_keras.errors import DataError, look_up
from ecg_keras.formats import STEPS_IN_MV, read_header, read_in_microvolts
from ecg_keras.labels import present_labels, read_table
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.sources.contract import MOST, NEARLY_ALL, TEN_SECONDS, Corpus, Expectations
from ecg_keras.sources.fields import parse_age, parse_sex, reading

NORMAL = "NORM"
# fmt: off
LABEL_SETS = {
    "superdiagnostic": (NORMAL, "MI", "STTC", "HYP", "CD"),
    "rhythm": ("SR", "AFIB", "STACH", "SARRH", "SBRAD", "PACE", "SVARR", "AFLT"),
    "diagnoses": (
        "LVH", "LAO/LAE", "RVH", "RAO/RAE", "IRBBB", "CRBBB", "ILBBB", "CLBBB", "LAFB", "IVCD",
        "1AVB", "3AVB", "LAD", "RAD", "STEMI", "SCAR", "ISC", "ISC/SCAR", "NST", "EREPOL", "PAC",
        "PVC", "PACE",
    ),
}
# fmt: on
OFFICIAL_FOLDS = False
CITATION = (
    "Kalyakulina AI, Yusipov II, Moskalenko VA, et al. LUDB: a new open-access validation tool "
    "for electrocardiogram delineation algorithms. IEEE Access 8, 186181-186190 (2020). "
    "https://doi.org/10.13026/eegm-h675"
)
LICENCE = "ODC-By 1.0"
CORPUS = Corpus(
    title="LUDB",
    about="Lobachevsky University Database, 200 recordings, 10 s, 500 Hz",
    layout="`data/`",
    # Kalyakulina et al. 2020: 11 to 90 years, every age and sex known
    expectations=Expectations(
        rates=(500.0,),
        seconds=TEN_SECONDS,
        age=(11.0, 90.0),
        ages_known=NEARLY_ALL,
        sexes_known=NEARLY_ALL,
        labelled={"superdiagnostic": MOST},
    ),
    marks=("ludb.csv", "data"),
)

# not the waves that cardiologists marked in the recordings
choose_files = reading("data/*.hea", "data/*.dat")
# the column of the table for each label set
COLUMNS = {"superdiagnostic": "superdiagnostic", "rhythm": "rhythm", "diagnoses": "diagnosis"}


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of LUDB."""
    labels = look_up("label set", label_set, LABEL_SETS)
    paths = [path.with_suffix("") for path in (root / "data").glob("[!.]*.hea")]
    if not paths:
        raise DataError(f"{root}: has no header in data. Set data.raw to the folder of LUDB.")
    infos = [_list_record(path, labels, COLUMNS[label_set]) for path in paths]
    return sorted(infos, key=lambda info: info.record_id)


def read_signal(info: RecordInfo) -> Signal:
    """Reads one recording in true millivolts.

    The headers' gains are each lead's own span: see `ecg_keras.formats.read_in_microvolts`.
    """
    header = read_header(info.path)
    signal, are_spans = read_in_microvolts(header)
    if not are_spans and any(one.gain != STEPS_IN_MV for one in header.signals if one.lead):
        raise DataError(
            f"{info.path}.hea: the gains are neither each lead's span, as in LUDB 1.0.1, nor "
            f"{STEPS_IN_MV:g}: the size of the signal is unknown. Download the file again."
        )
    return signal


def _list_record(path: Path, labels: tuple[str, ...], column: str) -> RecordInfo:
    fields, texts = _read_comments(path)
    meanings = {row["text"].lower(): row for row in read_table("ludb")}
    unknown = [text for text in texts if text.lower() not in meanings]
    if unknown:
        raise DataError(
            f"{path}.hea: no table lists the diagnosis {unknown[0]!r}. Correct the header, or add "
            "the text to ecg_keras/tables/ludb.csv."
        )
    rows = [meanings[text.lower()] for text in texts]
    found = {row[column] for row in rows}
    if all(row["normal"] for row in rows):
        found.add(NORMAL)
    try:
        age, sex = parse_age(fields.get("age", "")), parse_sex(fields.get("sex", ""))
    except DataError as error:
        raise DataError(f"{path}.hea: {error}") from error
    return RecordInfo(
        record_id=path.name,
        patient_id=path.name,
        path=path,
        labels=present_labels(found, {label: (label,) for label in labels}),
        age=age,
        sex=sex,
    )


def _read_comments(path: Path) -> tuple[dict[str, str], list[str]]:
    """The fields ``<age>`` and ``<sex>``, and the texts below ``<diagnoses>``."""
    fields, texts = {}, []
    for comment in read_header(path).comments:
        if comment.startswith("<"):
            name, _, value = comment.partition(":")
            fields[name.strip("<> ")] = value.strip()
        elif comment:
            texts.append(comment.rstrip(". "))
    if not texts:
        raise DataError(f"{path}.hea: no diagnosis: LUDB names at least a rhythm.")
    return fields, texts
