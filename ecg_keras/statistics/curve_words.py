"""What learning curves say, in sentences: where the reference catches up, and worth in labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ecg_keras.evaluation import FEWEST_SEEDS, Contrast, Plan, with_interval
from ecg_keras.statistics.crossover import LabelEfficiency
from ecg_keras.statistics.verdict import roughly
from ecg_keras.text import percent, two_digits


def say_falling(
    way: str,
    reference: str,
    sizes: Sequence[float],
    differences: Sequence[Contrast],
    found: tuple[float, float, float],
    margin: float,
) -> str:
    """Where an advantage that does not grow ends, and what would close an interval that is open."""
    estimate, low, high = found
    first, last = f"{sizes[0]:,.0f}", f"{sizes[-1]:,.0f}"
    interval = f"{percent(differences[0].level)} interval"
    low_text = f"below {first}" if low == -math.inf else about(low)
    high_text = f"beyond {last}" if high == math.inf else about(high)
    if estimate == -math.inf:
        text = f"{way} is nowhere better than {reference} by {margin:g}"
        if high == -math.inf:
            text += f": {reference} is as good from {first} training ECGs on."
        else:
            text += (
                f" between {first} and {last} training ECGs as measured, but it may be, up to "
                f"{high_text} ({interval})."
            )
    elif estimate == math.inf:
        text = f"{way} is better than {reference} by more than {margin:g} up to {last} training "
        if low == math.inf:
            text += "ECGs, the most that were tried: a crossover is beyond."
        else:
            text += (
                f"ECGs as measured; a crossover is beyond, or anywhere from {low_text} on "
                f"({interval})."
            )
    else:
        text = (
            f"{reference} catches up with {way}, to within {margin:g}, at about {about(estimate)} "
            f"training ECGs ({interval} {low_text} to {high_text})."
        )
    ends = [0] * (low == -math.inf < high) + [-1] * (low < math.inf == high)
    closing = [_what_would_close(sizes[end], differences[end], margin) for end in ends]
    return "".join((text, *closing, of_one_seed([differences])))


def say_rising(
    way: str,
    reference: str,
    sizes: Sequence[float],
    differences: Sequence[Contrast],
    trend: Contrast,
    margin: float,
) -> str:
    """The same of an advantage that grows with the training data, which has no crossover."""
    change = f"{sizes[0]:,.0f} to {sizes[-1]:,.0f} training ECGs, by {with_interval(trend, '+')}"
    if differences[-1].value <= margin:
        text = (
            f"{way} is nowhere better than {reference} by {margin:g} as measured, but gains on it "
            f"from {change}."
        )
    else:
        text = (
            f"The advantage of {way} over {reference} grows from {change}: {reference} does not "
            "catch up there."
        )
    return text + of_one_seed([differences])


def say_unknown(
    way: str, reference: str, sizes: Sequence[float], differences: Sequence[Contrast]
) -> str:
    """That there is no crossover where test patients are too few for a difference's interval."""
    pairs = zip(sizes, differences, strict=True)
    few = ", ".join(f"{size:,.0f}" for size, one in pairs if math.isnan(one.p_value))
    text = (
        f"Whether {reference} catches up with {way} is not known: the test patients are too few "
        f"to show how far off the difference at {few} training ECGs is."
    )
    return text + of_one_seed([differences])


def _what_would_close(size: float, difference: Contrast, margin: float) -> str:
    """What would show on which side of the margin a difference is; nothing where it is shown."""
    if not difference.low <= margin <= difference.high:  # nor where there is no interval
        return ""
    beyond = replace(difference, value=difference.value - margin)
    plan = Plan(beyond, margin, different=1 - difference.level, equal=0.0)
    numbers = ((plan.more_seeds(), "seeds of each"), (plan.more_records(), "test ECGs"))
    ways = [f"{roughly(number):,} more {what}" for number, what in numbers if number]
    shown = f"would show on which side of {margin:g} the difference at {size:,.0f} is"
    if ways:
        return f" About {' or '.join(ways)} {shown}, if it stays."
    return f" Neither more seeds nor more test ECGs alone {shown}."


def of_one_seed(curves: Sequence[Sequence[Contrast]]) -> str:
    """What learning curves of one seed, given by their differences, can't show; mostly empty."""
    single = sum(any(one.seeds == 1 for one in differences) for differences in curves)
    if not single:
        return ""
    which = "" if single == len(curves) else f"in {single} of them "
    return (
        f" With one seed each {which}this is of the trained networks alone, and says nothing of "
        f"how far another training would move it: at least {FEWEST_SEEDS - 1} more seeds of each "
        "would."
    )


def about(size: float) -> str:
    """Two digits of a number of ECGs: more would claim too much."""
    return f"{float(f'{size:.2g}'):,.0f}"


def say_worth(
    way: str, reference: str, sizes: Sequence[float], worth: Sequence[LabelEfficiency]
) -> str:
    """What a way is worth in labels, in one sentence."""
    one = find_example(worth)
    last = f"{sizes[-1]:,.0f} ECGs"
    if one is not None:
        low, high = say_ends(one, sizes)
        return (
            f"{way} on {one.size:,.0f} ECGs equals {reference} on {about(one.equal[0])} "
            f"[{low}, {high}]: a factor of {say_factor(one, sizes)}."
        )
    first = worth[0]
    if not is_undefined(worth):
        return (
            f"{way} on {first.size:,.0f} ECGs scores above {reference} on {last}, the most that "
            f"were tried: a factor of more than {two_digits(sizes[-1] / first.size)}."
        )
    side = "above" if first.equal[0] > 0 else "below"
    most = last if side == "above" else f"{sizes[0]:,.0f} ECGs"
    return (
        f"What {way} is worth in labels is undefined: on {first.size:,.0f} ECGs it scores {side} "
        f"{reference} on {most} as measured, and nowhere as {reference} does within the sizes: the "
        "learning curves do not overlap."
    )


def is_undefined(worth: Sequence[LabelEfficiency]) -> bool:
    """Whether the curves overlap nowhere, and the way is not better than all that was tried."""
    return find_example(worth) is None and worth[0].equal[:2] != (math.inf, math.inf)


def find_example(worth: Sequence[LabelEfficiency]) -> LabelEfficiency | None:
    """The size to speak of: from the second on, the smallest at which the curves overlap.

    Not the one with the narrowest or a closed interval: chosen by their luck, intervals hold less
    than they claim (docs/learning-curves.md). ``None`` where the curves overlap nowhere.
    """
    return next((one for one in (*worth[1:], *worth[:1]) if math.isfinite(one.equal[0])), None)


def say_ends(one: LabelEfficiency, sizes: Sequence[float]) -> tuple[str, str]:
    """Both ends of the interval, in ECGs."""
    low, high = one.equal[1:]
    return (
        f"below {sizes[0]:,.0f}" if low == -math.inf else about(low),
        f"beyond {sizes[-1]:,.0f}" if high == math.inf else about(high),
    )


def say_factor(one: LabelEfficiency, sizes: Sequence[float]) -> str:
    """The factor with its interval; two digits, as more would claim too much."""
    value, low, high = one.factor
    lowest, highest = (two_digits(size / one.size) for size in (sizes[0], sizes[-1]))
    return (
        f"{two_digits(value)} [{f'below {lowest}' if low == -math.inf else two_digits(low)}, "
        f"{f'beyond {highest}' if high == math.inf else two_digits(high)}]"
    )
