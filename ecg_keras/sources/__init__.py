"""The table of databases, and the generic ways to use one of them.

A source is a module with the six names of docs/architecture.md; docs/add-a-source.md shows how to
write one. Modules are imported when they are asked for. Your own recordings, source ``folder``, are
an object with the same names, which is made from a recipe.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ecg_keras.config import Data, Folder
from ecg_keras.errors import ConfigError, look_up, shortened, unknown_name
from ecg_keras.records import Record
from ecg_keras.sources.own_source import check_label_sets
from ecg_keras.user_modules import import_own

if TYPE_CHECKING:
    from ecg_keras.sources.folder import FolderSource

SOURCES = {
    "ptbxl": "ecg_keras.sources.ptbxl",
    "cpsc2018": "ecg_keras.sources.cpsc2018",
    "cpsc2018_extra": "ecg_keras.sources.cpsc2018_extra",
    "georgia": "ecg_keras.sources.georgia",
    "ptb": "ecg_keras.sources.ptb",
    "ptbxl_challenge": "ecg_keras.sources.ptbxl_challenge",
    "chapman": "ecg_keras.sources.chapman",
    "ningbo": "ecg_keras.sources.ningbo",
    "incart": "ecg_keras.sources.incart",
    "challenge": "ecg_keras.sources.challenge",
    "ludb": "ecg_keras.sources.ludb",
    "ptb_diagnostic": "ecg_keras.sources.ptb_diagnostic",
    "chapman_csv": "ecg_keras.sources.chapman_csv",
    "sph": "ecg_keras.sources.sph",
    "code15": "ecg_keras.sources.code15",
    "code_test": "ecg_keras.sources.code_test",
    "simulated": "ecg_keras.sources.simulated",
    "folder": "ecg_keras.sources.folder",
}
# the source that has no labels until a recipe says where its table lies
FOLDER = "folder"
CONTRACT = ("LABEL_SETS", "OFFICIAL_FOLDS", "CITATION", "LICENCE", "list_records", "read_signal")


def source_of(data: Data) -> ModuleType | FolderSource:
    """The source that a recipe names: a module, or your own recordings as the recipe tells them.

    Args:
        data: the ``data`` section of a recipe.

    Returns:
        Something with all names of `CONTRACT`. It is cheap to make: no file is opened.

    Raises:
        ConfigError: as `find_source`.

    Example:
        >>> source_of(Data(source="ptbxl", raw="data/raw/ptbxl")).OFFICIAL_FOLDS
        True
    """
    if data.source != FOLDER:
        return find_source(data.source)
    # imported here because it needs pandas
    from ecg_keras.sources.folder import FolderSource

    return FolderSource(data.raw, data.folder or Folder())


def find_source(name: str) -> ModuleType:
    """The module that reads a database.

    Args:
        name: one of `SOURCES`, or a module of your own: see `import_own`, which runs its code.

    Returns:
        A module with all names of `CONTRACT`.

    Raises:
        ConfigError: there is none of that name, it can't be imported, or it lacks a name or has
            label sets that are none (see `own_source.check_label_sets`); or it is
            ``folder``, whose labels a name alone does not tell: see `source_of`.

    Example:
        >>> find_source("ptbxl").LABEL_SETS["superdiagnostic"]
        ('NORM', 'MI', 'STTC', 'HYP', 'CD')
    """
    if name == FOLDER:
        raise ConfigError(
            "source folder: what its labels are is said by a recipe's data.raw and data.folder, "
            "not by its name."
        )
    source = importlib.import_module(SOURCES[name]) if name in SOURCES else _import_own(name)
    missing = [attribute for attribute in CONTRACT if not hasattr(source, attribute)]
    if missing:
        raise ConfigError(
            f"source {name}: the module {SOURCES.get(name, name)} lacks {', '.join(missing)}. "
            "See docs/add-a-source.md for what a source must have."
        )
    if name not in SOURCES:
        check_label_sets(name, source.LABEL_SETS)
    return source


def _import_own(name: str) -> ModuleType:
    """A module that is none of the table; what looks like a slip of the pen is said to be one."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(unknown_name("source", name, SOURCES))
    try:
        return import_own(name)
    except ConfigError as error:
        # no dot: more likely one of the table, misspelled
        missing = isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name == name
        if missing and "." not in name:
            raise ConfigError(
                f"{unknown_name('source', name, SOURCES)} Nor is there a Python module {name} in "
                "the current folder or a folder of PYTHONPATH."
            ) from error
        raise ConfigError(f"source {shortened(name)}: {error}") from error


def remarks_of(source: ModuleType | FolderSource, root: Path) -> tuple[str, ...]:
    """What a source has to say of the files that it lists; most say nothing.

    Args:
        source: from `find_source` or `source_of`.
        root: the folder of the database.

    Returns:
        What its ``list_remarks(root)`` returns, if it has such a function: sentences to be told as
        warnings when shards are made.

    Raises:
        DataError: as ``list_records`` of the source.

    Example:
        >>> remarks_of(find_source("ptbxl"), Path("data/raw/ptbxl"))
        ()
    """
    list_remarks = getattr(source, "list_remarks", None)
    return () if list_remarks is None else tuple(list_remarks(root))


def choose_files(
    source: ModuleType | FolderSource, root: Path, sampling_rate: float
) -> Callable[[str], bool]:
    """Which of the files below a database's folder a source reads.

    Args:
        source: from `find_source` or `source_of`.
        root: the folder of the database.
        sampling_rate: in Hz, as for its ``list_records``.

    Returns:
        What its ``choose_files(root, sampling_rate=...)`` returns, if it has such a function:
        whether a file is read, by its path below the folder, with slashes. Otherwise all count.

    Raises:
        DataError: as ``list_records`` of the source.

    Example:
        >>> choose_files(find_source("code_test"), Path("data"), 400)("README.md")
        False
    """
    choose = getattr(source, "choose_files", None)
    return (lambda path: True) if choose is None else choose(root, sampling_rate=sampling_rate)


def check_label_set(source: ModuleType | FolderSource, label_set: str | None) -> tuple[str, ...]:
    """The labels of a source's label set.

    Args:
        source: from `find_source` or `source_of`.
        label_set: its name; ``None`` means the source's first.

    Returns:
        The names of its labels, in order.

    Raises:
        ConfigError: the source has no such label set.

    Example:
        >>> check_label_set(find_source("ptbxl"), None)
        ('NORM', 'MI', 'STTC', 'HYP', 'CD')
    """
    if label_set is None:
        label_set = next(iter(source.LABEL_SETS))
    labels: tuple[str, ...] = look_up("label set", label_set, source.LABEL_SETS)
    return labels


def read_records(
    name: str, root: Path | str, *, label_set: str | None = None, sampling_rate: float
) -> Iterator[Record]:
    """Reads a whole database, one recording after the other.

    Args:
        name: as for `find_source`, or ``folder`` for a folder with a table of the usual names.
        root: the database's folder.
        label_set: as for `check_label_set`.
        sampling_rate: in Hz, which of two published rates to read; recordings keep their own.

    Yields:
        One `Record` for each recording, in the order of ``record_id``.

    Raises:
        ConfigError: as `find_source` and `check_label_set`.
        DataError: a table or a recording is missing, damaged or foreign.

    Example:
        >>> records = read_records("ptbxl", "/data/ptbxl", sampling_rate=100)
    """
    source = source_of(Data(source=name, raw=Path(root)))
    check_label_set(source, label_set)
    label_set = label_set or next(iter(source.LABEL_SETS))
    for info in source.list_records(Path(root), label_set=label_set, sampling_rate=sampling_rate):
        yield Record(info, source.read_signal(info))
