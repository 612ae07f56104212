"""Databases: the table of those that can be read, and how one is found, asked and read.

A source is a module or an object with the names of `Source`; docs/add-a-source.md shows how to
write one. Modules are imported when they are asked for.
"""

from typing import TYPE_CHECKING, Any

from ecg_keras.faces import lazy_face
from ecg_keras.moved import SETS, warn_of_move

if TYPE_CHECKING:
    from ecg_keras.sources.challenge_sets import ChallengeSet as ChallengeSet
    from ecg_keras.sources.contract import (
        SOME as SOME,
        Corpus as Corpus,
        Expectations as Expectations,
        Range as Range,
        Source as Source,
        check_listed as check_listed,
    )
    from ecg_keras.sources.expectations import (
        AMPLITUDES as AMPLITUDES,
        USABLE as USABLE,
        find_expectations as find_expectations,
        record_ranges as record_ranges,
    )
    from ecg_keras.sources.fields import path_inside as path_inside, read_rows as read_rows
    from ecg_keras.sources.finding import (
        FOLDER as FOLDER,
        SOURCES as SOURCES,
        check_label_set as check_label_set,
        choose_files as choose_files,
        codes_of as codes_of,
        corpus_of as corpus_of,
        find_source as find_source,
        have_same_recordings as have_same_recordings,
        read_records as read_records,
        recognise_database as recognise_database,
        remarks_of as remarks_of,
        source_of as source_of,
    )

    # these need pandas
    from ecg_keras.sources.label_cells import is_blank as is_blank, read_flags as read_flags
    from ecg_keras.sources.labels_table import (
        name_row as name_row,
        name_rows as name_rows,
        read_header as read_header,
        read_table as read_table,
    )
else:
    _load_name, __dir__, __all__ = lazy_face(__name__)

    def __getattr__(name: str) -> Any:
        """A public name; or a set of the Challenge by its former module, for one release."""
        if name in __all__:
            return _load_name(name)
        former = f"{__name__}.{name}"
        if former not in SETS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warn_of_move(former, SETS[former])
        return _load_name("find_source")(name)
