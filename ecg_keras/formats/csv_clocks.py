"""What a text table says of its sampling rate: a column of time, or a line above the samples.

Neither is sure enough to take the rate from. But a rate that is given for a whole folder is wrong
for a file whose clock runs at another one, and nothing else would show it: heart rates and widths
would merely be a little off.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from ecg_keras.formats.csv_numbers import is_number

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
_STATED = re.compile(
    r"(?:sampl\w*[ _-]*(?:rate|freq\w*)|abtast\w*|\bfs\b)[^\d\n]{0,20}?"
    r"(?P<rate>\d+(?:[.,]\d+)?)[ \t]*(?P<kilo>k(?=hz\b))?"
)
# a line that says so may mean the rate before or after
_CHANGED = re.compile("resampl|downsampl|upsampl")


class Clock(NamedTuple):
    """What a file says of its sampling rate."""

    # for messages, such as "its column 'time' steps by 0.004"
    says: str
    # the lowest and highest rate in Hz that it may mean, of each unit in which it may be
    rates: tuple[tuple[float, float], ...]

    def contradicts(self, rate: float) -> bool:
        """Whether it means another rate than this one in Hz."""
        low, high = 1 - _TOLERANCE, 1 + _TOLERANCE
        return not any(low * least <= rate <= high * most for least, most in self.rates)


def stated_clock(lines: Sequence[str]) -> Clock | None:
    """The sampling rate that a line about the recording states, such as ``Sample rate: 512 Hz``."""
    for line in lines:
        plain = unicodedata.normalize("NFKC", line).lower()
        found = _STATED.search(plain)
        if found and not _CHANGED.search(plain):
            rate = float(found["rate"].replace(",", ".")) * (1000 if found["kilo"] else 1)
            if _LOWEST <= rate <= _HIGHEST:
                return Clock(f"a line above its samples says {rate:g} Hz", ((rate, rate),))
    return None


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
    slack = rounding / steps
    rates = [
        (1 / (unit * (step + slack)), 1 / (unit * (step - slack)))
        for unit in units or set(_SECONDS.values())
    ]
    likely = tuple((low, high) for low, high in rates if high >= _LOWEST and low <= _HIGHEST)
    return Clock(f"its {what} {name!r:.40} steps by {step:g}", likely) if likely else None
