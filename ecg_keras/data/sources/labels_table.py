"""The labels table of a folder of recordings, CSV or Parquet, as columns of text and numbers.

Hospitals write such tables with spreadsheets: with semicolons or commas, a mark at the beginning,
blanks around names. None of it matters here; what could be misread is refused with its row.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Collection, Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg_keras.data.plain_files import stat_file
from ecg_keras.data.sources.fields import path_inside
from ecg_keras.errors import DataError, nearest

TABLES = ("labels.csv", "labels.parquet")
KINDS = (".csv", ".parquet")
LARGEST = 2_000_000_000
LONGEST_HEADER = 1_000_000
MOST_CELLS = 400_000_000
# columns that a message lists
MOST_NAMED = 40
# the first release of pyarrow that runs no code from a file's metadata without being asked
SAFE_PYARROW = 15
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
            )
        name = names[0]
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
        )
    size = stat_file(path, ADVICE).st_size
    if not path.resolve().is_relative_to(root.resolve()) or size > LARGEST:
        raise DataError(
            f"{path}: a labels table must lie inside data.raw, and have at most {LARGEST:,} bytes."
        )
    return path


def read_header(path: Path) -> list[str]:
    """The names of a table's columns, without blanks around them.

    Raises:
        DataError: it can't be read, or a name occurs twice.
    """
    names = _parquet_header(path) if _is_parquet(path) else _csv_header(path)[0]
    names = [name.strip() for name in names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: the column {twice[0]!r} is there twice. Rename one of them.")
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
        empty where nothing is there; numbers of a Parquet file are written without a point.

    Raises:
        DataError: it can't be read, or has no row.
    """
    header = read_header(path)
    try:
        frame = _read_parquet(path) if _is_parquet(path) else _read_csv(path, header, text)
    except DataError:
        raise
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: its rows have more cells than its header names. Name every column; texts "
            "with separators in them need quotes."
        ) from error
    except Exception as error:  # pandas and pyarrow raise whatever their parsers meet
        raise DataError(
            f"{path}: can't be read: {_say(error)}. Correct the file, or save it as CSV (UTF-8)."
        ) from error
    frame.columns = pd.Index(header)
    frame = frame[[name for name in header if name]]
    if not len(frame):
        raise DataError(f"{path}: has no row below its header. Write one for each recording.")
    return frame.assign(**{name: _as_text(path, frame[name]) for name in text if name in frame})


def name_row(number: int) -> str:
    """How messages call a row: counted from 1, below the header.

    Example:
        >>> name_row(0)
        'row 1 below the header'
    """
    return f"row {number + 1} below the header"


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
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _list_tables(root: Path) -> str:
    names = sorted(path.name for path in root.iterdir() if path.suffix.lower() in KINDS)
    if not names:
        return ""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"In {root}: {', '.join(names[:10])}{more}. "


def _csv_header(path: Path) -> tuple[list[str], str]:
    """The first row, and what separates its cells."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            start = stream.read(LONGEST_HEADER)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8: {error}. Save it as CSV with UTF-8, in Excel as 'CSV UTF-8'."
        ) from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. {ADVICE}") from error
    if "\0" in start:
        raise DataError(f"{path}: no CSV file: it holds a zero byte. Export the table again.")
    line = start.partition("\n")[0]
    separator = max((",", ";", "\t"), key=line.count)
    try:
        return next(csv.reader(StringIO(start), delimiter=separator), []), separator
    except csv.Error as error:
        raise DataError(f"{path}: no CSV file: {error}. Export the table again.") from error


def _read_csv(path: Path, header: list[str], text: Collection[str]) -> pd.DataFrame:
    with warnings.catch_warnings():
        # that rows have more cells than the header
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            sep=_csv_header(path)[1],
            header=0,
            names=range(len(header)),
            index_col=False,
            dtype={number: str for number, name in enumerate(header) if name in text},
            # a patient may be called NA
            keep_default_na=False,
            low_memory=False,
            engine="c",
        )


def _parquet_header(path: Path) -> list[str]:
    names: list[str] = _open_parquet(path).schema_arrow.names
    return names


def _read_parquet(path: Path) -> pd.DataFrame:
    # without what pandas or others wrote about types: plain columns only
    return _open_parquet(path).read(use_threads=False).to_pandas(ignore_metadata=True)


def _open_parquet(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    if int(pa.__version__.partition(".")[0]) < SAFE_PYARROW:
        import pyarrow_hotfix

        # types that would run code when a file is opened are refused (CVE-2023-47248)
        pyarrow_hotfix.install()
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:  # pyarrow raises whatever its parser meets
        raise DataError(f"{path}: no Parquet file: {_say(error)}. Save the table again.") from error
    cells = file.metadata.num_rows * file.metadata.num_columns
    if cells > MOST_CELLS:
        raise DataError(
            f"{path}: {cells:,} cells, and a labels table has at most {MOST_CELLS:,}. Leave out "
            "columns that are no labels."
        )
    return file


def _say(error: Exception) -> str:
    """What a parser says, in one line."""
    return str(error).strip().partition("\n")[0][:300].rstrip(".")


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
        column = column.astype("Int64")
    text: pd.Series = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    return text
