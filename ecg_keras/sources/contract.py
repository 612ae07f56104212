"""What a source is: the protocol, what its database promises, and checks of a user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from ecg_keras.errors import ConfigError, DataError, printable, shortened
from ecg_keras.records import RecordInfo, Signal

Range = tuple[float, float]
# the names that every source has
CONTRACT = ("LABEL_SETS", "OFFICIAL_FOLDS", "CITATION", "LICENCE", "list_records", "read_signal")
# of a label set: each is an output of the network, a column of every table and a part of the page
MAX_LABELS = 1000
TEN_SECONDS: Range = (9.99, 10.01)
# shares of records: where every one should have a value, where almost every one has, so that a part
# of the database has too, and where any has
NEARLY_ALL, MOST, SOME = 0.99, 0.5, 1e-6


class Source(Protocol):
    """What reads a database: a module, or an object, with these names.

    Optional names are asked for by functions: ``DEFINITIONS`` by `codes_of`, ``list_remarks`` by
    `remarks_of`, ``choose_files`` by `choose_files`. Sources of this package also have a
    ``CORPUS``, which says what their database is and promises.

    Attributes:
        LABEL_SETS: names of the labels of each label set, in order; the first set is the default.
        OFFICIAL_FOLDS: whether the records have a ``fold``.
        CITATION: what to cite.
        LICENCE: of the database.
        read_signal: reads a whole recording at its own rate in millivolts. It takes a `RecordInfo`
            and may take ``span``, the first and last second that are wanted (`None`: all); it
            raises `DataError` with the file's name for one that can't be read.

    Example:
        >>> from ecg_keras.sources import find_source
        >>> source: Source = find_source("ludb")
        >>> source.LICENCE
        'ODC-By 1.0'
    """

    # read-only for checkers: a module, a dataclass or a property may have them
    @property
    def LABEL_SETS(self) -> Mapping[str, tuple[str, ...]]: ...

    @property
    def OFFICIAL_FOLDS(self) -> bool: ...

    @property
    def CITATION(self) -> str: ...

    @property
    def LICENCE(self) -> str: ...

    @property
    def read_signal(self) -> Callable[..., Signal]: ...

    def list_records(self, root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
        """Lists the recordings, sorted by ``record_id``, without reading a signal.

        Args:
            root: the folder of the database.
            label_set: a key of ``LABEL_SETS``.
            sampling_rate: in Hz, for databases that ship several.

        Raises:
            ConfigError: there is no such label set.
            DataError: a folder, table or column is missing, or a value is not one of the
                database's.
        """
        ...


@dataclass(frozen=True)
class Expectations:
    """What the recordings of a database have in common.

    A range is what its database may hold: a part of the database, however chosen, stays within it.
    How frequent a label is depends on which records are taken, so it is not said here.

    Attributes:
        rates: the sampling rates that recordings were made at, in Hz; empty allows any.
        seconds: how long whole recordings are.
        age: in years.
        ages_known, sexes_known: the least share of records whose age or sex is known. Below 1 it
            is asked of splits that lack twenty values, so that few records break it by chance.
        folds: number of official folds, counted from 1; 0 where there are none.
        labelled: the least share of records with a label, likewise, by label set.
        most_labels: how many labels a record has at most, by label set; as many as there are
            where it is not named.

    Example:
        >>> Expectations(rates=(500.0,)).age
        (0.0, 120.0)
    """

    rates: tuple[float, ...] = ()
    seconds: Range = (0.0, 1e6)
    age: Range = (0.0, 120.0)
    ages_known: float = 0.0
    sexes_known: float = 0.0
    folds: int = 0
    labelled: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    most_labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Corpus:
    """What a source of this package says of its database; docs and other commands show it.

    Attributes:
        title: its name in a message.
        about: its name, lengths and rates, for the docs.
        layout: what ``data.raw`` holds, in Markdown.
        expectations: what its documentation promises.
        marks: patterns of files; a folder that has a file of each is recognised as the database.
        copy_of: the source with the same recordings.
        holds: sources whose recordings are among its own.
        layout_of: sources whose layout it shares, so that ``marks`` of theirs mean nothing.
        not_published: why `ecg-keras download` can't fetch it, and what to do instead; empty where
            its catalogue has the database.

    Example:
        >>> Corpus("LUDB", "LUDB, 10 s, 500 Hz", "`data/`").expectations.folds
        0
    """

    title: str
    about: str
    layout: str
    expectations: Expectations = field(default_factory=Expectations)
    marks: tuple[str, ...] = ()
    copy_of: str = ""
    holds: tuple[str, ...] = ()
    layout_of: tuple[str, ...] = ()
    not_published: str = ""


def check_label_sets(name: str, label_sets: Any) -> None:
    """Raises `ConfigError` where the ``LABEL_SETS`` of a user's own source are no such table."""
    if not isinstance(label_sets, Mapping) or not label_sets:
        raise ConfigError(
            f"source {name}: LABEL_SETS must be a dict of at least one name to its labels, such as "
            f'{{"rhythm": ("AF", "SR")}}. Received: {_show(label_sets)}.'
        )
    for title, labels in label_sets.items():
        where = f"source {name}: LABEL_SETS[{_show(title)}]"
        if not isinstance(labels, tuple | list) or not 1 <= len(labels) <= MAX_LABELS:
            count = f"{len(labels)} labels" if isinstance(labels, tuple | list) else _show(labels)
            raise ConfigError(
                f"{where} must be a tuple of 1 to {MAX_LABELS} labels. Received: {count}."
            )
        for label in (title, *labels):
            if not _is_name(label):
                raise ConfigError(
                    f"{where}: names must be text of one line. Received: {_show(label)}."
                )
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise ConfigError(f"{where} has {_show(twice)} twice. Name it once.")


def check_listed(name: str, root: Path, listed: Any) -> Sequence[RecordInfo]:
    """What ``list_records`` of a user's own source returned, if it is a list of usable records.

    Raises:
        DataError: it is no list of `RecordInfo`, or one has ids that are no text of one line, a
            path that is none, or labels that are no tuple of names.

    Example:
        >>> check_listed("my_lab.hospital", Path("lab"), [])
        []
    """
    if not isinstance(listed, list | tuple):
        raise DataError(
            f"{root}: source {name}: list_records must return a list of RecordInfo. Received: "
            f"{_show(listed)}."
        )
    for number, info in enumerate(listed):
        where = f"{root}: source {name}: entry {number} of list_records"
        if not isinstance(info, RecordInfo):
            raise DataError(f"{where} must be a RecordInfo. Received: {_show(info)}.")
        for attribute, what, is_right in (
            ("record_id", "text of one line", _is_name),
            ("patient_id", "text of one line", _is_name),
            ("path", "a pathlib.Path", lambda value: isinstance(value, Path)),
            ("labels", "a tuple of names", _are_names),
        ):
            value = getattr(info, attribute)
            if not is_right(value):
                raise DataError(f"{where}: {attribute} must be {what}. Received: {_show(value)}.")
    return listed


def _show(value: Any) -> str:
    return shortened(repr(value), 80)


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and bool(value.strip())
        and value == printable(value)
        and "\n" not in value
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(map(_is_name, value))
