"""What a text table says of its sampling rate: a column of time, or a line above the samples.

Neither is sure enough to take the rate from. But a rate that is given for a whole folder is wrong
for a file whose clock runs at another one, and nothing else would show it: heart rates and widths
would merely be a little off. Nor would anything show that a stretch was lost or is there twice.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pandas as pd

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import DataError, GapError
from ecg_keras.formats.csv_numbers import find_marks, is_number

# recorders of ECGs are within it; a column that steps otherwise is no clock
_LOWEST, _HIGHEST = 20.0, 20_000.0
# a clock that is so much faster or slower than the rate that is given is another one
_TOLERANCE = 0.02
# seconds in the unit that the name of a column has
_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sek", "sekunden"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "millisekunden"), 1e-3),
    **dict.fromkeys(("us", "μs", "usec", "microsecond", "microseconds"), 1e-6),
}
_TIMES = {"time", "times", "timestamp", "t", "zeit", "temps", "tempo", "tiempo", "elapsed"}
_WORD = re.compile(r"[^\W\d_]+")
# characters of a line that are looked at: the search takes time by their third power
_LONGEST = 200
_STATED = re.compile(r"(?:sampl\w*[ _-]*(?:rate|freq\w*)|abtast\w*|\bfs\b)[^\d\n]{0,20}?(?=\d)")
# what is behind it on its line: a number, and its unit or another word
_VALUE = re.compile(
    r"(?P<value>\d+(?:[.,]\d+)?)(?:[ \t]*(?P<kilo>k(?:ilo)?)?(?P<hertz>hz|hertz)\b"
    r"|[ \t-]*(?P<word>[^\W\d_]+))?"
)
# seconds by which a transport may shift times for a while, of samples that are all there
_JITTER = 0.05
# at which clocks start from 0 again, in seconds, and counters in whatever they count
_TURNS, _COUNTED = (1, 60, 3600, 86_400), (2**16, 2**32)
# digits of a float32, whose last bit is such a share of it
_SINGLE_DIGITS, _SINGLE = 9, 2.0**-23
# a line that says so may mean the rate before or after
_CHANGED = re.compile("resampl|downsampl|upsampl")


class Clock(NamedTuple):
    """What a file says of its sampling rate."""

    # for messages, such as "its column 'time' steps by 0.004"
    says: str
    # the lowest and highest rate in Hz that it may mean, of each unit in which it may be
    rates: tuple[tuple[float, float], ...]
    # of times: "its column 'time'", their first step, by how much they are rounded, and the seconds
    # in each unit in which they may be
    name: str = ""
    step: float = 0.0
    rounding: float = 0.0
    units: tuple[float, ...] = ()
    # where they are in each line, unless they are a line
    column: int | None = None

    def contradicts(self, rate: float) -> bool:
        """Whether it means another rate than this one in Hz."""
        low, high = 1 - _TOLERANCE, 1 + _TOLERANCE
        return not any(low * least <= rate <= high * most for least, most in self.rates)


def stated_clock(lines: Sequence[str]) -> Clock | None:
    """The sampling rate that a line about the recording states, such as ``Sample rate: 512 Hz``.

    Of several, as of a module and of its output, nobody knows which is that of the samples."""
    rates = dict.fromkeys(
        rate for line in lines for rate in _read_rates(line) if _LOWEST <= rate <= _HIGHEST
    )
    if not rates:
        return None
    stated = " or ".join(f"{rate:g}" for rate in rates)
    return Clock(f"a line above its samples says {stated} Hz", tuple((one, one) for one in rates))


def _read_rates(line: str) -> Iterator[float]:
    plain = unicodedata.normalize("NFKC", line[:_LONGEST]).lower()
    found = _STATED.search(plain)
    if found is None or _CHANGED.search(plain):
        return
    values = [
        one
        for one in _VALUE.finditer(plain, found.end())
        if not (one["word"] or "").startswith("bit")
    ]
    for place, one in enumerate(values):
        # the first has any unit, such as samples per second, and others may be of anything else
        if place == 0 or one["hertz"] or one["word"] is None:
            yield float(one["value"].replace(",", ".")) * (1000 if one["kilo"] else 1)


def clock_of(name: str, cells: Sequence[str], what: str = "column") -> Clock | None:
    """What a column, or row, with that name and those first cells says, if it is one of times."""
    words = set(_WORD.findall(unicodedata.normalize("NFKC", name).lower()))
    units = {_SECONDS[word] for word in words & _SECONDS.keys()}
    if len(units) > 1 or not (units or words & _TIMES) or len(cells) < 3:
        return None
    if not all(map(is_number, cells)) or any(
        cell.count(",") + cell.count(".") > 1 for cell in cells
    ):
        return None
    plain = [cell.replace(",", ".").replace(" ", "") for cell in cells]
    times = [float(cell) for cell in plain]
    digits = max(len(cell.lower().partition("e")[0].partition(".")[2]) for cell in plain)
    rounding = 10.0**-digits
    steps = len(times) - 1
    step = (times[-1] - times[0]) / steps
    uneven = max(abs(b - a - step) for a, b in itertools.pairwise(times))
    # one that steps by 1 may count samples; one with gaps, or that was rounded much, says nothing
    if step <= rounding / steps or uneven > rounding + step / 20 or (step == 1 and not units):
        return None
    shortest, longest = step - rounding / steps, step + rounding / steps
    likely = {
        unit: (1 / (unit * longest), 1 / (unit * shortest))
        for unit in units or set(_SECONDS.values())
        if unit * shortest <= 1 / _LOWEST and unit * longest >= 1 / _HIGHEST
    }
    if not likely:
        return None
    called = f"its {what} {name!r:.40}"
    return Clock(
        f"{called} steps by {step:g}", (*likely.values(),), called, step, rounding, (*likely,)
    )


def check_steps(clock: Clock, cells: Sequence[str], rate: float, first: int = 0) -> None:
    """Refuses times of samples between which some are missing, or are there twice.

    Times that are rounded, that come early as often as late, or that start from 0 each second or
    minute, are sound, and what can't be read as a number says nothing."""
    if not np.any(_find_leaps(clock, _to_numbers(cells))):
        return
    cells = [one.strip(" \t\n'") for one in cells]
    try:
        marks = find_marks(set(cells))
    except DataError:
        return
    if marks is None:
        return
    plain = [one if is_number(one) else "" for one in cells]
    if marks.thousands:
        plain = [one.replace(marks.thousands, "") for one in plain]
    plain = [one.replace(marks.decimal, ".") for one in plain]
    times = _to_numbers(plain)
    late = _find_leaps(clock, times, _find_rounding(plain, times))
    small = np.abs(late) <= _JITTER * rate * clock.step
    both = late[small & (late > 0)].sum(), -late[small & (late < 0)].sum()
    if max(both) <= 2 * min(both):
        late[small] = 0
    for place in np.flatnonzero(late)[:1]:
        seconds = late[place] / clock.step / rate
        raise GapError(
            f"interrupted: by {clock.name}, {'cell' if clock.column is None else 'line'} "
            f"{first + place + 2} of the samples comes {abs(seconds):.3g} s "
            f"{'late' if seconds > 0 else 'early'}, and the parts would be joined. Export its "
            "parts as files of their own."
        )


def _to_numbers(texts: Sequence[str]) -> Float64Array:
    """Numbers with a decimal point or comma, NaN where a text is none."""
    try:
        return np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        plain = [one.replace(",", ".").strip(" \t\n'") for one in texts]
        numbers = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce")
        values: Float64Array = numbers.to_numpy(dtype=np.float64)
        return values


def _find_leaps(
    clock: Clock, times: Float64Array, rounding: Float64Array | None = None
) -> Float64Array:
    """By how much each time but the first is late, 0 where by half a step and rounding or less."""
    late: Float64Array = np.diff(times) - clock.step
    last = np.full(len(late), clock.rounding)
    if rounding is not None:
        last = np.maximum(rounding[1:], rounding[:-1])
    # a little more, as the step itself is of rounded times
    slack = 0.501 * clock.step + 1.05 * last
    late[~(np.abs(late) > slack)] = 0
    if not np.any(late):
        return late
    turns = [turn / unit for turn in _TURNS for unit in clock.units]
    for turn in (*turns, *_COUNTED):
        late[(np.abs(late + turn) <= slack) & (np.abs(times[1:]) <= clock.step + slack)] = 0
    # one wrong time, behind which the clock continues as before
    alone = np.abs(late[:-1] + late[1:]) <= slack[1:]
    late[np.append(alone, False) | np.append(False, alone)] = 0
    return late


def _find_rounding(texts: Sequence[str], times: Float64Array) -> Float64Array:
    """By how much each time may be rounded: to decimals, to digits (``%g``), or as a float32."""
    shapes = [
        Decimal(text).as_tuple()
        for text, is_finite in zip(texts, np.isfinite(times), strict=True)
        if is_finite
    ]
    digits = max((len(shape.digits) for shape in shapes), default=1)
    size = np.maximum(np.abs(times), 1e-300)
    last: Float64Array = 10.0 ** (np.floor(np.log10(size)) + 1 - digits)
    if digits <= _SINGLE_DIGITS:
        last = np.maximum(last, size * _SINGLE)
    return np.maximum(last, 10.0 ** min((int(shape.exponent) for shape in shapes), default=0))
