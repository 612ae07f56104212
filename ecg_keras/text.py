"""Numbers and tables as text: plurals, durations, sizes, percentages, and the one text table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# a password may hold / ? # and @ unescaped: behind a colon all up to the last @ may be of it
_USER = re.compile(r"(?<=://)(?:[^/?#\s@]*:\S*|[^/?#\s]*)@")


def without_user(text: str) -> str:
    """A text whose addresses have no user and password, to be kept and shown.

    Example:
        >>> without_user("no answer from https://me:secret@example.org/v1")
        'no answer from https://example.org/v1'
    """
    return _USER.sub("", text)


def plural(number: float, word: str, several: str | None = None) -> str:
    """A number with its noun: ``1 seed``, ``1,200 ECGs``, ``3 anomalies``.

    Args:
        number: of what is counted; a fraction keeps one decimal.
        word: one of them.
        several: more of them; by default ``word`` with an ``s``.

    Example:
        >>> plural(1, "seed"), plural(1200, "ECG"), plural(2, "try", "tries"), plural(2.5, "seed")
        ('1 seed', '1,200 ECGs', '2 tries', '2.5 seeds')
    """
    digits = 0 if number == int(number) else 1
    noun = word if number == 1 else several or f"{word}s"
    return f"{number:,.{digits}f} {noun}"


def duration(seconds: float) -> str:
    """Seconds, minutes, or hours and minutes; days beside many hours.

    Example:
        >>> [duration(seconds) for seconds in (42, 600, 9000, 360000)]
        ['42 s', '10 min', '2 h 30 min', '100 h (4.2 days)']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = seconds / 3600
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{hours:,.0f} h ({hours / 24:.1f} days)"


def short_duration(seconds: float) -> str:
    """A duration, or a difference of two, in one unit, for the cells of a table.

    Example:
        >>> [short_duration(seconds) for seconds in (8.25, 90.0, 9000.0, -90.0)]
        ['8.2 s', '1.5 min', '2.5 h', '−1.5 min']
    """
    units = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
    size, unit = next((one for one in units if abs(seconds) >= one[0]), units[-1])
    return f"{seconds / size:,.1f} {unit}".replace("-", "−")


def file_size(size: float) -> str:
    """Bytes, with three digits, in units of a thousand each.

    Example:
        >>> [file_size(size) for size in (999, 2.5e6, 999.6e6, 1.234e10, 1.5e12)]
        ['999 B', '2.5 MB', '1 GB', '12.3 GB', '1,500 GB']
    """
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB" if size < 99.95 else f"{size:,.0f} GB"


def percent(share: float, decimals: int | None = None) -> str:
    """A share as a percentage; with as many decimals as it needs, or with a fixed number.

    Example:
        >>> percent(0.95), percent(0.5, decimals=1), percent(0.0002, decimals=1)
        ('95 %', '50.0 %', '<0.1 %')
    """
    least = 10.0 ** -(decimals or 0)
    if decimals is not None and 0 < 100 * share < least / 2:  # a few are not none
        return f"<{least:.{decimals}f} %"
    return f"{100 * share:{'g' if decimals is None else f'.{decimals}f'}} %"


def two_digits(value: float) -> str:
    """A number of which more digits would claim too much.

    Example:
        >>> [two_digits(value) for value in (0.123, 2.44, 172.0, 1260.0)]
        ['0.12', '2.4', '170', '1,300']
    """
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:.2g}"


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Columns as wide as their widest cell, for terminals and log files.

    Args:
        header: titles of the columns; empty for a table without titles.
        rows: cells.
        left: how many of the columns are aligned to the left; the others are to the right.

    Example:
        >>> print(text_table(["label", "n"], [["MI", "7"], ["NORM", "12"]]))
        label   n
        MI      7
        NORM   12
    """
    lines = [tuple(line) for line in (header, *rows) if len(line)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
