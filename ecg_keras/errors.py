"""The package's own errors, and the one phrasing for choices that every layer uses.

Every message says where, what is wrong, what is allowed, what was received and what to do next.
The command line prints the message alone and exits with the class's ``exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

Value = TypeVar("Value")


class EcgKerasError(Exception):
    """Base of all errors a user can cause and mend. Anything else that is raised is a bug."""

    exit_code = 1


class ConfigError(EcgKerasError):
    """A recipe, option or argument is wrong: nothing was read or written yet."""

    exit_code = 2


class DataError(EcgKerasError):
    """A file or a value in it is wrong: the message names the file or the record."""

    exit_code = 1


def raise_together(errors: Sequence[EcgKerasError]) -> None:
    """Raises what was found wrong at once; does nothing where nothing was.

    One error is raised as it is. Of several each message is there once, on lines of its own, and
    the class is that of the first.

    Args:
        errors: in the order in which they are to be read.

    Example:
        >>> raise_together([])
    """
    messages = dict.fromkeys(str(error) for error in errors)
    if len(messages) == 1:
        raise errors[0]
    if messages:
        kind = ConfigError if isinstance(errors[0], ConfigError) else DataError
        raise kind("\n".join(messages)) from errors[0]


def unknown_name(kind: str, received: str, allowed: Iterable[str]) -> str:
    """The message for a name that a table does not have, with the nearest match if one is near.

    Args:
        kind: what the table holds, in the singular, such as ``"backbone"``.
        received: the name that was asked for.
        allowed: the names the table has.

    Example:
        >>> unknown_name("backbone", "resnet18", ["lstm", "resnet1d18"])
        "no backbone named 'resnet18'. Allowed: lstm, resnet1d18. Did you mean 'resnet1d18'?"
    """
    names = sorted(allowed)
    return f"no {kind} named {received!r}. Allowed: {', '.join(names)}.{nearest(received, names)}"


def nearest(received: str, allowed: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with the name that is most like ``received``, or nothing."""
    near = difflib.get_close_matches(received, sorted(allowed), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def look_up(kind: str, name: str, table: Mapping[str, Value]) -> Value:
    """``table[name]``, or a `ConfigError` that lists the table and the nearest match.

    Example:
        >>> look_up("window", "start", {"start": 0, "centre": 1})
        0
    """
    if name not in table:
        raise ConfigError(unknown_name(kind, name, table))
    return table[name]
