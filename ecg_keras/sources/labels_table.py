"""The labels table of a folder of recordings, CSV or Parquet, as columns of text and numbers.

Hospitals write such tables with spreadsheets: with semicolons or commas, in several encodings, with
blanks around names and empty rows at the end. None of it matters here; what could be misread is
refused with its row.
"""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_keras.errors import DataError, nearest
from ecg_keras.formats.plain_files import stat_file
from ecg_keras.sources.fields import path_inside
from ecg_keras.sources.finding import recognise_database
from ecg_keras.sources.parquet_tables import nested_as_json, parquet_header, read_parquet, say
from ecg_keras.sources.table_text import CsvLayout, find_layout

TABLES = ("labels.csv", "labels.parquet")
KINDS = (".csv", ".parquet")
LARGEST = 2_000_000_000
MOST_COLUMNS = 5000
# columns that a message lists, and letters of each
MOST_NAMED = 40
LONGEST_NAMED = 60
# problems of one kind that a message lists
MOST_SAID = 5
# whole numbers above it are not exact in a Parquet file's floats
EXACT = 2**53
ADVICE = "Name the labels table with data.folder.table."


def find_table(root: Path, name: str | None) -> Path:
    """The labels table of a folder.

    Args:
        root: the folder with the recordings.
        name: relative to it; ``None`` takes the one of `TABLES` that is there.

    Raises:
        DataError: there is no such table, or both; it is of another kind, larger than 2 GB, or
            outside the folder.
    """
    if not root.is_dir():
        raise DataError(
            f"{root}: no such folder. Set data.raw to the folder with your recordings and their "
            "labels table."
        )
    if name is None:
        names = [one for one in TABLES if (root / one).exists()]
        if len(names) != 1:
            raise DataError(
                f"{root}: has {' and '.join(names) or f'no {TABLES[0]} or {TABLES[1]}'}, and there "
                f"must be one labels table. {_list_tables(root)}{ADVICE}"
                f"{recognise_database(root, 'folder')}"
            )
        name = names[0]
    inside = Path(name)
    if inside.is_absolute() and inside.is_relative_to(root.absolute()):
        name = inside.relative_to(root.absolute()).as_posix()
    try:
        path = path_inside(root, name)
    except DataError as error:
        raise DataError(f"data.folder.table: {error}") from error
    if path.suffix.lower() not in KINDS:
        raise DataError(
            f"{path}: a labels table is a CSV or a Parquet file, and its name ends in "
            f"{' or '.join(KINDS)}. Save it as CSV (UTF-8)."
        )
    if not path.exists():
        found = [f"{one.relative_to(root)}" for one in root.glob(f"*{path.suffix}")]
        raise DataError(
            f"{path}: no such labels table. {_list_tables(root)}{ADVICE}{nearest(name, found)}"
            f"{recognise_database(root, 'folder')}"
        )
    size = stat_file(path, ADVICE).st_size
    if not path.resolve().is_relative_to(root.resolve()) or size > LARGEST:
        raise DataError(
            f"{path}: a labels table must lie inside data.raw, and have at most {LARGEST:,} bytes."
        )
    return path


def read_header(path: Path) -> list[str]:
    """The names of a table's columns, with single blanks inside and none around.

    Raises:
        DataError: it can't be read, has too many columns, or a name occurs twice.
    """
    names = parquet_header(path) if _is_parquet(path) else find_layout(path).header
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"{path}: {len(names):,} columns, and a labels table has at most {MOST_COLUMNS:,}. "
            "Leave out those that are no labels."
        )
    names = [" ".join(name.split()) for name in names]
    twice = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if twice:
        raise DataError(
            f"{path}: the column {twice[0]!r:.{LONGEST_NAMED}} is there twice. Rename one of them."
        )
    if not any(names):
        raise DataError(f"{path}: its first row must name the columns. Export the table again.")
    return names


def read_table(path: Path, text: Collection[str]) -> pd.DataFrame:
    """Reads a labels table.

    Args:
        path: from `find_table`.
        text: columns that are no numbers, such as ids: ``007`` stays what it is.

    Returns:
        A column for each name of `read_header`, which is not empty. Those of ``text`` are text,
        empty where nothing is there; numbers of a Parquet file are written without a point. Empty
        rows are left out; the index is the number of each row in the file, from 0.

    Raises:
        DataError: it can't be read, or has no row.
    """
    header = read_header(path)
    try:
        frame = read_parquet(path) if _is_parquet(path) else _read_csv(path, header, text)
    except DataError:
        raise
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: its rows have more cells than its header names. Name every column; texts "
            "with separators in them need quotes."
        ) from error
    except Exception as error:  # pandas and pyarrow raise whatever their parsers meet
        raise DataError(
            f"{path}: can't be read: {say(error)}. Correct the file, or save it as CSV (UTF-8)."
        ) from error
    frame.columns = pd.Index(header)
    frame = frame[[name for name in header if name]]
    frame = frame.assign(**{name: _as_text(path, frame[name]) for name in text if name in frame})
    frame = _leave_out_empty(frame, text)
    if not len(frame):
        raise DataError(f"{path}: has no row below its header. Write one for each recording.")
    return frame


def name_row(number: int) -> str:
    """How messages call a row: counted from 1, below the header.

    Example:
        >>> name_row(0)
        'row 1 below the header'
    """
    return f"row {number + 1} below the header"


def name_rows(numbers: Sequence[int] | pd.Index) -> str:
    """How messages call several rows: the first, and how many more.

    Example:
        >>> name_rows([2, 5, 6])
        'row 3 below the header (and 2 more rows)'
    """
    more = len(numbers) - 1
    others = f" (and {more:,} more row{'s' * (more > 1)})" if more else ""
    return f"{name_row(numbers[0])}{others}"


def shorten_list(problems: list[str], what: str) -> list[str]:
    """The first of many lines, and how many more there are.

    Example:
        >>> shorten_list(["a", "b"], "t.csv")
        ['a', 'b']
    """
    more = len(problems) - MOST_SAID
    return problems if more < 1 else [*problems[:MOST_SAID], f"{what}: {more:,} more like these."]


def name_columns(names: Iterable[str]) -> str:
    """The columns that are there, for messages; of very many the first.

    Example:
        >>> name_columns(["file", "", "AF"])
        'It has: file, AF.'
    """
    return f"It has: {join_names([name for name in names if name])}."


def join_names(names: Sequence[str]) -> str:
    """Names of columns or labels, for messages; of very many the first.

    Example:
        >>> join_names(["AF", "SR"])
        'AF, SR'
    """
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(shorten(name) for name in names[:MOST_NAMED])}{more}"


def shorten(name: str) -> str:
    """A name for messages: of a long one the beginning, and nothing that a terminal obeys.

    Example:
        >>> shorten("AF"), shorten("\\x1b[31m")
        ('AF', "'\\\\x1b[31m'")
    """
    plain = name if name.isprintable() else repr(name)
    return plain if len(plain) <= LONGEST_NAMED else f"{plain[:LONGEST_NAMED]}..."


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _list_tables(root: Path) -> str:
    names = sorted(path.name for path in root.iterdir() if path.suffix.lower() in KINDS)
    if not names:
        return ""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"In {root}: {', '.join(names[:10])}{more}. "


def _read_csv(path: Path, header: list[str], text: Collection[str]) -> pd.DataFrame:
    layout = find_layout(path)
    with warnings.catch_warnings():
        # that rows have more cells than the header
        warnings.simplefilter("error", pd.errors.ParserWarning)

        def read(columns: int, header_row: int | None) -> pd.DataFrame:
            return pd.read_csv(
                path,
                sep=layout.separator,
                encoding=layout.encoding,
                skiprows=layout.skipped,
                header=header_row,
                names=range(columns),
                index_col=False,
                dtype={number: str for number, name in enumerate(header) if name in text},
                # a patient may be called NA
                keep_default_na=False,
                # an empty line is a row, so that rows are counted as the file counts them
                skip_blank_lines=False,
                low_memory=False,
                engine="c",
            )

        try:
            return read(len(header), 0)
        except (pd.errors.ParserWarning, pd.errors.ParserError):
            width = _find_width(path, layout, len(header))
            if width is None:
                raise
            # the parser takes the width of a table from its header, so that is read as a row
            return read(width, None).iloc[1:, : len(header)].reset_index(drop=True)


def _find_width(path: Path, layout: CsvLayout, named: int) -> int | None:
    """The most cells in a row, where all of them that no header names are empty."""
    width = named
    with path.open(encoding=layout.encoding, newline="") as stream:
        for row in csv.reader(stream, delimiter=layout.separator):
            if any(cell.strip() for cell in row[named:]):
                return None
            width = max(width, len(row))
    return width if width > named else None


def _leave_out_empty(frame: pd.DataFrame, text: Collection[str]) -> pd.DataFrame:
    """Without rows that hold nothing, which spreadsheets write below the last one."""
    empty = np.ones(len(frame), dtype=bool)
    for name in text:  # which are rarely empty
        empty &= (frame[name] == "").to_numpy() if name in frame else True
    if not empty.any():
        return frame
    for name in frame:
        cells = frame.loc[empty, name]
        blank = cells.isna() | (cells.astype(str).str.strip() == "")
        empty[empty] = blank.to_numpy()
    return frame[~empty]


def _as_text(path: Path, column: pd.Series) -> pd.Series:
    """Ids and names as text, whatever type they were stored with."""
    if pd.api.types.is_float_dtype(column):  # whole numbers among which one is missing
        whole = column.isna() | (column == np.floor(column))
        if not whole.all():
            row = int((~whole).to_numpy().argmax())
            raise DataError(
                f"{path}: {name_row(row)}: column {column.name} holds {column[row]}, and must hold "
                "text or whole numbers."
            )
        if (column.abs() >= EXACT).any():
            raise DataError(
                f"{path}: column {column.name} holds whole numbers that were stored as floats and "
                "have lost their last digits. Store them as text or integers."
            )
        column = column.astype("Int64")
    column = nested_as_json(column)
    text: pd.Series = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    return text
