"""The table of databases, and how one of them is found, asked and read."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ecg_keras.config import Data
from ecg_keras.errors import ConfigError, look_up, shortened, unknown_name
from ecg_keras.labels import Definition
from ecg_keras.records import Record
from ecg_keras.sources.contract import CONTRACT, Corpus, Source, check_label_sets
from ecg_keras.user_modules import import_object

# name -> the module that is the source, or an object of a module; imported when it is asked for
SOURCES: dict[str, str] = {
    "ptbxl": "ecg_keras.sources.ptbxl",
    "cpsc2018": "ecg_keras.sources.challenge_sets:CPSC2018",
    "cpsc2018_extra": "ecg_keras.sources.challenge_sets:CPSC2018_EXTRA",
    "georgia": "ecg_keras.sources.challenge_sets:GEORGIA",
    "ptb": "ecg_keras.sources.challenge_sets:PTB",
    "ptbxl_challenge": "ecg_keras.sources.challenge_sets:PTBXL",
    "chapman": "ecg_keras.sources.challenge_sets:CHAPMAN",
    "ningbo": "ecg_keras.sources.challenge_sets:NINGBO",
    "chapman_ningbo": "ecg_keras.sources.challenge_sets:CHAPMAN_NINGBO",
    "incart": "ecg_keras.sources.challenge_sets:INCART",
    "challenge": "ecg_keras.sources.challenge_sets:ALL_SETS",
    "ludb": "ecg_keras.sources.ludb",
    "ptb_diagnostic": "ecg_keras.sources.ptb_diagnostic",
    "chapman_csv": "ecg_keras.sources.chapman_csv",
    "sph": "ecg_keras.sources.sph",
    "code15": "ecg_keras.sources.code15",
    "code_test": "ecg_keras.sources.code_test",
    "simulated": "ecg_keras.sources.simulated",
    "folder": "ecg_keras.sources.folder:FolderSource",
}
# the source that has no labels until a recipe says where its table is
FOLDER = "folder"


def source_of(data: Data) -> Source:
    """The source that a recipe names.

    Args:
        data: the ``data`` section of a recipe. ``source`` is a name of `SOURCES`, the name of a
            module of your own, or ``module:object`` of an object with the names of `Source`, or of
            a class or function that is called with ``data`` and returns such an object. Code of
            your own is imported and run.

    Returns:
        A module or an object. It is cheap to make: no file is opened.

    Raises:
        ConfigError: no source has that name, it can't be imported, or it lacks a name or has
            label sets that are not usable.

    Example:
        >>> source_of(Data(source="ptbxl", raw="data/raw/ptbxl")).OFFICIAL_FOLDS
        True
    """
    target = _load(data.source)
    if not _is_made_from_data(target):
        return _check(data.source, target)
    try:
        made = target(data)
    except ConfigError:
        raise
    except Exception as error:  # the user's own code may raise anything
        raise ConfigError(
            f"source {shortened(data.source)}: its code fails: {type(error).__name__}: "
            f"{str(error).partition(chr(10))[0][:300]}. Correct it."
        ) from error
    return _check(data.source, made)


def find_source(name: str) -> Source:
    """The source of a name, as in `source_of`, for what can be said of it without a recipe.

    Raises:
        ConfigError: as `source_of`; or it is made from a recipe's ``data``, as ``folder`` is.

    Example:
        >>> find_source("ptbxl").LABEL_SETS["superdiagnostic"]
        ('NORM', 'MI', 'STTC', 'HYP', 'CD')
    """
    target = _load(name)
    if _is_made_from_data(target):
        raise ConfigError(
            f"source {shortened(name)}: its labels are given by a recipe's data.raw and "
            "data.folder, not by its name."
        )
    return _check(name, target)


def corpus_of(name: str) -> Corpus | None:
    """What a source of this package says of its database; ``None`` for a user's own source.

    Example:
        >>> corpus_of("ludb").title
        'LUDB'
    """
    corpus: Corpus | None = getattr(_load(name), "CORPUS", None) if name in SOURCES else None
    return corpus


def remarks_of(source: Source, root: Path) -> tuple[str, ...]:
    """Sentences on the files that a source lists, to be shown as warnings when shards are made:
    what its ``list_remarks(root)`` returns, if it has such a function.

    Raises:
        DataError: as ``list_records`` of the source.
    """
    list_remarks = getattr(source, "list_remarks", None)
    return () if list_remarks is None else tuple(list_remarks(root))


def choose_files(source: Source, root: Path, sampling_rate: float) -> Callable[[str], bool]:
    """What a source's ``choose_files(root, sampling_rate=...)`` returns, if it has such a function:
    whether it reads a file, by its path below the folder, with slashes. Otherwise all count.

    Raises:
        DataError: as ``list_records`` of the source.

    Example:
        >>> choose_files(find_source("code_test"), Path("data"), 400)("README.md")
        False
    """
    choose = getattr(source, "choose_files", None)
    if choose is None:
        return lambda path: True
    is_read: Callable[[str], bool] = choose(root, sampling_rate=sampling_rate)
    return is_read


def codes_of(source: Source, label_set: str) -> Definition | None:
    """The SNOMED CT codes of each label; ``None`` where the source's ``DEFINITIONS`` have none.

    Example:
        >>> codes_of(find_source("georgia"), "georgia")["AF"]
        ('164889003',)
    """
    definitions: Mapping[str, Definition] = getattr(source, "DEFINITIONS", {})
    return definitions.get(label_set)


def check_label_set(source: Source, label_set: str | None) -> tuple[str, ...]:
    """The labels of a source's label set, in order; ``None`` means its first.

    Raises:
        ConfigError: the source has no such label set.

    Example:
        >>> check_label_set(find_source("ptbxl"), None)
        ('NORM', 'MI', 'STTC', 'HYP', 'CD')
    """
    if label_set is None:
        label_set = next(iter(source.LABEL_SETS))
    return look_up("label set", label_set, source.LABEL_SETS)


def read_records(
    name: str, root: Path | str, *, label_set: str | None = None, sampling_rate: float
) -> Iterator[Record]:
    """Reads a whole database, one recording after the other.

    Args:
        name: as in `source_of`; ``folder`` reads a folder with a table of the usual names.
        root: the database's folder.
        label_set: as for `check_label_set`.
        sampling_rate: in Hz, which of two published rates to read; recordings keep their own.

    Yields:
        One `Record` for each recording, in the order of ``record_id``.

    Raises:
        ConfigError: as `source_of` and `check_label_set`.
        DataError: a table or a recording is missing, damaged or foreign.

    Example:
        >>> records = read_records("ptbxl", "/data/ptbxl", sampling_rate=100)
    """
    source = source_of(Data(source=name, raw=Path(root)))
    check_label_set(source, label_set)
    label_set = label_set or next(iter(source.LABEL_SETS))
    for info in source.list_records(Path(root), label_set=label_set, sampling_rate=sampling_rate):
        yield Record(info, source.read_signal(info))


def recognise_database(root: Path, source: str) -> str:
    """One sentence, a space before it, where ``data.raw`` holds a database that another source than
    the recipe's reads; otherwise nothing.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "ptbxl_database.csv").touch()
        >>> recognise_database(folder, "folder")
        ' This looks like PTB-XL, which source ptbxl reads: --set data.source=ptbxl.'
    """
    named = corpus_of(source)
    for name in SOURCES:
        corpus = corpus_of(name)
        if corpus is None or not corpus.marks:
            continue
        if all(any(root.glob(mark)) for mark in corpus.marks):
            if name == source or (named is not None and name in named.layout_of):
                return ""
            return (
                f" This looks like {corpus.title}, which source {name} reads: "
                f"--set data.source={name}."
            )
    return ""


def have_same_recordings(one: str, other: str) -> bool:
    """Whether two sources are the same database, copies of it, or one is a part of the other.

    Example:
        >>> have_same_recordings("ptb", "ptb_diagnostic"), have_same_recordings("ptb", "ludb")
        (True, False)
        >>> have_same_recordings("georgia", "challenge")
        True
    """
    return not _originals(one).isdisjoint(_originals(other))


def _originals(name: str) -> set[str]:
    """The sources that first held the recordings of one."""
    corpus = corpus_of(name)
    if corpus is None:
        return {name}
    if corpus.holds:
        return set().union(*map(_originals, corpus.holds))
    return {corpus.copy_of or name}


def _load(name: str) -> Any:
    """The module or object that a name means; what looks like a misspelling is said to be one."""
    if name in SOURCES:  # not as code of the user's own, whose errors are put down to it
        home, _, attribute = SOURCES[name].partition(":")
        module = importlib.import_module(home)
        return getattr(module, attribute) if attribute else module
    module_name = name.partition(":")[0]
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise ConfigError(unknown_name("source", name, SOURCES))
    try:
        return import_object(name)
    except ConfigError as error:
        # no dot: more likely one of the table, misspelled
        missing = isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name == name
        if missing and "." not in name:
            raise ConfigError(
                f"{unknown_name('source', name, SOURCES)} Nor is there a Python module {name} in "
                "the current folder or a folder of PYTHONPATH."
            ) from error
        raise ConfigError(f"source {shortened(name)}: {error}") from error


def _is_made_from_data(target: Any) -> bool:
    return isinstance(target, type) or (callable(target) and bool(_list_missing(target)))


def _list_missing(source: Any) -> list[str]:
    """The names of the contract that a source lacks; no property of an object is computed."""
    if isinstance(source, ModuleType):
        return [name for name in CONTRACT if not hasattr(source, name)]
    return [name for name in CONTRACT if inspect.getattr_static(source, name, None) is None]


def _check(name: str, source: Any) -> Source:
    """The source, if it has the names of the contract; a user's own label sets are checked."""
    missing = _list_missing(source)
    if missing:
        what = "module" if isinstance(source, ModuleType) else "object"
        raise ConfigError(
            f"source {shortened(name)}: the {what} {SOURCES.get(name, name)} lacks "
            f"{', '.join(missing)}. See docs/add-a-source.md for what a source must have."
        )
    if name not in SOURCES:
        check_label_sets(name, source.LABEL_SETS)
    return cast(Source, source)
