"""What all parts of a recipe have in common, and the types of their values."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Settings(BaseModel):
    """A part of a recipe: unknown keys are refused, values are never coerced, nothing changes."""

    # what a file of it is called in errors
    KIND: ClassVar[str] = "recipe"

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True
    )


AnyPath = TypeVar("AnyPath", str, Path)


# a shell expands it only at the beginning of a word, so not in --set data.raw=~/ecgs
def expand_home(path: AnyPath) -> AnyPath:
    """A path whose leading ``~`` or ``~name`` is the home folder of the user, or of that user."""
    if not str(path).startswith("~"):
        return path
    try:
        return type(path)(Path(path).expanduser())
    except RuntimeError:
        raise ValueError(
            f"no home folder is known for {Path(path).parts[0]:.80}. Write the path in full. "
            f"Received: {str(path)!r:.200}"
        ) from None


def _check_rate(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (number and 0 < value < math.inf) or (isinstance(value, str) and value.strip()):
        return value
    raise ValueError(
        f"must be a number of Hz above 0, or the name of a column. Received: {value!r:.80}"
    )


# mV, or a step of a recorder's numbers: 4.88 uV
_VOLTAGE = re.compile(r"(?:([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?) )?[mu]?V")


def is_voltage(value: Any) -> bool:
    """Whether a setting is mV, uV or V, perhaps with a number before it.

    Example:
        >>> is_voltage("mV"), is_voltage("4.88 uV"), is_voltage("kV")
        (True, True, False)
    """
    found = _VOLTAGE.fullmatch(value) if isinstance(value, str) else None
    return found is not None and float(found[1] or 1) > 0


def _check_voltage(value: Any) -> Any:
    if is_voltage(value):
        return value
    raise ValueError(f"must be 'mV', 'uV' or 'V', or a step as '4.88 uV'. Received: {value!r:.80}")


# how a network makes one vector of its time steps: `SUMMARIES` of ecg_keras/models/building.py
Head = Literal["as_published", "pooled", "mean_max", "attention", "flattened"]
# a name of a table or module:function, or one of these with settings: {focal: {gamma: 3}}
NameOrSettings = str | dict[str, dict[str, Any]]


def name_and_settings(setting: NameOrSettings) -> tuple[str, dict[str, Any]]:
    """The name in a `NameOrSettings`, and its settings.

    Example:
        >>> name_and_settings("adam"), name_and_settings({"sgd": {"momentum": 0.9}})
        (('adam', {}), ('sgd', {'momentum': 0.9}))
    """
    if isinstance(setting, str):
        return setting, {}
    ((name, settings),) = setting.items()
    return name, settings


def leaves(tree: Mapping[str, Any], key: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """The plain values in nested keys, each with the keys that lead to it."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*key, str(name)))
        else:
            yield (*key, str(name)), value


def _check_one(value: Any) -> Any:
    if isinstance(value, str) or (
        isinstance(value, dict)
        and len(value) == 1
        and all(isinstance(settings, dict) for settings in value.values())
    ):
        return value
    raise ValueError(
        "must be a name, or one name with its settings, such as {focal: {gamma: 3}}. Received: "
        f"{value!r:.80}"
    )


def _read_ids(value: Any) -> Any:
    """The ids of a list or a file, each once and in order: the same ids are the same setting."""
    if isinstance(value, str | Path):
        value = _ids_of_file(Path(expand_home(str(value))))
    texts = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    return tuple(sorted(set(value))) if texts else value


def _ids_of_file(path: Path) -> list[str]:
    """The lines of a file, or of a CSV file its column ``record_id``, or its first."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            if path.suffix.lower() != ".csv":
                return [line.strip() for line in stream if line.strip()]
            rows = [row for row in csv.reader(stream) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(
            "must be a list of record ids, or a text or CSV file of them, which can't be read: "
            f"{why}. Received: {str(path)!r:.200}"
        ) from None
    named = bool(rows) and "record_id" in rows[0]
    column = rows[0].index("record_id") if named else 0
    return [row[column].strip() for row in rows[named:] if len(row) > column]


Named = Annotated[NameOrSettings, BeforeValidator(_check_one)]
FolderPath = Annotated[Path, Field(strict=False), AfterValidator(expand_home)]
# a path, or the name of something that has none
HomeOrName = Annotated[str, AfterValidator(expand_home)]
Names = Annotated[tuple[str, ...], Field(strict=False)]
RecordIds = Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_read_ids)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Folds = Annotated[tuple[int, ...], Field(strict=False)]
Folders = Annotated[tuple[FolderPath, ...], Field(strict=False)]
Voltage = Annotated[str, BeforeValidator(_check_voltage)]
RateOrColumn = Annotated[float | str, BeforeValidator(_check_rate)]
