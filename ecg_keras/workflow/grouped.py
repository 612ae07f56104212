"""Groups of test records: by columns of their shards, or of a table beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ecg_keras import data
from ecg_keras.array_types import TextArray
from ecg_keras.errors import DataError, listed, nearest, shortened
from ecg_keras.evaluation import Grouping, group_records, parse_column

OF_SHARDS = ("age", "sex")
OF_RECORDS, OF_PATIENTS = ("record_id", "ecg_id", "exam_id"), "patient_id"


class RecordsOfPatients(Protocol):
    """Records with the ids of their patients, such as `Predictions` or `Identities`."""

    @property
    def record_ids(self) -> TextArray: ...

    @property
    def patient_ids(self) -> TextArray: ...


def read_groupings(
    columns: Sequence[str],
    test: RecordsOfPatients,
    *,
    shards: Sequence[Path] = (),
    split: str = "test",
    table: Path | None = None,
) -> tuple[Grouping, ...]:
    """The groups of test records by some columns.

    Args:
        columns: each a name, or a name with cuts, such as ``age:40,65``; ``age`` and ``sex`` are
            found in shards, all others in the table. Those two may be named where they are unknown.
        test: the records, such as predictions of them.
        shards: the datasets that they are of, one for each fold, and their ``split``; none where
            they are not known.
        table: CSV or Parquet, a row for each record or patient. Its column ``record_id``,
            ``ecg_id``, ``exam_id`` or ``patient_id``, or else its first one, holds their ids.

    Raises:
        ConfigError: a column has cuts that do not rise.
        DataError: a column is nowhere, a file can't be read, or no row is of a tested record.

    Example:
        >>> read_groupings(["site"], test, table=Path("data/raw/ptbxl/ptbxl_database.csv"))
    """
    wanted = list(dict.fromkeys(parse_column(column) for column in columns))
    values: dict[str, Mapping[str, Any]] = {}
    if {name for name, _ in wanted} & set(OF_SHARDS):
        people = [item for one in shards for item in data.read_people(one, split).items()]
        for at, name in enumerate(OF_SHARDS if shards else ()):
            values[name] = {one: person[at] for one, person in people}
    if table is not None:
        # what shards know of nobody, a table may know
        unknown = [
            name
            for name, _ in wanted
            if not any(one is not None for one in values.get(name, {}).values())
        ]
        header = read_columns(table)
        names = [name for name in unknown if name in header]
        values |= _read_values(table, header, names, test) if names else {}
    check_columns([name for name, _ in wanted if name not in values], table, ())
    return tuple(group_records(name, values[name], cuts) for name, cuts in wanted)


def check_groups(columns: Sequence[str], table: Path | None, shards: Path) -> None:
    """Refuses columns that make no groups of the test records, before a network is trained."""
    if table is not None or any(parse_column(column)[1] for column in columns):
        tested = data.read_identities(shards, "test")
        read_groupings(columns, tested, shards=[shards], table=table)


def check_columns(
    columns: Sequence[str], table: Path | None, known: Sequence[str] = OF_SHARDS
) -> None:
    """Refuses columns that are neither known nor in the table, before a network is trained."""
    header = () if table is None else read_columns(table)
    for name in (parse_column(column)[0] for column in columns):
        if name in header or name in known:
            continue
        if table is not None:
            has = f"It has: {listed(header, 12)}.{nearest(name, header)}"
            raise DataError(f"{table}: there is no column {name} to group records by. {has}")
        raise DataError(
            f"records can't be grouped by {name}: their shards are not there or lack it. Give a "
            "CSV or Parquet table that has it: --table FILE, evaluation.subgroup_table of a "
            "recipe, or question.subgroup_table of a study."
        )


def read_columns(table: Path) -> Sequence[str]:
    """The names of a table's columns."""
    from ecg_keras.sources import read_header

    if not table.is_file():
        raise DataError(f"{table}: there is no such table of records (CSV or Parquet).")
    return read_header(table)


def _read_values(
    table: Path, header: Sequence[str], columns: Sequence[str], test: RecordsOfPatients
) -> dict[str, Mapping[str, Any]]:
    """By column the value of each tested record that the table has."""
    from ecg_keras.sources import read_table

    key = next((name for name in (*OF_RECORDS, OF_PATIENTS) if name in header), header[0])
    frame = read_table(table, text=[key])
    # whole numbers among which one is missing are written with a point
    ids = [one.removesuffix(".0") for one in frame[key]]
    records = set(test.record_ids.tolist())
    of_patients = key == OF_PATIENTS or (key not in OF_RECORDS and not records & set(ids))
    tested = test.patient_ids if of_patients else test.record_ids
    found: dict[str, Mapping[str, Any]] = {}
    for name in columns:
        rows: dict[str, Any] = {}
        for one, value in zip(ids, frame[name].tolist(), strict=True):
            value = None if value != value or value is None else value
            if one in rows and rows[one] != value:
                raise DataError(
                    f"{table}: {key} {shortened(one, 40)} is there with two values of {name}: "
                    f"{rows[one]!r:.40} and {value!r:.40}. Leave one row for each."
                )
            rows[one] = value
        if not rows.keys() & set(tested.tolist()):
            raise DataError(
                f"{table}: no row is of a tested record: its column {key} has {ids[0]!r:.40}, and "
                f"a record is {test.record_ids[0]!s} of patient {test.patient_ids[0]!s}. Name the "
                f"column of their ids {OF_RECORDS[0]} or {OF_PATIENTS}."
            )
        pairs = zip(test.record_ids.tolist(), tested.tolist(), strict=True)
        found[name] = {record: rows.get(own) for record, own in pairs}
    return found
