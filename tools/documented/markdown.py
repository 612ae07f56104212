"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable


def format_table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    heading = tuple(heading)
    lines = [heading, ["---"] * len(heading), *rows]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return text.replace("|  |", "| |").replace(" --- ", "---")
