"""The format of the PhysioNet/CinC Challenge 2021: headers with codes, and its scored classes.

Sources: Reyna et al. 2021; the Challenge's tables dx_mapping_scored.csv and weights.csv; the
headers themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ecg_keras.errors import DataError
from ecg_keras.files import list_entries
from ecg_keras.formats import read_header, read_samples, read_text
from ecg_keras.labels import Definition, present_labels, read_table
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.sources.fields import find_packed, parse_age, parse_sex, reading

# the 26 classes that are scored, in the order of weights.csv; pairs count as one diagnosis
SCORED: Definition = {
    "AF": ("164889003",),
    "AFL": ("164890007",),
    "BBB": ("6374002",),
    "Brady": ("426627000",),
    "LBBB": ("733534002", "164909002"),
    "RBBB": ("713427006", "59118001"),
    "IAVB": ("270492004",),
    "IRBBB": ("713426002",),
    "LAD": ("39732003",),
    "LAnFB": ("445118002",),
    "LPR": ("164947007",),
    "LQRSV": ("251146004",),
    "LQT": ("111975006",),
    "NSIVCB": ("698252002",),
    "NSR": ("426783006",),
    "PAC": ("284470004", "63593006"),
    "PR": ("10370003",),
    "PRWP": ("365413008",),
    "PVC": ("427172004", "17338001"),
    "QAb": ("164917005",),
    "RAD": ("47665007",),
    "SA": ("427393009",),
    "SB": ("426177001",),
    "STach": ("427084000",),
    "TAb": ("164934002",),
    "TInv": ("59931005",),
}

GAIN = 1000.0
# what to do with recordings that say otherwise what is found in them, as those of 2025 do
OTHERWISE = (
    "Recordings with labels of another kind are read with a table of them, by data.source: folder "
    "(docs/your-own-recordings.md)."
)
# other files in the folder make no other dataset
choose_files = reading("*.hea", "*.mat", "*.dat")
# the recordings of ptb and of st_petersburg_incart, inside any folders
_SEVERAL_OF_ONE = re.compile(r"(?:.*/)?(?P<set>[SI])\d{4}")
# the first line of a header: a line follows for each signal, or for each segment
_COUNTS = re.compile(r"\s*[^\s/]+(?:/(?P<segments>\d{1,9}))?\s+(?P<signals>\d{1,9})(?!\S)")
# '#Dx: 426783006,' and '# Dx: 426783006'
_FIELD = re.compile(r"^#[ \t]*(Age|Sex|Dx)[ \t]*:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)


def list_all(root: Path, definition: Definition) -> list[RecordInfo]:
    """Every recording below a folder; its ``record_id`` is its path inside the folder."""
    return _list(root, definition, {path: path for path in _find_headers(root)})


def list_set(root: Path, definition: Definition, record_name: str, owner: str) -> list[RecordInfo]:
    """The recordings of one set, whose names match ``record_name`` in full.

    Their ``record_id`` is that name; ``owner`` is the set's folder in the Challenge, for messages.
    """
    names: dict[str, str] = {}
    for path in _find_headers(root):
        name = path.rpartition("/")[2]
        if not re.fullmatch(record_name, name):
            raise DataError(
                f"{root}: {path} is no recording of {owner}. Set data.raw to the folder {owner} "
                "alone, or use the source challenge for all sets together."
            )
        if name in names:
            raise DataError(f"{root}: {name} is there twice: {names[name]} and {path}.")
        names[name] = path
    return _list(root, definition, names)


def read_signal(info: RecordInfo, span: Span | None = None) -> Signal:
    """Reads one recording, or the wanted seconds; missing samples are NaN.

    The wrong gains of the first release of 2020 would make millivolts out of something else: they
    are refused.
    """
    header = read_header(info.path)
    leads = [signal for signal in header.signals if signal.lead is not None]
    wrong = sorted({signal.gain for signal in leads if signal.steps_in_mv != GAIN})
    if wrong:
        raise DataError(
            f"{info.path}.hea: the Challenge's gain is 1000 for each mV. Received: {wrong}. This "
            "looks like the faulty first release of 2020: download the release of 2021."
        )
    return read_samples(header, span)


def _list(root: Path, definition: Definition, paths: Mapping[str, str]) -> list[RecordInfo]:
    known = frozenset(row["code"] for row in read_table("snomed"))
    infos = []
    for record_id in sorted(paths):
        file = f"{root}/{paths[record_id]}.hea"
        text = read_text(file)
        try:
            infos.append(_read_info(text, record_id, Path(file[:-4]), definition, known))
        except DataError as error:
            raise DataError(f"{file}: {error}") from error
    return _join_neighbours(infos)


def _join_neighbours(infos: list[RecordInfo]) -> list[RecordInfo]:
    """Makes one patient of neighbours of the same age and sex in sets that hold several of one.

    There a person's recordings follow one another. Two people who happen to be alike count as one,
    which costs nothing; one who counted as two would be trained on and tested.
    """
    joined: list[RecordInfo] = []
    for info in infos:
        if joined and _may_be_one(joined[-1], info):
            joined.append(replace(info, patient_id=joined[-1].patient_id))
        else:
            joined.append(info)
    return joined


def _may_be_one(one: RecordInfo, other: RecordInfo) -> bool:
    sets = [_SEVERAL_OF_ONE.fullmatch(info.record_id) for info in (one, other)]
    if sets[0] is None or sets[1] is None or sets[0]["set"] != sets[1]["set"]:
        return False
    return (one.age, one.sex) == (other.age, other.sex)


def _find_headers(root: Path) -> list[str]:
    """The paths of all headers below a folder, relative to it and without extension."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder. Set data.raw to a folder of the Challenge.")
    found = list(_walk(str(root), ""))
    if not found:
        raise DataError(
            f"{root}: holds no .hea file. Set data.raw to a folder of the Challenge."
            f"{find_packed(root)}"
        )
    return found


def _walk(folder: str, prefix: str) -> Iterator[str]:
    for entry in list_entries(folder):
        if entry.name.endswith((".hea", ".HEA")):
            yield prefix + entry.name[:-4]
        elif entry.is_dir() and entry.is_symlink():
            raise DataError(f"{entry.path}: a link to a folder. Put the folder itself there.")
        elif entry.is_dir():
            yield from _walk(entry.path, f"{prefix}{entry.name}/")


def _is_short(header: str) -> bool:
    """Whether a header lacks lines of its signals: whole ones of other databases have no `#`."""
    if "#" in header:
        return False
    lines = [line for line in header.splitlines() if line.strip()]
    first = _COUNTS.match(lines[0]) if lines else None
    if first is None:
        return not lines
    return len(lines) <= int(first["segments"] or first["signals"])


def _read_info(
    text: str, record_id: str, path: Path, definition: Definition, known: frozenset[str]
) -> RecordInfo:
    if text.lstrip().startswith("<"):
        raise DataError("a web page, no header: download it again.")
    if _is_short(text):
        raise DataError("empty, or ends before its comments: download it again.")
    fields = dict(_FIELD.findall(text[text.find("#") :]))
    codes = [code.strip() for code in fields.get("Dx", "").split(",") if code.strip()]
    if not codes:
        again = "" if "#" in text else " Download it again if its publisher's file has one."
        raise DataError(
            "no diagnosis: a recording of the Challenges of 2020 and 2021 has a line `#Dx: "
            f"code,code`.{again} {OTHERWISE}"
        )
    unknown = sorted(set(codes) - known)
    if unknown:
        raise DataError(
            f"#Dx names {', '.join(unknown)}, which no table of the Challenge lists. "
            f"Correct the header. {OTHERWISE}"
        )
    return RecordInfo(
        record_id=record_id,
        patient_id=record_id,
        path=path,
        labels=present_labels(codes, definition),
        age=parse_age(fields.get("Age", "")),
        sex=parse_sex(fields.get("Sex", "")),
    )
