"""Where a SavedModel is, as TensorFlow Serving looks for it, and by what it is known."""

from __future__ import annotations

from pathlib import Path

from ecg_keras.files import sha256_of


def find_saved_model(place: str | Path) -> Path | None:
    """The folder of a SavedModel, or of the highest version in a folder of such.

    Args:
        place: a version folder, or the folder of versions, whose names are whole numbers.

    Returns:
        The version folder; ``None`` where the highest version is no SavedModel, or there is none.

    Example:
        >>> find_saved_model("runs/quickstart/saved_model")  # doctest: +SKIP
        PosixPath('runs/quickstart/saved_model/1')
    """
    place = Path(place)
    if (place / "saved_model.pb").is_file():
        return place
    if not place.is_dir():
        return None
    versions = [one for one in place.iterdir() if one.name.isdecimal()]
    newest = max(versions, key=lambda one: int(one.name), default=None)
    return newest if newest and (newest / "saved_model.pb").is_file() else None


def digest_files(folder: Path) -> dict[str, str]:
    """The sha256 of each file of a SavedModel, by its name below the folder.

    Example:
        >>> digest_files(Path("saved_model/1"))["saved_model.pb"][:8]  # doctest: +SKIP
        '8b1a9953'
    """
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return {one.relative_to(folder).as_posix(): sha256_of(one) for one in files}
