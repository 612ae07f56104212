"""The table of formats that a network can be exported to."""

from __future__ import annotations

from documented.markdown import format_table
from ecg_keras.export import FORMATS, ExportFormat


def describe_formats() -> str:
    """One row for each row of `FORMATS`."""
    heading = (
        "`--format`",
        "file",
        "precisions",
        "ECGs in a request",
        "a NaN or infinite sample gets",
        "compared with Keras in",
        "backbones that it can't take",
    )
    return format_table(heading, map(_describe_format, FORMATS.values()))


def _describe_format(row: ExportFormat) -> tuple[str, ...]:
    return (
        f"`{row.name}`",
        f"`{row.file}`",
        ", ".join(row.precisions),
        row.batch,
        row.not_finite,
        row.reader,
        "; ".join(f"`s4`: {why}" for why in row.lacks) or "none",
    )
