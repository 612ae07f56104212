"""The PTB Diagnostic ECG Database in its own layout: 549 recordings of 290 people, 1000 Hz.

Unlike the copy of the Challenge (source `ptb`) it names the patients: the folder is the
patient, and 113 of them have several recordings. The diagnosis is the header's ``Reason for
admission``, one for each recording; 27 have none (``n/a``). The three Frank leads in the ``.xyz``
files are left out. Recordings have 32 to 120 s.

* ``diagnosis`` are the paper's two classes; recordings of other diagnoses have no label.
* ``reason`` are the database's diagnostic classes: CM/HF is cardiomyopathy or heart failure of any
  stage, and MISC is angina of either kind or palpitation.

Sources: Bousseljot et al. 1995; the spellings of the headers as counted by the project ECGBench.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ecg_keras.errors import DataError, look_up
from ecg_keras.formats import read_header, read_text, read_wfdb
from ecg_keras.labels import Definition, present_labels
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.sources.contract import MOST, Corpus, Expectations
from ecg_keras.sources.fields import parse_age, parse_sex, path_inside, reading
from ecg_keras.text import plural

REASON: Definition = {
    "NORM": ("healthy control",),
    "MI": ("myocardial infarction",),
    "CM/HF": ("cardiomyopathy", "heart failure"),
    "BBB": ("bundle branch block",),
    "DYSRHYTHMIA": ("dysrhythmia",),
    "HYP": ("hypertrophy", "myocardial hypertrophy"),
    "VALVE": ("valvular heart disease",),
    "MYOCARDITIS": ("myocarditis",),
    "MISC": ("stable angina", "unstable angina", "palpitation"),
}
MEANINGS: Mapping[str, Definition] = {
    "diagnosis": {label: REASON[label] for label in ("NORM", "MI")},
    "reason": REASON,
}

LABEL_SETS = {name: tuple(definition) for name, definition in MEANINGS.items()}
OFFICIAL_FOLDS = False
CITATION = (
    "Bousseljot R, Kreiseler D, Schnabel A. Nutzung der EKG-Signaldatenbank CARDIODAT der PTB "
    "über das Internet. Biomed Tech 40(s1), 317 (1995). https://doi.org/10.13026/C28C71"
)
LICENCE = "ODC-By 1.0"
CORPUS = Corpus(
    title="PTB Diagnostic",
    about="PTB Diagnostic in its own layout, 32 to 120 s, 1000 Hz",
    layout="`RECORDS`, `patient001/` to `patient294/`",
    # Bousseljot et al. 1995: 17 to 87 years, 32 to 120 s at 1000 Hz, 15 persons of unknown age
    expectations=Expectations(
        rates=(1000.0,),
        seconds=(30.0, 125.0),
        age=(17.0, 87.0),
        ages_known=MOST,
        sexes_known=MOST,
        most_labels={"diagnosis": 1, "reason": 1},
    ),
    marks=("RECORDS", "patient001"),
)

RECORDS = "RECORDS"
choose_files = reading(RECORDS, "*.hea", "*.dat", "*.xyz")
KNOWN = frozenset(reason for reasons in REASON.values() for reason in reasons)
NO_DIAGNOSIS = ("n/a", "")
_STAGE = re.compile(r"\s*\(nyha [^)]*\)$")


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings whose headers are there; ``record_id`` is such as ``s0010_re``.

    They are those that ``RECORDS`` names, or of all patients' folders where there is no such list.
    """
    definition = look_up("label set", label_set, MEANINGS)
    paths = _find_paths(root)
    there = [path for path in paths if _is_there(path)]
    infos = [_list_record(root, path, definition) for path in there or paths]
    return sorted(infos, key=lambda info: info.record_id)


def list_remarks(root: Path) -> tuple[str, ...]:
    """Says how many of the recordings that ``RECORDS`` names are not there and left aside."""
    missing = [path for path in _find_paths(root) if not _is_there(path)]
    if not missing:
        return ()
    first = missing[0].relative_to(root).as_posix()
    return (
        f"{root / RECORDS}: names {plural(len(missing), 'recording')} that are not here, such as "
        f"{first}, and these are left aside. Download them to use all.",
    )


def read_signal(info: RecordInfo, span: Span | None = None) -> Signal:
    """Reads one recording, or the wanted seconds; see `ecg_keras.formats.read_wfdb`."""
    return read_wfdb(info.path, span=span)


def _find_paths(root: Path) -> list[Path]:
    """The recordings of the list, without extension; of the disk where it was not downloaded."""
    if not (root / RECORDS).exists() and (found := sorted(root.glob("patient*/[!.]*.hea"))):
        return [path.with_suffix("") for path in found]
    paths = [path_inside(root, name) for name in read_text(str(root / RECORDS)).split()]
    twice = [name for name, count in Counter(path.name for path in paths).items() if count > 1]
    if twice:
        raise DataError(f"{root / RECORDS}: {twice[0]} is listed more than once.")
    if not paths:
        raise DataError(f"{root / RECORDS}: names no recording. Download it again.")
    return paths


def _is_there(path: Path) -> bool:
    return any(path.with_name(path.name + ending).exists() for ending in (".hea", ".HEA"))


def _list_record(root: Path, path: Path, definition: Definition) -> RecordInfo:
    if path.parent.parent != root:
        raise DataError(
            f"{root / RECORDS}: names {path.relative_to(root)}, which is in no patient's folder: "
            "without it the patient is unknown. Download the database in its own layout."
        )
    try:
        fields = _read_comments(path)
        return RecordInfo(
            record_id=path.name,
            patient_id=path.parent.name,
            path=path,
            labels=present_labels(_read_reason(fields), definition),
            age=parse_age(fields.get("age", "")),
            sex=parse_sex(fields.get("sex", "")),
        )
    except DataError as error:
        place = "" if str(path) in str(error) else f"{path}.hea: "
        raise DataError(f"{place}{error}") from error


def _read_comments(path: Path) -> dict[str, str]:
    """The header's fields; of one that stands twice, such as a date, the first."""
    fields: dict[str, str] = {}
    for comment in read_header(path).comments:
        name, _, value = comment.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _read_reason(fields: Mapping[str, str]) -> list[str]:
    text = fields.get("reason for admission")
    if text is None:
        raise DataError(
            "no diagnosis: a header of the database has a line `# Reason for admission: ...`. The "
            "Challenge's copy has none: read that with source ptb."
        )
    reason = _STAGE.sub("", text.lower())
    if reason in NO_DIAGNOSIS:
        return []
    if reason not in KNOWN:
        raise DataError(
            f"Reason for admission: no list knows {text!r}. Correct the header, or add the reason "
            "to ecg_keras/sources/ptb_diagnostic.py."
        )
    return [reason]
