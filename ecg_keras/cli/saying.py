"""What commands print: names and reasons come from files, and may not command the terminal."""

from __future__ import annotations

import click

from ecg_keras.errors import printable


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Prints a text, its control characters spelled out."""
    click.echo(printable(f"{text}"), err=err, nl=nl)


def warn(text: object) -> None:
    """Prints a remark on standard error."""
    say(f"! {text}", err=True)


def safe(text: str) -> str:
    """A text for rich, of which neither control characters nor brackets mean anything."""
    from rich.markup import escape

    return escape(printable(text))
