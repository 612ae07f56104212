"""`Problem`: what is wrong in a recipe, in words that need no knowledge of Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from ecg_keras.errors import shortened, unknown_name

Key = tuple[str | int, ...]
# what a value must be, by the type of pydantic's error
EXPECTED = {
    "bool_type": "must be true or false",
    "dict_type": "must be keys with values",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "model_attributes_type": "must be keys with values",
    "model_type": "must be keys with values",
    "path_type": "must be a path",
    "string_type": "must be text",
    "tuple_type": "must be a list, such as [1, 2]",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a recipe: ``key`` is its path, such as ``("data", "source")``."""

    key: Key
    message: str


def problem_of(detail: Any, schema: type[BaseModel]) -> Problem:
    """One of pydantic's errors in the words of docs/recipes.md."""
    key: Key = tuple(detail["loc"])
    received = detail.get("input")
    if detail["type"] == "extra_forbidden":
        section = schema
        for part in key[:-1]:
            section = section_of(section, part) or section  # the name of one of several
        allowed = [f.alias or name for name, f in section.model_fields.items()]
        return Problem(key, unknown_name("key", str(key[-1]), allowed))
    if detail["type"] == "missing":
        return Problem(key, "this key is required and missing.")
    message = detail["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    message = EXPECTED.get(detail["type"], message.replace("input should be", "must be"))
    if detail["type"] != "value_error":
        message += f". Received: {shortened(repr(received), 80)}"
    return Problem(key, message.rstrip(".") + ".")


def section_of(section: type[BaseModel], part: str | int) -> type[BaseModel] | None:
    """The section that a key of another holds, if it holds any; of a list's number, the same."""
    if isinstance(part, int) or part.isdecimal():
        return section
    found = (f for name, f in section.model_fields.items() if part in (name, f.alias))
    pending = [field.annotation for field in found]
    while pending:
        one: Any = pending.pop()
        inner = get_args(one)
        # Python 3.10 takes tuple[int] for a class, too
        if not inner and isinstance(one, type) and issubclass(one, BaseModel):
            return one
        pending.extend(inner)
    return None
