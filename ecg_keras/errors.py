"""The package's own errors, and the one phrasing for choices that every layer uses.

Every message says where, what is wrong, what is allowed, what was received and what to do next.
The command line prints the message alone and exits with the class's ``exit_code``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

Value = TypeVar("Value")
# a message is to be read: of more problems and names than these, the first are listed
MAX_PROBLEMS = 20
MAX_NAMES = 100
MAX_LINE = 1000
# all but tab and line feed, and halves of characters
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class EcgKerasError(Exception):
    """Base of all errors a user can cause and fix. Anything else that is raised is a bug."""

    exit_code = 1


class ConfigError(EcgKerasError):
    """A recipe, option or argument is wrong: nothing was read or written yet."""

    exit_code = 2


class DataError(EcgKerasError):
    """A file or a value in it is wrong: the message names the file or the record."""

    exit_code = 1


class GapError(DataError):
    """Samples are missing, or there twice, inside what was read as one: parts may be whole."""


class DivergedError(DataError):
    """The loss of a training is no longer finite."""


def raise_together(errors: Sequence[EcgKerasError]) -> None:
    """Raises what was found wrong at once; does nothing where nothing was."""
    # of several each message once, and the class of the first
    messages = dict.fromkeys(str(error) for error in errors)
    if len(messages) == 1:
        raise errors[0]
    if messages:
        kind = ConfigError if isinstance(errors[0], ConfigError) else DataError
        raise kind("\n".join(messages)) from errors[0]


def unknown_name(kind: str, received: str, allowed: Iterable[str]) -> str:
    """The message for a name that a table does not have, with the nearest match if one is near."""
    names = sorted(allowed)
    return (
        f"no {kind} named {shortened(repr(received))}. Allowed: {listed(names)}."
        f"{nearest(received, names)}"
    )


def nearest(received: str, allowed: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with the name that is most like ``received``, or nothing."""
    near = difflib.get_close_matches(received[:MAX_NAMES], sorted(allowed)[:MAX_LINE], n=1)
    return f" Did you mean {shortened(repr(near[0]))}?" if near else ""


def shortened(text: str, length: int = 120) -> str:
    """A text with no more than ``length`` characters, its middle left out where it has more."""
    if len(text) <= length:
        return text
    half = (length - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def printable(text: str) -> str:
    """A text for a terminal: control characters, which would command it, are spelled out."""
    if text.isprintable():
        return text
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def listed(names: Sequence[str], most: int = MAX_NAMES) -> str:
    """Names in one line; of many, the first, and how many more there are."""
    more = f" and {len(names) - most} more" * (len(names) > most)
    return ", ".join(shortened(name) for name in names[:most]) + more


def list_problems(problems: Iterable[str]) -> str:
    """Problems, one a line; of many, the first, and how many more there are."""
    lines = list(problems)
    more = [f"and {len(lines) - MAX_PROBLEMS} more."] * (len(lines) > MAX_PROBLEMS)
    return "\n".join([*(shortened(line, MAX_LINE) for line in lines[:MAX_PROBLEMS]), *more])


def look_up(kind: str, name: str, table: Mapping[str, Value]) -> Value:
    """``table[name]``, or a `ConfigError` that lists the table and the nearest match."""
    if name not in table:
        raise ConfigError(unknown_name(kind, name, table))
    return table[name]
