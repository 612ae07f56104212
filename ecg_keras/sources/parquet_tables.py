"""Tables in Parquet files: opened without running code from them, lists in cells as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg_keras.errors import DataError

MOST_CELLS = 400_000_000
# the first release of pyarrow that runs no code from a file's metadata without being asked
SAFE_PYARROW = 15


def parquet_header(path: Path) -> list[str]:
    """The names of a Parquet table's columns.

    Raises:
        DataError: it is no Parquet file, or has too many cells.
    """
    names: list[str] = _open(path).schema_arrow.names
    return names


def read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet table without what pandas or others wrote about types: plain columns only.

    Raises:
        DataError: as `parquet_header`.
    """
    return _open(path).read(use_threads=False).to_pandas(ignore_metadata=True)


def say(error: Exception) -> str:
    """What a parser says, in one line."""
    return str(error).strip().partition("\n")[0][:300].rstrip(".")


def nested_as_json(column: pd.Series) -> pd.Series:
    """A column whose lists, structs and maps, if there are any, are JSON.

    What a struct lacks in a row, which holds the keys of all rows, is left out.

    Example:
        >>> nested_as_json(pd.Series([["AF", "SR"], {"AF": 1.0, "SR": None}])).tolist()
        ['["AF", "SR"]', '{"AF": 1.0}']
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


def _open(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    if int(pa.__version__.partition(".")[0]) < SAFE_PYARROW:
        import pyarrow_hotfix

        # types that would run code when a file is opened are refused (CVE-2023-47248)
        pyarrow_hotfix.install()
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:  # pyarrow raises whatever its parser meets
        raise DataError(f"{path}: no Parquet file: {say(error)}. Save the table again.") from error
    cells = file.metadata.num_rows * file.metadata.num_columns
    if cells > MOST_CELLS:
        raise DataError(
            f"{path}: {cells:,} cells, and a labels table has at most {MOST_CELLS:,}. Leave out "
            "columns that are no labels."
        )
    return file
