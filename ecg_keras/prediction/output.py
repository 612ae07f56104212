"""Answers as files: CSV, JSON lines or Parquet, by the ending of the name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ecg_keras.data import FIGURES, LEAD_FIGURES
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import replacing
from ecg_keras.prediction.answering import Answer, Answers
from ecg_keras.prediction.asked_files import FIRST_COLUMNS, is_of_answers

# of Parquet, rows that are written at once
_ROWS = 4096
NETWORK_ID = "network_id"
_COUNTS = ("windows", "lost")
_TEXTS = tuple(name for name in FIRST_COLUMNS if name not in _COUNTS)
# what has a cell for a list
LISTS = (".jsonl", ".parquet")

Row = dict[str, Any]


def write_answers(path: Path, answers: Answers, rows: Iterable[Answer]) -> None:
    """Writes a row for each answer: ``probability_LABEL``, with thresholds ``decision_LABEL``, with
    sets ``set_LABEL``, with a reference ``distance``, and ``network_id``. ``answers`` says what the
    columns are."""
    columns: list[tuple[str, str]] = [(f"probability_{label}", "float") for label in answers.labels]
    if answers.thresholds is not None:
        columns += [(f"decision_{label}", "bool") for label in answers.labels]
    if answers.sets is not None:
        columns += [(f"set_{label}", "text") for label in answers.labels]
    columns += [(name, "float") for name in FIGURES] + [(name, "floats") for name in LEAD_FIGURES]

    if answers.reference is not None:
        columns.append(("distance", "float"))
    columns.append((NETWORK_ID, "text"))

    def fill(one: Answer) -> Row:
        nothing = [None] * len(answers.labels)
        parts: list[Any] = [nothing if one.values is None else one.values.tolist()]
        if answers.thresholds is not None:
            parts.append(answers.decide(one) or nothing)
        if answers.sets is not None:
            parts.append([name or None for name in answers.find_sets(one) or nothing])
        parts.append([one.figures.get(name, (None,))[0] for name in FIGURES])
        parts.append([one.figures.get(name) and list(one.figures[name]) for name in LEAD_FIGURES])
        if answers.reference is not None:
            parts.append([one.distance])
        parts.append([answers.network_id or None])
        return _facts(one) | dict(zip([name for name, _ in columns], chain(*parts), strict=True))

    _write(path, columns, map(fill, rows))


def write_embeddings(path: Path, rows: Iterable[Answer], network_id: str) -> None:
    """Writes a row for each answer, with a list of numbers as ``embedding``."""

    def fill(one: Answer) -> Row:
        embedding = None if one.values is None else one.values.tolist()
        return {**_facts(one), "embedding": embedding, NETWORK_ID: network_id}

    _write(path, [("embedding", "floats"), (NETWORK_ID, "text")], map(fill, rows))


def check_out(path: Path, allowed: Iterable[str]) -> None:
    """Refuses a name by whose ending no format is known, and a table that holds no answers: it may
    be a recording.
    """
    if path.suffix.lower() not in allowed:
        raise ConfigError(
            f"{path}: the ending of its name says the format, {', '.join(allowed)}. Received: "
            f"{path.suffix!r}."
        )
    if path.suffix.lower() == ".csv" and path.exists() and not is_of_answers(path):
        raise DataError(
            f"{path}: is there already, and holds no answers, so it is left alone. Name another "
            "file, or remove it."
        )


def _facts(one: Answer) -> Row:
    # a name that is no UTF-8 has bytes that no output could hold
    texts = {name: _encodable(getattr(one, name)) for name in _TEXTS}
    counts = {name: getattr(one, name) for name in _COUNTS}
    return {**texts, **counts, "flags": [_encodable(flag) for flag in one.flags]}


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _write(path: Path, columns: list[tuple[str, str]], rows: Iterator[Row]) -> None:
    with replacing(path) as temporary:
        KINDS[path.suffix.lower()](temporary, dict(columns), rows)


def _write_csv(path: Path, columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    names = [*FIRST_COLUMNS, "flags", *columns]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names, lineterminator="\n")
        table.writeheader()
        for row in rows:
            cells = {
                name: int(value)
                if isinstance(value, bool)
                else "; ".join(map(str, value))
                if isinstance(value, list)
                else value
                for name, value in row.items()
            }
            table.writerow(cells)


def _write_json(path: Path, columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    del columns
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n")


def _write_parquet(path: Path, columns: Mapping[str, str], rows: Iterator[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "float": pa.float32(),
        "bool": pa.bool_(),
        "text": pa.string(),
        "floats": pa.list_(pa.float32()),
    }
    schema = pa.schema(
        [
            *((name, pa.string()) for name in _TEXTS),
            *((name, pa.int64()) for name in _COUNTS),
            ("flags", pa.list_(pa.string())),
            *((name, kinds[kind]) for name, kind in columns.items()),
        ]
    )
    with pq.ParquetWriter(path, schema) as file:
        while some := list(islice(rows, _ROWS)):
            file.write_table(pa.Table.from_pylist(some, schema))


Write = Callable[[Path, Mapping[str, str], Iterator[Row]], None]
KINDS: Mapping[str, Write] = {
    ".csv": _write_csv,
    ".jsonl": _write_json,
    ".parquet": _write_parquet,
}
