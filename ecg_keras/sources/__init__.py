"""Databases: the table of those that can be read, and how one is found, asked and read.

A source is a module or an object with the names of `Source`; docs/add-a-source.md shows how to
write one. Modules are imported when they are asked for.
"""

from typing import TYPE_CHECKING

from ecg_keras.moved import warn_of_move
from ecg_keras.sources.contract import SOME, Corpus, Expectations, Range, Source, check_listed
from ecg_keras.sources.expectations import AMPLITUDES, USABLE, find_expectations, record_ranges
from ecg_keras.sources.fields import path_inside
from ecg_keras.sources.finding import (
    FOLDER,
    SOURCES,
    check_label_set,
    choose_files,
    codes_of,
    corpus_of,
    find_source,
    have_same_recordings,
    read_records,
    recognise_database,
    remarks_of,
    source_of,
)

__all__ = [
    "AMPLITUDES",
    "FOLDER",
    "SOME",
    "SOURCES",
    "USABLE",
    "Corpus",
    "Expectations",
    "Range",
    "Source",
    "check_label_set",
    "check_listed",
    "choose_files",
    "codes_of",
    "corpus_of",
    "find_expectations",
    "find_source",
    "have_same_recordings",
    "path_inside",
    "read_records",
    "recognise_database",
    "record_ranges",
    "remarks_of",
    "source_of",
]

if not TYPE_CHECKING:  # or a checker would accept any name

    def __getattr__(name: str) -> Source:
        """The sets of the Challenge by the names of their former modules, for one release."""
        # the former module `challenge` is the format of all sets
        is_set = SOURCES.get(name, "").startswith("ecg_keras.sources.challenge_sets:")
        if not is_set or name == "challenge":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warn_of_move(f"{__name__}.{name}", SOURCES[name].replace(":", "."))
        return find_source(name)
