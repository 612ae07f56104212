"""Where nothing was recorded: missing samples, dead leads, gaps that hold a constant.

An ECG is looked at in blocks of 0.2 s. A block shows nothing where it stays within two steps of
what a shard stores, and what shows nothing for a second or more is lost: no ECG is so still, but an
electrode that is off, an amplifier at its limit and a gap that was filled are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, binary_opening, grey_opening

from ecg_keras.array_types import AnyArray, BoolArray, IntArray
from ecg_keras.errors import DataError
from ecg_keras.signals.leads import check_shape

_BLOCK = 0.2
STILL_MV = 0.002
# but no more than this of the largest span of the leads: an ECG may be in another unit
STILL_PART = 0.005
# blocks of a stretch that is lost
LASTING = 5
# share of an ECG that padding, or a lead that shows nothing, may take
MOST = 0.5
# noise is compared in whole nanovolts, so that equal stretches are equal; above 1 V it is all one
_STEPS_IN_MV, _LOUDEST_MV = 1_000_000, 1_000.0


@dataclass(frozen=True, eq=False)
class Blocks:
    """What each block of 0.2 s of a recording, or of a part of it, shows."""

    # (num_leads, num_blocks): whether a sample is missing or infinite
    missing: BoolArray
    # of the same shape: whether all samples are within 2 µV, or another span
    still: BoolArray
    # (num_blocks,): the mean over the leads of the root mean square of white noise that has their
    # second differences, in nV; 0 for leads with missing samples
    noise: IntArray


def block_length(sampling_rate: float) -> int:
    """Samples of a block."""
    return max(3, round(_BLOCK * sampling_rate))


def check_recorded(
    values: AnyArray, leads: Sequence[str], sampling_rate: float, *, begin: float = 0.0
) -> None:
    """Refuses an ECG in which something was not recorded.

    Constant stretches of all leads at once, at the beginning or the end, are padding, as
    some databases have: it may take up to half of the ECG.

    Args:
        values: ``(num_samples, num_leads)`` in millivolts: what is kept of a recording. Fastest
            where each column is contiguous.
        leads: names of the columns.
        sampling_rate: in Hz.
        begin: the second of the recording at which they begin, for the message.

    Raises:
        DataError: a sample is missing or infinite; a lead shows nothing throughout, or in more
            than half of the time in which others do; all leads show nothing for a second or more
            between others that do; or padding is more than half. The message names leads and
            seconds. Also where there is no sample.

    Example:
        >>> check_recorded(np.sin(np.arange(1000.0))[:, None], ["I"], 500)
    """
    check_shape(values, leads)
    low, high = values.min(axis=0), values.max(axis=0)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise DataError(_say_missing(values, leads, sampling_rate, begin))
    still_mv = min(STILL_MV, STILL_PART * float(np.max(high - low)))
    dead = [lead for lead, span in zip(leads, high - low, strict=True) if span <= still_mv]
    if dead:
        raise DataError(
            f"no signal in lead {', '.join(dead)}: constant, within {1000 * still_mv:.2g} µV, "
            f"for all {len(values) / sampling_rate:.4g} s that are kept."
        )
    if _may_be_lost(values, sampling_rate, still_mv):
        still = measure_blocks(values, sampling_rate, still_mv).still
        _check_stretches(still, leads, block_length(sampling_rate) / sampling_rate, begin)


def measure_blocks(values: AnyArray, sampling_rate: float, still_mv: float = STILL_MV) -> Blocks:
    """`Blocks` of a recording in mV, or of a part of it that begins with a block."""
    length = block_length(sampling_rate)
    count = len(values) // length
    rows = np.ascontiguousarray(values[: count * length].T, dtype=np.float32)
    rows = rows.reshape(len(rows), count, length)
    low, high = rows.min(axis=2), rows.max(axis=2)
    missing = ~(np.isfinite(low) & np.isfinite(high))
    with np.errstate(invalid="ignore", over="ignore"):
        noise = np.sqrt(np.square(np.diff(rows, n=2, axis=2)).mean(axis=2) / 6)
        still = high - low <= still_mv
    noise = np.where(missing, 0, noise.clip(0, _LOUDEST_MV))
    return Blocks(missing, still, np.rint(noise.mean(axis=0) * _STEPS_IN_MV).astype(np.int64))


def best_block(parts: Sequence[Blocks], wanted: int) -> int:
    """The block with which the best stretch of ``wanted`` blocks of a recording begins."""
    # In it the fewest blocks of leads are lost; then it has the least noise that lasts for a
    # second: what is shorter, such as a beat, counts for nothing, so that no rhythm is preferred;
    # then the first
    missing = np.concatenate([part.missing for part in parts], axis=1)
    still = np.concatenate([part.still for part in parts], axis=1)
    noise = np.concatenate([part.noise for part in parts])
    if wanted >= len(noise):
        return 0
    # of the blocks beside a stretch that is lost, a part is lost, too
    beside = binary_dilation(_lasting(still | missing), np.ones((1, 3)))
    gone = (missing | beside).sum(axis=0)
    lost = _over(wanted, gone)
    # what is lost is not quiet
    noise = np.where(gone > 0, noise.max(), noise)
    # the ends are neighbours, so that all stretches of a signal that repeats itself are equal
    loud = _over(wanted, grey_opening(noise, LASTING, mode="wrap"))
    least = np.flatnonzero(lost == lost.min())
    return int(least[np.argmin(loud[least])])


def _over(wanted: int, counts: IntArray) -> IntArray:
    """The sums over each stretch of that many blocks."""
    sums = np.concatenate([[0], np.cumsum(counts)])
    return np.asarray(sums[wanted:] - sums[:-wanted])


def _lasting(still: BoolArray) -> BoolArray:
    """Of ``(num_rows, num_blocks)`` what belongs to five or more in a row."""
    return np.asarray(binary_opening(still, np.ones((1, LASTING))))


def _may_be_lost(values: AnyArray, sampling_rate: float, still_mv: float) -> bool:
    """Whether any lead is at rest wherever it is looked at for most of a second: most never are.

    It takes a small part of the time of `measure_blocks`."""
    looked_at = values[:: max(1, block_length(sampling_rate) // 2)].T
    rest = np.abs(looked_at[:, 1:] - looked_at[:, :-1]) <= still_mv
    for times in (1, 2, 4):  # in the end, eight times in a row
        rest = rest[:, :-times] & rest[:, times:]
    return bool(rest.any())


def _check_stretches(still: BoolArray, leads: Sequence[str], block: float, begin: float) -> None:
    """Refuses what shows nothing for too long, by blocks of ``block`` seconds."""
    silent = _lasting(still.all(axis=0)[None])[0]
    first, last = np.argmin(silent), len(silent) - np.argmin(silent[::-1])
    padding = len(silent) - (last - first)
    if padding > MOST * len(silent):
        raise DataError(
            f"no signal in any lead for {block * padding:.3g} of the {block * len(silent):.3g} s "
            "that are kept: constant before or behind what was recorded."
        )
    gap = silent.copy()
    gap[:first] = gap[last:] = False
    if gap.any():
        raise DataError(f"no signal in any lead {_say_when(gap, block, begin)}: constant.")
    lost = _lasting(still)
    lost[:, :first] = lost[:, last:] = False
    many = [
        f"{lead} {_say_when(row, block, begin)}"
        for lead, row in zip(leads, lost, strict=True)
        if row.sum() > MOST * (last - first)
    ]
    if many:
        raise DataError(f"no signal in lead {', '.join(many)}: constant.")


def _say_when(lost: BoolArray, block: float, begin: float) -> str:
    edges = np.flatnonzero(np.diff(lost, prepend=False, append=False)) * block + begin
    spans = [f"{first:.4g} to {last:.4g} s" for first, last in edges.reshape(-1, 2)[:3]]
    return f"from {', '.join(spans)}{' and later' if len(edges) > 6 else ''}"


def _say_missing(values: AnyArray, leads: Sequence[str], sampling_rate: float, begin: float) -> str:
    bad = ~np.isfinite(values)
    lost = bad.sum(axis=0)
    named = [f"{lead} ({n} samples)" for lead, n in zip(leads, lost, strict=True) if n]
    places = np.flatnonzero(bad.any(axis=1))[[0, -1]] / sampling_rate + begin
    return (
        f"missing or infinite samples in lead {', '.join(named)}, between {places[0]:.4g} and "
        f"{places[1]:.4g} s."
    )
