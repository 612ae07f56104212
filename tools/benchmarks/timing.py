"""Ways that take turns, and the ratios of their rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

ROUNDS = 5


def take_turns(
    *ways: Callable[[], Any], rounds: int = ROUNDS, before: Callable[[], Any] = lambda: None
) -> list[list[float]]:
    """Seconds of each way in each round: A B A B, after one round that does not count.

    What is done ``before`` each is not timed.
    """
    seconds: list[list[float]] = [[] for _ in ways]
    for number in range(rounds + 1):
        for own, way in zip(seconds, ways, strict=True):
            before()
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
