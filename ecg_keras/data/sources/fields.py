"""Fields that every database writes in its own way: age, sex, and the path of a file."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path

from ecg_keras.errors import DataError

SEXES = {"male": "male", "m": "male", "female": "female", "f": "female"}
UNKNOWN = ("", "nan", "unknown", "n/a", "-1")
OLDEST = 120


def parse_age(text: str) -> float | None:
    """An age in years, or ``None``: databases write unknown ages as nothing, NaN, -1 or 300.

    PTB-XL and its copies hide ages above 89 as 300.

    Raises:
        DataError: the text is no number.

    Example:
        >>> parse_age("56.0"), parse_age("300"), parse_age("NaN")
        (56.0, None, None)
    """
    if text.strip().lower() in UNKNOWN:
        return None
    try:
        age = float(text)
    except ValueError:
        raise DataError(f"an age must be a number of years. Received: {text!r}.") from None
    return age if math.isfinite(age) and 0 <= age <= OLDEST else None


def parse_sex(text: str) -> str | None:
    """``"female"``, ``"male"`` or, where unknown, ``None``.

    Raises:
        DataError: the text is none of the known spellings.

    Example:
        >>> parse_sex("F"), parse_sex("Male"), parse_sex("Unknown")
        ('female', 'male', None)
    """
    plain = text.strip().lower()
    if plain in UNKNOWN:
        return None
    if plain not in SEXES:
        raise DataError(f"sex must be male, female, M, F or unknown. Received: {text!r}.")
    return SEXES[plain]


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
