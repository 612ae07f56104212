"""Fields that every database writes in its own way: age, sex, and the path of a file."""

from __future__ import annotations

import math
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
        DataError: the name is empty, absolute, climbs out with ``..``, or holds a character that
            can't be printed.

    Example:
        >>> path_inside(Path("ptbxl"), "records100/00000/00001_lr").name
        '00001_lr'
    """
    # by hand: a table names a million files, and this takes half of PurePosixPath's time
    parts = [part for part in name.split("/") if part not in ("", ".")]
    climbs = name.startswith("/") or ".." in parts or "\\" in name or ":" in name
    if not parts or climbs or not name.isprintable():
        raise DataError(f"a file name must stay inside {root}. Received: {name!r}.")
    return root.joinpath(*parts)
