"""Our own files of JSON: written in one piece, and read with each field checked."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from ecg_keras.errors import DataError, printable, shortened
from ecg_keras.files import write_text

# far more than the list of all recordings of the largest database
MAX_JSON_BYTES = 1 << 29
Parsed = TypeVar("Parsed")
Checks = Mapping[Any, Callable[[Any], Any]]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes strict JSON in one piece."""
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def read_json(
    path: Path, kind: str, parse: Callable[[dict[str, Any]], Parsed], advice: str = ""
) -> Parsed:
    """One of our own files of JSON, parsed; whatever is wrong with it becomes one line."""
    try:
        if (size := path.stat().st_size) > MAX_JSON_BYTES:
            raise ValueError(f"it has {size} bytes")
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file of {kind}.") from error
    except (ValueError, OSError, RecursionError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _damaged(path, f"can't be read as {kind}: {why}", advice) from error
    if not isinstance(content, dict):
        what = f"a file of {kind} holds a JSON object, not {shortened(repr(content), 40)}"
        raise _damaged(path, what, advice)
    try:
        return parse(content)
    except KeyError as error:
        raise _damaged(path, f"a file of {kind} needs the field {error}", advice) from error
    except (TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        what = f"a field of these {kind} has a wrong type: {error}"
        raise _damaged(path, what, advice) from error


def _damaged(path: Path, what: str, advice: str) -> DataError:
    return DataError(f"{path}: damaged: {shortened(printable(what), 300)}. {advice}".rstrip())


def refuse_constant(name: str) -> None:
    """For `json.loads`, which else takes NaN and infinities."""
    raise ValueError(f"{name} is no JSON")


def known_fields(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object in one of our files a dataclass has; a later version may write more."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in content.items() if name in names}


def parse_as(kind: Any, value: Any, checks: Checks | None = None) -> Any:
    """A value of JSON as a type; of a dataclass, fields with a default may be missing.

    ``checks`` are those of single types, by default `CHECKS`.
    """
    checks = CHECKS if checks is None else checks
    if kind in checks:
        return checks[kind](value)
    if isinstance(kind, type) and is_dataclass(kind):
        content, hints, needed = as_object(value), *_fields_of(kind)
        names = [name for name in hints if name in needed or name in content]
        return kind(**{name: parse_as(hints[name], content[name], checks) for name in names})
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return as_one_of(value, inner)
    if get_origin(kind) is tuple:
        values = tuple(parse_as(inner[0], one, checks) for one in as_list(value))
        if Ellipsis not in inner and len(values) != len(inner):
            raise ValueError(f"must be a list of {len(inner)}. Received: {len(values)}")
        return values
    if len(inner) == 1:
        return [parse_as(inner[0], one, checks) for one in as_list(value)]
    if type(None) in inner:
        return None if value is None else parse_as(inner[0], value, checks)
    if inner:
        entries = as_object(value).items()
        return {as_name(name): parse_as(inner[1], one, checks) for name, one in entries}
    return value


@functools.cache
def _fields_of(kind: type) -> tuple[dict[str, Any], set[str]]:
    """The types of a dataclass's fields, and the names of those without a default."""
    needed = {one.name for one in fields(kind) if one.default is one.default_factory is MISSING}
    return get_type_hints(kind), needed


def as_text(value: Any) -> str:
    """A value of JSON that must be text."""
    if not isinstance(value, str):
        raise TypeError(f"must be text. Received: {shortened(repr(value), 40)}")
    return value


def as_name(value: Any) -> str:
    """A value of JSON that must be a name to be shown: text without control characters."""
    if as_text(value) != printable(value).replace("\n", ""):
        raise ValueError(f"must be a name of one line. Received: {shortened(repr(value), 80)}")
    return as_text(value)


def as_one_of(value: Any, allowed: Collection[Any]) -> Any:
    """A value of JSON that must be one of these words."""
    if value not in allowed:
        received = shortened(repr(value), 40)
        raise ValueError(f"must be one of {', '.join(allowed)}. Received: {received}")
    return value


def as_names(value: Any) -> tuple[str, ...]:
    """A value of JSON that must be a list of such names."""
    return tuple(as_name(one) for one in as_list(value))


def as_texts(value: Any) -> tuple[str, ...]:
    """A value of JSON that must be a list of texts."""
    return tuple(as_text(one) for one in as_list(value))


def as_list(value: Any) -> list[Any]:
    """A value of JSON that must be a list."""
    if not isinstance(value, list):
        raise TypeError(f"must be a list. Received: {shortened(repr(value), 40)}")
    return value


def as_object(value: Any) -> dict[str, Any]:
    """A value of JSON that must be an object."""
    if not isinstance(value, dict):
        raise TypeError(f"must be an object. Received: {shortened(repr(value), 40)}")
    return value


def as_number(value: Any) -> float:
    """A value of JSON that must be a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"must be a number. Received: {shortened(repr(value), 40)}")
    return float(value)


def as_count(value: Any) -> int:
    """A value of JSON that must be a whole number from 0, of 63 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise TypeError(f"must be a whole number from 0. Received: {shortened(repr(value), 40)}")
    return value


def as_switch(value: Any) -> bool:
    """A value of JSON that must be true or false."""
    if not isinstance(value, bool):
        raise TypeError(f"must be true or false. Received: {shortened(repr(value), 40)}")
    return value


CHECKS: Checks = {
    str: as_text,
    int: as_count,
    float: as_number,
    bool: as_switch,
}
