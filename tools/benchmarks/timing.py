"""Ways that take turns, the ratios of their rounds, and tables of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

ROUNDS = 5

Row = tuple[str, ...]


def take_turns(*ways: Callable[[], Any], rounds: int = ROUNDS) -> list[list[float]]:
    """Seconds of each way in each round: A B A B, after one round that does not count."""
    seconds: list[list[float]] = [[] for _ in ways]
    for number in range(rounds + 1):
        for own, way in zip(seconds, ways, strict=True):
            begun = time.perf_counter()
            way()
            if number:
                own.append(time.perf_counter() - begun)
    return seconds


def rate(records: int, seconds: Sequence[float]) -> str:
    """Records a second in the median round."""
    return f"{records / statistics.median(seconds):,.0f}"


def times_as_fast(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """How many times as fast we are: the median of the rounds, and the range behind it."""
    ratios = sorted(their / our for our, their in zip(ours, theirs, strict=True))
    return f"**{statistics.median(ratios):.3g}** ({ratios[0]:.3g} to {ratios[-1]:.3g})"


def table(header: Row, rows: Sequence[Row]) -> str:
    """Markdown; the first column is text, the others are figures."""
    lines = [header, ("---", *("---:" for _ in header[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
