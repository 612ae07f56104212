"""What becomes of a record but to be stored as usual: it is left out, or kept and noted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ecg_keras.errors import listed

UNLABELLED = "no label of the set"
EXCLUDED = "data.exclude names them"
# of a larger share of lost records, the setting that keeps them is named
_FEW = 0.03
_NAMED = 5
# of a recording that is too short, in files whose entries have no field for it
_SHORT = re.compile(r"(\S+) s are shorter than (\S+) s")


@dataclass(frozen=True)
class LeftOut:
    """A record that is in no shard, and why.

    Attributes:
        record_id: of the record.
        reason: in words.
        seconds: how long it is, where it was left out for being shorter than ``wanted``.
        wanted: the recipe's ``data.seconds`` then.
    """

    record_id: str
    reason: str
    seconds: float | None = None
    wanted: float | None = None


@dataclass(frozen=True)
class Noted:
    """A record that is stored although a figure of it is outside of what is expected.

    Attributes:
        record_id: of the record.
        lead: the one that it shows in; ``None`` where it is no matter of one lead.
        measure: name of the figure, as in the shards.
        value: of the figure.
        what: the figure in words, with its unit and what is expected.
    """

    record_id: str
    lead: str | None
    measure: str
    value: float
    what: str

    def line(self) -> str:
        """One line of text."""
        return f"{self.record_id}: {self.what}"


def too_short(seconds: float, wanted: float) -> str:
    """The reason why a recording is dropped that is shorter than ``data.seconds``."""
    return f"{seconds:g} s are shorter than {wanted:g} s"


def with_lengths(one: LeftOut) -> LeftOut:
    """An entry of ``dataset.json``; those of older versions have the lengths in words alone."""
    found = _SHORT.fullmatch(one.reason) if one.seconds is None else None
    return replace(one, seconds=float(found[1]), wanted=float(found[2])) if found else one


def describe_losses(
    dropped: Sequence[LeftOut], quarantined: Sequence[LeftOut], records: int
) -> tuple[str, ...]:
    """A line for each kind of reason: how many records, which, and what to set. ``records`` is how
    many there were before any was left out.
    """
    others: dict[str, list[str]] = defaultdict(list)
    short = []
    for one in dropped:
        if one.seconds is not None and one.wanted is not None:
            short.append((one.seconds, one.record_id, one.wanted))
        else:
            others[one.reason].append(one.record_id)
    return (
        *_describe_short(sorted(short), records),
        *(_describe_dropped(reason, names, records) for reason, names in others.items()),
        *_describe_quarantined(quarantined, records),
    )


def _describe_short(short: Sequence[tuple[float, str, float]], records: int) -> Iterator[str]:
    if not short:
        return
    lengths = [seconds for seconds, _, _ in short]
    usual, name, wanted = short[len(short) // 2]
    spread = f"{lengths[0]:g} to {lengths[-1]:g} s, median " * (lengths[0] < lengths[-1])
    line = (
        f"{_count(short, records)} dropped: shorter than {wanted:g} s "
        f"({spread}{usual:g} s, such as {name})"
    )
    if len(short) > _FEW * records:
        # the length that keeps all but the shortest twentieth, rounded down
        enough = int(100 * lengths[len(lengths) // 20]) / 100
        shorter = f"data.seconds: {enough:g} keeps nearly all, and " * (enough > 0)
        line += f". {shorter}data.short: pad fills them up with zeros"
    yield line


def _describe_dropped(reason: str, names: Sequence[str], records: int) -> str:
    line = f"{_count(names, records)} dropped: {reason} ({listed(names, _NAMED)})"
    if reason == UNLABELLED and len(names) > _FEW * records:
        line += ". data.unlabelled: keep stores them as having none of the labels"
    return line


def _describe_quarantined(quarantined: Sequence[LeftOut], records: int) -> Iterator[str]:
    if quarantined:
        named = "; ".join(named_reason(one).rstrip(".") for one in quarantined[:_NAMED])
        yield f"{_count(quarantined, records)} put into quarantine: {named}{_more(quarantined)}"


def named_reason(one: LeftOut) -> str:
    """The reason, and the record's name where it is not in it."""
    return one.reason if one.record_id in one.reason else f"{one.record_id}: {one.reason}"


def _count(lost: Sequence[object], records: int) -> str:
    return f"{len(lost)} of {records} records {'was' if len(lost) == 1 else 'were'}"


def _more(records: Sequence[object] | Mapping[str, object]) -> str:
    return f" and {len(records) - _NAMED} more" if len(records) > _NAMED else ""


def describe_noted(noted: Iterable[Noted], records: int) -> tuple[str, ...]:
    """A line for each figure: how many records are noted for it, and the first of them by name."""
    groups: dict[str, dict[str, list[Noted]]] = defaultdict(lambda: defaultdict(list))
    for one in noted:
        groups[one.measure][one.record_id].append(one)
    return tuple(
        f"{len(group)} of {records} records kept and noted for {measure}: {name_noted(group)}"
        for measure, group in groups.items()
    )


def name_noted(group: Mapping[str, Sequence[Noted]]) -> str:
    """The first records of a group with leads and values, and how many more there are."""
    named = [
        f"{name} ({'; '.join(map(_lead_and_value, found))})"
        for name, found in list(group.items())[:_NAMED]
    ]
    return f"{', '.join(named)}{_more(group)}"


def _lead_and_value(one: Noted) -> str:
    return f"{one.lead}, {one.value:.4g}" if one.lead else f"{one.value:.4g}"
