"""A simulated hospital's database on disk: written once, resumed if killed, never over others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ecg_keras.errors import ConfigError, DataError, look_up
from ecg_keras.files import lock_file, refresh, replacing
from ecg_keras.simulate.hospitals import HOSPITALS
from ecg_keras.simulate.layouts import LAYOUTS
from ecg_keras.simulate.recordings import record_ecg

# says what a complete database was made from; while it is being made, the second name does
SETTINGS = "simulation.json"
UNFINISHED = "simulation.unfinished.json"
LOCK = ".lock"
# raise it whenever the same settings give other recordings
VERSION = 1


def simulate(
    root: Path | str,
    *,
    hospital: str,
    records: int,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes a simulated hospital's database in the layout of a real one.

    A complete database of the same settings is left alone, and an unfinished one is finished.
    Every file is written under a temporary name and renamed; ``simulation.json`` comes last.

    Args:
        root: the database's folder: new, empty, or from an earlier call.
        hospital: a name of `HOSPITALS`.
        records: how many, 1 to 99999. The first records of a larger database are the same.
        seed: from 0; another seed gives other patients.
        on_progress: called with the records that are there and ``records`` after each of them.

    Raises:
        ConfigError: the hospital is unknown, or ``records`` or ``seed`` is out of range.
        DataError: the folder holds something else, or simulated ECGs of other settings.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp()) / "riverside"
        >>> simulate(root, hospital="riverside", records=2)
        >>> sorted(path.name for path in (root / "g1").iterdir())
        ['RV00001.hea', 'RV00001.mat', 'RV00002.hea', 'RV00002.mat']
    """
    root = Path(root)
    settings = _settings(hospital, records, seed)
    try:
        if _check_folder(root, settings):
            return
    except DataError:
        if not (root / LOCK).exists():
            raise  # nobody simulates into it: what was found is not half-written
    try:
        root.mkdir(parents=True, exist_ok=True)
        with lock_file(root / LOCK):
            refresh(root)
            # another process may have written it while this one waited
            if not _check_folder(root, settings):
                _write_database(root, settings, on_progress or (lambda done, total: None))
    except OSError as error:
        raise DataError(
            f"{root}: can't be written: {error}. Finished records are kept: make room or choose "
            "another folder, and simulate again."
        ) from error


def is_complete(root: Path | str, hospital: str, records: int, seed: int = 0) -> bool:
    """Whether `simulate` with these settings has nothing left to do; a `ConfigError` as there."""
    return _read(Path(root) / SETTINGS) == _settings(hospital, records, seed)


def read_settings(root: Path | str) -> dict[str, Any]:
    """What a complete simulated database was made from.

    Returns:
        ``version``, ``hospital`` (its name), ``records``, ``seed`` and ``equipment`` (the fields of
        `Hospital`).

    Raises:
        DataError: the folder is no complete simulated database.
    """
    settings = _read(Path(root) / SETTINGS)
    if settings is None or settings.get("hospital") not in HOSPITALS:
        raise DataError(
            f"{root}: no complete simulated database: it has no valid {SETTINGS}. Write one with "
            "`ecg-keras simulate`, or call it again to finish one."
        )
    return settings


def _settings(hospital: str, records: int, seed: int) -> dict[str, Any]:
    place = look_up("hospital", hospital, HOSPITALS)
    if not 1 <= records <= 99_999 or seed < 0:
        raise ConfigError(
            "a simulated database has 1 to 99999 records and a seed of 0 or more. "
            f"Received: records {records}, seed {seed}."
        )
    chosen = {"hospital": hospital, "records": records, "seed": seed}
    return {"version": VERSION, **chosen, "equipment": asdict(place)}


def _write_database(
    root: Path, settings: dict[str, Any], on_progress: Callable[[int, int], None]
) -> None:
    hospital, records, seed = settings["hospital"], settings["records"], settings["seed"]
    layout = LAYOUTS[HOSPITALS[hospital].layout]
    _write(root / UNFINISHED, json.dumps(settings, indent=2).encode())
    for index in range(records):
        # a record's header is its last file: where it is, the record is whole
        if not (root / layout.last_file(hospital, index)).exists():
            recording = record_ecg(hospital, index, seed=seed)
            for name, content in layout.record_files(hospital, recording):
                _write(root / name, content)
        on_progress(index + 1, records)
    for name, content in layout.table_files(hospital, records, seed):
        _write(root / name, content)
    (root / UNFINISHED).replace(root / SETTINGS)


def _check_folder(root: Path, settings: dict[str, Any]) -> bool:
    """Whether the database is complete; a `DataError` if something else is in the folder."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise DataError(f"{root}: is a file. Choose a folder for the simulated ECGs.")
    held = {name: _read(root / name) for name in (SETTINGS, UNFINISHED)}
    found = held[SETTINGS] or held[UNFINISHED]
    if found is not None:
        differing = [
            f"{key} {found.get(key)!r} instead of {value!r}"
            for key, value in settings.items()
            if found.get(key) != value
        ]
        if differing:
            raise DataError(
                f"{root}: holds simulated ECGs of other settings: {'; '.join(differing)}. "
                "Choose another folder, or delete this one."
            )
        return held[SETTINGS] is not None
    names = sorted(path.name for path in root.iterdir())
    foreign = next((name for name in names if not name.startswith(LOCK)), None)
    if foreign is not None:
        raise DataError(
            f"{root}: holds {foreign!r} and no valid {SETTINGS}: no simulated database. Choose a "
            "new or empty folder; nothing in this one was changed."
        )
    return False


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; what a kill leaves of it is not taken for a record."""
    # it can be simulated again, and waiting for the disk takes as long as all the rest
    with replacing(path, ending=".tmp", durable=False) as temporary:
        temporary.write_bytes(content)
