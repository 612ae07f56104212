"""The tables of formats that a network can be exported to, and of a SavedModel's signatures."""

from __future__ import annotations

from documented.markdown import format_table
from ecg_keras.export import FORMATS, Card, ExportFormat
from ecg_keras.export.signatures import MEANINGS, SIGNATURES
from ecg_keras.signals import LEADS

# a network whose sizes differ, so that each is known by its number
NETWORK = Card(("A", "B"), LEADS, 100.0, 1000, {"A": 0.5, "B": 0.5}, {})
SIZES = {1000: "num_samples", len(LEADS): "num_leads", None: "any"}


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


def describe_signatures() -> str:
    """One row for each row of `SIGNATURES`."""
    rows = ((f"`{row.name}`", row.about, row.clients) for row in SIGNATURES)
    return format_table(("signature", "of what", "for"), rows)


def describe_inputs() -> str:
    """One row for each input of each signature."""
    rows = []
    for row in SIGNATURES:
        for number, (name, spec) in enumerate(row.takes(NETWORK).items()):
            _, *sizes = spec.shape
            shape = "".join(f", {SIZES[size]}" for size in sizes) or ","
            signature = "" if number else f"`{row.name}`"
            cells = (f"`{name}`", spec.dtype.name, f"`(batch{shape})`", MEANINGS[name])
            rows.append((signature, *cells))
    return format_table(("signature", "input", "type", "shape", "meaning"), rows)
