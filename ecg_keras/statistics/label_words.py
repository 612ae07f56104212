"""What a way of training is worth in labels, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecg_keras.statistics.curve_words import about
from ecg_keras.statistics.label_efficiency import LabelEfficiency

if TYPE_CHECKING:
    from ecg_keras.statistics.curves import LearningCurve


def say_worth(
    way: str, reference: str, sizes: Sequence[float], worth: Sequence[LabelEfficiency]
) -> str:
    """What a way is worth in labels, in one sentence.

    It is said of the size that `telling` names. A way that scores above the reference at all sizes
    is worth more than they show.

    Args:
        way, reference: the two modes.
        sizes: ``(sizes,)`` training records, rising.
        worth: of each size of the way; at least one.

    Example:
        >>> one = LabelEfficiency(200, (740, 520, 1100))
        >>> say_worth("finetune", "scratch", [50, 200, 1600], [one])
        'finetune on 200 ECGs equals scratch on 740 [520, 1,100]: a factor of 3.7 [2.6, 5.5].'
    """
    one = telling(worth)
    last = f"{sizes[-1]:,.0f} ECGs"
    if one is not None:
        low, high = say_ends(one, sizes)
        return (
            f"{way} on {one.size:,.0f} ECGs equals {reference} on {about(one.equal[0])} "
            f"[{low}, {high}]: a factor of {say_factor(one, sizes)}."
        )
    first = worth[0]
    if first.equal[0] == first.equal[1] == math.inf:
        return (
            f"{way} on {first.size:,.0f} ECGs scores above {reference} on {last}, the most that "
            f"were tried: a factor of more than {sizes[-1] / first.size:.2g}."
        )
    side = "above" if first.equal[0] > 0 else "below"
    most = last if side == "above" else f"{sizes[0]:,.0f} ECGs"
    return (
        f"What {way} is worth in labels is undefined: on {first.size:,.0f} ECGs it scores {side} "
        f"{reference} on {most} as measured, and nowhere as {reference} does within the sizes: the "
        "learning curves do not overlap."
    )


def say_worths(curves: Sequence[LearningCurve]) -> tuple[str, ...]:
    """What all learning curves of a study say of it, in one or two sentences; none without curves.

    Args:
        curves: of the study.
    """
    known = [one for one in curves if one.worth]
    if len(known) < 2:
        return tuple(say_worth(one.way, one.reference, one.sizes, one.worth) for one in known)
    shown = [telling(one.worth) or one.worth[0] for one in known]
    more = sum(one.factor[1] > 1 for one in shown)
    less = sum(one.factor[2] < 1 for one in shown)
    said = (
        f"What a way of training is worth in labels, in {len(known)} learning curves: more than "
        f"its own ECGs in {more}, less in {less}, not shown in {len(known) - more - less}."
    )
    for curve in known:
        if telling(curve.worth) is not None:
            worth = say_worth(curve.way, curve.reference, curve.sizes, curve.worth)
            return (f"{said} For example, of {curve.title}: {worth}",)
    return (said,)


def telling(worth: Sequence[LabelEfficiency]) -> LabelEfficiency | None:
    """The size to speak of: from the second on, the smallest at which the curves overlap.

    Not the one with the narrowest or a closed interval: chosen by their luck, intervals hold less
    than they claim (docs/learning-curves.md). ``None`` where the curves overlap nowhere.
    """
    return next((one for one in (*worth[1:], *worth[:1]) if math.isfinite(one.equal[0])), None)


def say_ends(one: LabelEfficiency, sizes: Sequence[float]) -> tuple[str, str]:
    """Both ends of the interval, in ECGs.

    Example:
        >>> say_ends(LabelEfficiency(200, (740, -math.inf, math.inf)), [50, 1600])
        ('below 50', 'beyond 1,600')
    """
    low, high = one.equal[1:]
    return (
        f"below {sizes[0]:,.0f}" if low == -math.inf else about(low),
        f"beyond {sizes[-1]:,.0f}" if high == math.inf else about(high),
    )


def say_factor(one: LabelEfficiency, sizes: Sequence[float]) -> str:
    """The factor with its interval; two digits, as more would claim too much.

    Example:
        >>> say_factor(LabelEfficiency(200, (740, 520, math.inf)), [50, 1600])
        '3.7 [2.6, beyond 8]'
    """
    value, low, high = one.factor
    lowest, highest = (size / one.size for size in (sizes[0], sizes[-1]))
    return (
        f"{value:.2g} [{f'below {lowest:.2g}' if low == -math.inf else f'{low:.2g}'}, "
        f"{f'beyond {highest:.2g}' if high == math.inf else f'{high:.2g}'}]"
    )
