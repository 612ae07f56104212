"""What a learning curve says of where the reference catches up, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ecg_keras.evaluation import FEWEST_SEEDS, Contrast, Plan, with_interval
from ecg_keras.statistics.verdict import roughly
from ecg_keras.text import percent


def say_falling(
    way: str,
    reference: str,
    sizes: Sequence[float],
    differences: Sequence[Contrast],
    found: tuple[float, float, float],
    margin: float,
) -> str:
    """Where an advantage that does not grow ends, and what would close an interval that is open.

    Args:
        way, reference: the two modes.
        sizes: ``(sizes,)`` training records, rising.
        differences: way - reference at each size.
        found: of `ecg_keras.statistics.crossover.find_crossover`.
        margin: that counts as equivalent.
    """
    estimate, low, high = found
    first, last = f"{sizes[0]:,.0f}", f"{sizes[-1]:,.0f}"
    interval = f"{percent(differences[0].level)} interval"
    low_text = f"below {first}" if low == -math.inf else about(low)
    high_text = f"beyond {last}" if high == math.inf else about(high)
    if estimate == -math.inf:
        said = f"{way} is nowhere better than {reference} by {margin:g}"
        if high == -math.inf:
            said += f": {reference} is as good from {first} training ECGs on."
        else:
            said += (
                f" between {first} and {last} training ECGs as measured, but it may be, up to "
                f"{high_text} ({interval})."
            )
    elif estimate == math.inf:
        said = f"{way} is better than {reference} by more than {margin:g} up to {last} training "
        if low == math.inf:
            said += "ECGs, the most that were tried: a crossover lies beyond."
        else:
            said += (
                f"ECGs as measured; a crossover lies beyond, or anywhere from {low_text} on "
                f"({interval})."
            )
    else:
        said = (
            f"{reference} catches up with {way}, to within {margin:g}, at about {about(estimate)} "
            f"training ECGs ({interval} {low_text} to {high_text})."
        )
    ends = [0] * (low == -math.inf < high) + [-1] * (low < math.inf == high)
    closing = [_what_would_close(sizes[end], differences[end], margin) for end in ends]
    return "".join((said, *closing, _of_one_seed(differences)))


def say_rising(
    way: str,
    reference: str,
    sizes: Sequence[float],
    differences: Sequence[Contrast],
    trend: Contrast,
    margin: float,
) -> str:
    """The same of an advantage that grows with the training data, which has no crossover.

    Args:
        way, reference, sizes, differences, margin: as of `say_falling`.
        trend: how much the difference changes from the smallest to the largest size.
    """
    change = f"{sizes[0]:,.0f} to {sizes[-1]:,.0f} training ECGs, by {with_interval(trend, '+')}"
    if differences[-1].value <= margin:
        said = (
            f"{way} is nowhere better than {reference} by {margin:g} as measured, but gains on it "
            f"from {change}."
        )
    else:
        said = (
            f"The advantage of {way} over {reference} grows from {change}: {reference} does not "
            "catch up there."
        )
    return said + _of_one_seed(differences)


def _what_would_close(size: float, difference: Contrast, margin: float) -> str:
    """What would show on which side of the margin a difference lies; nothing where it is shown."""
    if not difference.low <= margin <= difference.high:
        return ""
    beyond = replace(difference, value=difference.value - margin)
    plan = Plan(beyond, margin, different=1 - difference.level, equal=0.0)
    numbers = ((plan.more_seeds(), "seeds of each"), (plan.more_records(), "test ECGs"))
    ways = [f"{roughly(number):,} more {what}" for number, what in numbers if number]
    shown = f"would show on which side of {margin:g} the difference at {size:,.0f} lies"
    if ways:
        return f" About {' or '.join(ways)} {shown}, if it stays."
    return f" Neither more seeds nor more test ECGs alone {shown}."


def _of_one_seed(differences: Sequence[Contrast]) -> str:
    if differences[0].seeds > 1:
        return ""
    return (
        " With one seed each this is of the trained networks alone, and says nothing of how far "
        f"another training would move it: at least {FEWEST_SEEDS - 1} more seeds of each would."
    )


def about(size: float) -> str:
    """Two digits of a number of ECGs: more would claim too much.

    Example:
        >>> about(1134.2)
        '1,100'
    """
    return f"{float(f'{size:.2g}'):,.0f}"
