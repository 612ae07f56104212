"""What every database writes in its own way: its tables, ages, sexes and the paths of files."""

from __future__ import annotations

import csv
import fnmatch
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from ecg_keras.errors import DataError, shortened
from ecg_keras.records import RecordInfo

# what people and programs write where nothing is known; in small letters
PLACEHOLDERS = frozenset((
    "", "nan", "none", "null", "nil", "na", "n/a", "n.a.", "#n/a", "<na>", "nat", "-", "--", "?",
    ".", "keine", "aucun", "aucune", "ninguno", "ninguna", "nessuno", "nessuna",
))  # fmt: skip
UNKNOWN = PLACEHOLDERS | {"unknown", "unk", "u", "unspecified", "not specified", "unbekannt", "-1"}
# whole words, and letters that mean one thing in all languages that write them
SEXES = {
    "male": ("male", "m", "man", "männlich", "maennlich", "mann", "homme", "hombre",
             "masc", "masculine", "masculin", "masculino", "maschio", "uomo", "varón", "varon",
             "boy", "м", "男", "m.", "♂"),
    "female": ("female", "f", "w", "woman", "weiblich", "frau", "femme", "mujer", "féminin",
               "fem", "feminine", "feminin", "femenino", "feminino", "femmina", "donna", "girl",
               "ж", "女", "f.", "w.", "♀"),
}  # fmt: skip
SEX_OF = {word: sex for sex, words in SEXES.items() for word in words}
# O is DICOM's other, X that of passports, D German: one such person must not stop a database
NEITHER_SEX = ("o", "other", "x", "d", "divers", "diverse", "intersex", "non-binary", "nonbinary")
OLDEST = 120
# as databases are downloaded
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".rar", ".7z")
# years that are hidden are above this age
HIDDEN_FROM = 80
# a number, and perhaps its unit: 56, 56.5, 56,5, 056Y and 006M of DICOM, 6 months
AGE = re.compile(r"([+-]?[0-9]+(?:[.,][0-9]+)?)\s*([a-z.]*)")
# an age that is known to ten years or so: 60-69, 60 to 69
AGE_BAND = re.compile(r"([0-9]{1,3})\s*(?:-|–|to|bis)\s*([0-9]{1,3})\s*([a-z.]*)")
HIDDEN_AGE = re.compile(
    r"(?:>|>=|≥)\s*([0-9]+)|([0-9]+)\s*(?:years\s*)?(?:\+|(?:and|or) (?:over|older|above|more))"
)
# how those in their first year are written, who are half a year old on average
FIRST_YEAR = re.compile(r"<\s*1\s*([a-z.]*)")
# months or weeks, or an age and a sex: 45M, 45 W. In DICOM's form of three digits it is an age
AGE_OR_SEX = re.compile(r"(?![0-9]{3}[mw])[+-]?[0-9.,]+\s*[mw]")
UNITS_PER_YEAR = {
    1: ("", "y", "y.", "yr", "yrs", "year", "years", "yo", "y.o.", "j", "jahr", "jahre", "a",
        "ans"),
    12: ("m", "mo", "mos", "mon", "month", "months", "monat", "monate", "mois"),
    52.18: ("w", "wk", "wks", "week", "weeks", "woche", "wochen"),
    365.25: ("d", "day", "days", "tag", "tage"),
}  # fmt: skip
PER_YEAR = {word: count for count, words in UNITS_PER_YEAR.items() for word in words}


def parse_age(text: str) -> float | None:
    """An age in years, or ``None``: databases write unknown ages as nothing, NaN, -1 or 300.

    PTB-XL and its copies hide ages above 89 as 300, others as ``>89``, ``90+`` or ``85 and over``.
    A band of years, ``60-69``, is read as its middle: `parse_age_band`; ``<1`` is half a year.
    """
    plain = _bare(text)
    try:
        age = float(plain)  # most are plain numbers
    except ValueError:
        if plain in UNKNOWN:
            return None
        hidden = HIDDEN_AGE.fullmatch(plain)
        if hidden and float(hidden[1] or hidden[2]) >= HIDDEN_FROM:
            return None
        middle = parse_age_band(plain)
        if middle is not None:
            return middle
        first = FIRST_YEAR.fullmatch(plain)
        if first and first[1] in UNITS_PER_YEAR[1]:
            return 0.5
        found = AGE.fullmatch(plain)
        both = AGE_OR_SEX.fullmatch(plain)
        if found is None or found[2] not in PER_YEAR or both:
            raise DataError(
                f"an age must be a number of years. Received: {text!r:.80}. It may have a unit, as "
                "056Y and 6 months have, or be a band, as 60-69 is."
                + (
                    " M may mean months here or male, and W weeks or female: write 6 months, or "
                    "006M."
                )
                * bool(both)
            ) from None
        age = float(found[1].replace(",", ".")) / PER_YEAR[found[2]]
    return age if math.isfinite(age) and 0 <= age <= OLDEST else None


def parse_age_band(text: str) -> float | None:
    """The middle of a band of years, or ``None`` where the text is none.

    The band runs from the birthday of its first year to the end of its last: 60-69 is 60 to 70.
    """
    found = AGE_BAND.fullmatch(text.strip().lower())
    if found is None or found[3] not in UNITS_PER_YEAR[1]:
        return None
    first, last = int(found[1]), int(found[2])
    return (first + last + 1) / 2 if first < last <= OLDEST else None


def parse_sex(text: str) -> str | None:
    """``"female"``, ``"male"`` or, where it is unknown or neither, ``None``."""
    plain = _bare(text)
    if plain in UNKNOWN or plain in NEITHER_SEX:
        return None
    if plain not in SEX_OF:
        number = plain.replace(".", "", 1).isdigit()
        why = (
            " (0 and 1 mean male in some tables, and female in others: a table of your own may "
            "call the column is_male or is_female)"
        ) * number
        raise DataError(f"sex must be male, female, M, F or unknown{why}. Received: {text!r:.80}.")
    return SEX_OF[plain]


def _bare(text: str) -> str:
    """Small letters, without blanks and quotes around them: some tables quote each cell twice.

    Macs write an accent as a character of its own."""
    return unicodedata.normalize("NFC", text.strip(" \t\r\n\xa0'\"").lower())


def path_inside(root: Path, name: str) -> Path:
    """``root / name``, if that is inside ``root``.

    Raises:
        DataError: the name is empty, absolute, climbs with ``..``, or holds a backslash or a
            character that can't be printed. The message says which.

    Example:
        >>> path_inside(Path("ptbxl"), "records100/00000/00001_lr").name
        '00001_lr'
    """
    # by hand: a table names a million files, and this takes half of PurePosixPath's time
    parts = [part for part in name.split("/") if part not in ("", ".")]
    # a colon is a letter like others, but behind the name of a disk
    absolute = name.startswith("/") or (name[1:2] == ":" and name[0].isalpha())
    if not parts or absolute or ".." in parts or "\\" in name or not name.isprintable():
        problem = _find_problem(parts, absolute, name)
        if problem:
            raise DataError(
                f"a file name must stay inside {root}: {problem}. Received: {name!r}. Write it "
                "relative to that folder, or rename the file."
            )
    return root.joinpath(*parts)


def _find_problem(parts: list[str], absolute: bool, name: str) -> str | None:
    if not parts:
        return "it names no file"
    if absolute:
        return "it begins at the root of a disk"
    if ".." in parts:
        return "it climbs with '..'"
    if "\\" in name:
        return "it holds a backslash"
    # spaces of other widths, as word processors write them, are no harm
    odd = [one for one in name if not one.isprintable() and unicodedata.category(one) != "Zs"]
    return f"it holds {odd[0]!r}, which can't be printed" if odd else None


def reading(*patterns: str) -> Callable[..., Callable[[str], bool]]:
    """The ``choose_files`` of a source that reads only files of these patterns.

    The patterns are those of `fnmatch`, whose ``*`` also matches slashes; capitals count as small
    letters, as they do for readers: some systems write ``A0001.HEA``.
    """
    is_read = re.compile("|".join(map(fnmatch.translate, patterns)), re.IGNORECASE).match

    def choose_files(root: Path, *, sampling_rate: float) -> Callable[[str], bool]:
        return lambda path: is_read(path) is not None

    return choose_files


def read_rows(
    path: Path, columns: Collection[str], root: Path | None = None
) -> list[dict[str, str]]:
    """The rows of a CSV table with a header, in UTF-8, as text by column.

    Between cells are commas or, as where a spreadsheet saved it again, semicolons or tabs.

    Args:
        path: of the table.
        columns: those that it must have.
        root: the folder of the database, that of the table if not given: what it holds of a table
            that is missing is said.

    Returns:
        A dict for each row; cells that a row lacks are empty.

    Raises:
        DataError: there is no such table, it is no CSV file, or lacks one of the columns.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "patients.csv"
        >>> _ = path.write_text("record,finding\\nr1,AF\\n")
        >>> read_rows(path, ["finding"])
        [{'record': 'r1', 'finding': 'AF'}]
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            first = stream.readline()
            stream.seek(0)
            separator = max(",;\t", key=first.count)
            reader = csv.DictReader(stream, restval="", delimiter=separator)
            header = reader.fieldnames or ()
            rows = list(reader)
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}. Set data.raw to the folder of the database that holds it."
            f"{find_below(root or path.parent, path)}"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file: {error}. Download it again.") from error
    missing = [column or "(unnamed first)" for column in columns if column not in header]
    if missing:
        has = shortened(", ".join(filter(None, header)), 200)
        it_has = f" It has: {has}." if has else ""
        raise DataError(
            f"{path}: lacks the column {', '.join(missing)}. Download it again.{it_has}"
        )
    return rows


def find_below(root: Path, file: Path) -> str:
    """A sentence on where a file is that a folder lacks: one or two folders below, or packed."""
    name = file.relative_to(root).as_posix()
    found = next((one for depth in ("*", "*/*") for one in root.glob(f"{depth}/{name}")), None)
    if found is not None:
        place = found.parents[name.count("/")]
        return f" There is one in {place}: --set data.raw={place}."
    return find_packed(root)


def find_packed(root: Path) -> str:
    """A sentence on an archive that was not unpacked: in a folder, or beside a missing one and
    named as it is.
    """
    folder, begin = (root, "") if root.is_dir() else (root.parent, root.name.lower())
    names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
    packed = [
        name for name in names if name.lower().startswith(begin) and name.lower().endswith(ARCHIVES)
    ]
    return f" {packed[0]} is there: unpack it." if packed else ""


def records_of_rows(
    table: Path,
    rows: Iterable[Mapping[str, str]],
    column: str,
    read: Callable[[Mapping[str, str]], RecordInfo],
    what: str = "record",
) -> list[RecordInfo]:
    """What ``read`` makes of each row, sorted; ``column`` has the ids, and no two may be the same.

    An error names the table and the record, and calls it ``what``.
    """
    infos: dict[str, RecordInfo] = {}
    for row in rows:
        name = row[column]
        if name in infos:
            raise DataError(f"{table}: {what} {name} is listed more than once.")
        try:
            infos[name] = read(row)
        except DataError as error:
            raise DataError(f"{table}: {what} {name}: {error}") from error
    return [infos[name] for name in sorted(infos)]
