"""The labels table of a folder of recordings, CSV or Parquet, as columns of text and numbers.

Hospitals write such tables with spreadsheets: with blanks around names and empty rows at the end.
None of it matters here; what could be misread is refused with its row.
"""

from __future__ import annotations

import csv
import json
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg_keras.errors import DataError, listed, nearest
from ecg_keras.formats import stat_file
from ecg_keras.sources.fields import path_inside
from ecg_keras.sources.finding import recognise_database
from ecg_keras.sources.table_text import CsvLayout, find_layout

TABLES = ("labels.csv", "labels.parquet")
KINDS = (".csv", ".parquet")
# as CSV files are called, too, where a recipe names one
ALSO_CSV = (".tsv", ".txt")
LARGEST = 2_000_000_000
MOST_COLUMNS = 5000
MOST_CELLS = 400_000_000
# the first release of pyarrow that runs no code from a file's metadata without being asked
SAFE_PYARROW = 15
# columns that a message lists, and letters of each
MOST_NAMED = 40
LONGEST_NAMED = 60
# problems of one kind that a message lists
MOST_SHOWN = 5
# whole numbers above it are not exact in a Parquet file's floats
EXACT = 2**53
ADVICE = "Name the labels table with data.folder.table."


def find_table(root: Path, name: str | None) -> Path:
    """The labels table of a folder: ``name`` in it, or the one of `TABLES` that is there."""
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
    if path.suffix.lower() not in (*KINDS, *ALSO_CSV):
        raise DataError(
            f"{path}: a labels table is a CSV or a Parquet file, and its name ends in "
            f"{' or '.join((*ALSO_CSV, *KINDS))}. Save it as CSV (UTF-8)."
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
            f"{path}: a labels table must be inside data.raw, and have at most {LARGEST:,} bytes."
        )
    return path


def read_header(path: Path) -> list[str]:
    """The names of a table's columns, with single blanks inside and none around."""
    names = (
        _open_parquet(path).schema_arrow.names if _is_parquet(path) else find_layout(path).header
    )
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
    """A labels table with the columns of `read_header` that have a name, without empty rows.

    Columns of ``text`` are no numbers: ``007`` stays what it is, and empty is where nothing is
    there. The index is the number of each row in the file, from 0.
    """
    header = read_header(path)
    try:
        if _is_parquet(path):  # plain columns only, without what pandas or others wrote about types
            frame = _open_parquet(path).read(use_threads=False).to_pandas(ignore_metadata=True)
        else:
            frame = _read_csv(path, header, text)
    except DataError:
        raise
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: its rows have more cells than its header names. Name every column; texts "
            "with separators in them need quotes."
        ) from error
    except Exception as error:  # pandas and pyarrow raise whatever their parsers meet
        raise DataError(
            f"{path}: can't be read: {_describe(error)}. Correct the file, or save it as CSV "
            "(UTF-8)."
        ) from error
    frame.columns = pd.Index(header)
    frame = frame[[name for name in header if name]]
    frame = frame.assign(**{name: _as_text(path, frame[name]) for name in text if name in frame})
    frame = _leave_out_empty(frame, text)
    texts = [name for name in frame if isinstance(frame[name].dtype, pd.StringDtype)]
    frame = frame.astype(dict.fromkeys(texts, object))  # of pandas 3: as before it
    if not len(frame):
        raise DataError(f"{path}: has no row below its header. Write one for each recording.")
    return frame


def name_row(number: int) -> str:
    """How messages call a row: counted from 1, below the header."""
    return f"row {number + 1} below the header"


def name_rows(numbers: Sequence[int] | pd.Index) -> str:
    """How messages call several rows: the first, and how many more."""
    more = len(numbers) - 1
    others = f" (and {more:,} more row{'s' * (more > 1)})" if more else ""
    return f"{name_row(numbers[0])}{others}"


def shorten_list(problems: list[str], what: str) -> list[str]:
    """The first of many lines, and how many more there are."""
    more = len(problems) - MOST_SHOWN
    return problems if more < 1 else [*problems[:MOST_SHOWN], f"{what}: {more:,} more like these."]


def refuse(problems: list[str], what: str) -> None:
    """Raises problems of one kind, a line each, where there are any."""
    if problems:
        raise DataError("\n".join(shorten_list(problems, what)))


def name_columns(names: Iterable[str]) -> str:
    """The columns that are there, for messages; of very many the first."""
    return f"It has: {join_names([name for name in names if name])}."


def join_names(names: Sequence[str]) -> str:
    """Names of columns or labels, for messages; of very many the first."""
    return listed([shorten(name) for name in names], MOST_NAMED)


def shorten(name: str) -> str:
    """A name for messages: of a long one the beginning, and nothing that a terminal obeys."""
    plain = name if name.isprintable() else repr(name)
    return plain if len(plain) <= LONGEST_NAMED else f"{plain[:LONGEST_NAMED]}..."


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _list_tables(root: Path) -> str:
    names = sorted(path.name for path in root.iterdir() if path.suffix.lower() in KINDS)
    return f"In {root}: {listed(names, 10)}. " if names else ""


def _read_csv(path: Path, header: list[str], text: Collection[str]) -> pd.DataFrame:
    layout = find_layout(path)
    with warnings.catch_warnings():
        # that rows have more cells than the header
        warnings.simplefilter("error", pd.errors.ParserWarning)

        def read(columns: Sequence[int] | None = None) -> pd.DataFrame:
            return pd.read_csv(
                path,
                sep=layout.separator,
                encoding=layout.encoding,
                skiprows=layout.skipped,
                header=0,
                names=range(len(header)),
                usecols=columns,
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
            return read()
        except (pd.errors.ParserWarning, pd.errors.ParserError):
            if not _are_others_empty(path, layout, len(header)):
                raise
            return read(range(len(header)))


def _are_others_empty(path: Path, layout: CsvLayout, named: int) -> bool:
    """Whether all cells that no header names hold nothing."""
    with path.open(encoding=layout.encoding, newline="") as stream:
        rows = csv.reader(stream, delimiter=layout.separator)
        return not any(cell.strip() for row in rows for cell in row[named:])


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
    """Ids and names as text, whatever type they were stored with; whole numbers have no point."""
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
    column = _nested_as_json(column)
    text: pd.Series = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    return text


def _describe(error: Exception) -> str:
    """What a parser reports, in one line."""
    return str(error).strip().partition("\n")[0][:300].rstrip(".")


def _nested_as_json(column: pd.Series) -> pd.Series:
    """A column whose lists, structs and maps, if there are any, are JSON.

    What a struct lacks in a row, which holds the keys of all rows, is left out.
    """
    if column.dtype != object or not pd.api.types.infer_dtype(column).startswith("mixed"):
        return column
    return column.map(_as_json)


def _as_json(cell: Any) -> Any:
    if isinstance(cell, dict):
        pairs = cell
    elif isinstance(cell, list | tuple | np.ndarray):
        items = list(cell)
        if not items or not all(isinstance(item, tuple) and len(item) == 2 for item in items):
            return json.dumps(items, default=str)
        pairs = dict(items)
    else:
        return cell
    return json.dumps({key: one for key, one in pairs.items() if one is not None}, default=str)


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
        raise DataError(
            f"{path}: no Parquet file: {_describe(error)}. Save the table again."
        ) from error
    cells = file.metadata.num_rows * file.metadata.num_columns
    if cells > MOST_CELLS:
        raise DataError(
            f"{path}: {cells:,} cells, and a labels table has at most {MOST_CELLS:,}. Leave out "
            "columns that are no labels."
        )
    return file
