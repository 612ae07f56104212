"""The low-pass filter of `resample`: a sinc in a Kaiser window, cut off at half the lower rate."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import numpy as np

from ecg_keras.array_types import Float32Array, Float64Array, IntArray

# zero crossings of the filter on each side, and beta of its Kaiser window
CROSSINGS, BETA = 10, 5.0
# numbers of the largest matrix, 4 MB
_LARGEST_MATRIX = 2**20
# values of the filter between two zero crossings, and weights that are worked out at once
_FINE, _AT_ONCE = 512, 2**17


def in_blocks(
    values: Float32Array, ratio: Fraction, start: int, stop: int, offset: int
) -> Float32Array:
    """The samples from ``start`` to ``stop`` at a rate that is ``ratio`` times the old one.

    One matrix product without a copy of the samples; Crochiere and Rabiner (1983), section 3."""
    weights, margin = _filter_block(ratio.numerator, ratio.denominator)
    step, new = len(weights), weights.shape[1] // 2
    first, last = start // new, -(-stop // new)
    begin = first * step - margin - offset
    rows = _continue(values, begin, begin + (last + 1 - first) * step)
    parts = (rows.reshape(-1, step) @ weights).reshape(len(rows), -1, 2 * new)
    # a block of new samples is what its own piece of old ones adds, and the piece behind it
    blocks: Float32Array = parts[:, :-1, :new] + parts[:, 1:, new:]
    return blocks.reshape(len(rows), -1)[:, start - first * new : stop - first * new].T


def at_each_sample(
    values: Float32Array, step: float, start: int, stop: int, offset: int
) -> Float32Array:
    """As `in_blocks` at any other rate, with ``step`` old samples from one new one to the next.

    The filter is worked out at the time of each new sample; Smith and Gossett (1984)."""
    side = _taps_on_a_side(step)
    many = max(1, _AT_ONCE // (2 * side + 1))
    result = np.empty((stop - start, values.shape[1]), dtype=np.float32)
    for first in range(start, stop, many):
        last = min(stop, first + many)
        nearest, weights = _weights_at(step, first, last)
        begin = int(nearest[0]) - side
        rows = _continue(values, begin - offset, int(nearest[-1]) + side + 1 - offset)
        pieces = np.lib.stride_tricks.sliding_window_view(rows, 2 * side + 1, axis=1)
        near = pieces[:, nearest - nearest[0]]
        np.einsum("lnt,nt->nl", near, weights, out=result[first - start : last - start])
    return result


def fits_a_matrix(ratio: Fraction) -> bool:
    """Whether the matrix of `in_blocks` takes 4 MB at most."""
    _, periods = _margin_and_periods(ratio.numerator, ratio.denominator)
    return 2 * periods**2 * ratio.numerator * ratio.denominator <= _LARGEST_MATRIX


def _margin_and_periods(up: int, down: int) -> tuple[int, int]:
    """Old samples before a block of new ones that it needs, and by how many periods blocks go."""
    margin = CROSSINGS * max(up, down) // up + 1
    return margin, -(-2 * margin // down)


@functools.lru_cache(maxsize=16)
def _filter_block(up: int, down: int) -> tuple[Float32Array, int]:
    """The filter as a matrix ``(old samples of a piece, 2 * new samples of a block)``."""
    # That is what a piece adds to its own block and to the one before. And how many old samples a
    # piece begins before its block
    half = CROSSINGS * max(up, down)
    taps = np.kaiser(2 * half + 1, BETA) * np.sinc(np.arange(-half, half + 1) / max(up, down))
    margin, periods = _margin_and_periods(up, down)
    step = periods * down
    new = np.arange(periods * up)[None, :] * down
    old = (np.arange(2 * step)[:, None] - margin) * up
    tap = half + new - old
    weights = np.where((tap >= 0) & (tap < len(taps)), taps[tap.clip(0, len(taps) - 1)], 0.0)
    # each new sample is a weighted mean, so that a constant stays what it is
    weights /= weights.sum(axis=0)
    return np.hstack(np.split(weights.astype(np.float32), 2)), margin


def _taps_on_a_side(step: float) -> int:
    return math.ceil(CROSSINGS * max(1.0, step)) + 1


@functools.lru_cache(maxsize=16)  # the recordings of one device have one rate
def _weights_at(step: float, first: int, last: int) -> tuple[IntArray, Float32Array]:
    """For each of some new samples the nearest old one, and the weights of those around it."""
    time = np.arange(first, last) * step
    nearest = np.rint(time).astype(np.int64)
    side = _taps_on_a_side(step)
    taps = np.arange(-side, side + 1)
    weights = _filter_at(np.abs(taps - (time - nearest)[:, None]) / max(1.0, step))
    # each new sample is a weighted mean, so that a constant stays what it is
    weights /= weights.sum(axis=1, keepdims=True)
    return nearest, weights.astype(np.float32)


def _filter_at(distance: Float64Array) -> Float64Array:
    """The filter at distances that are counted in zero crossings: a line between fine values."""
    fine = _fine_filter()
    place = np.minimum(distance * _FINE, len(fine) - 2)
    below = place.astype(np.intp)
    low: Float64Array = fine[below]
    return np.asarray(low + (fine[below + 1] - low) * (place - below))


@functools.lru_cache(maxsize=1)
def _fine_filter() -> Float64Array:
    half = CROSSINGS * _FINE
    taps = np.kaiser(2 * half + 1, BETA) * np.sinc(np.arange(-half, half + 1) / _FINE)
    # nothing behind the last crossing
    return np.append(taps[half:-1], [0.0, 0.0])


def _continue(values: Float32Array, start: int, stop: int) -> Float32Array:
    """The samples from ``start`` to ``stop`` in a row for each lead, also outside of ``values``.

    There they follow the line through its ends: a fall to zero would ring in every ECG."""
    num_samples, num_leads = values.shape
    rows = np.empty((num_leads, stop - start), dtype=np.float32)
    before, behind = max(0, -start), max(0, stop - num_samples)
    inside = values[max(0, start) : stop].T
    rows[:, before : before + inside.shape[1]] = inside
    rise = (values[-1:] - values[:1]).T / np.float32(max(1, num_samples - 1))
    rows[:, :before] = values[:1].T + rise * np.arange(-before, 0, dtype=np.float32)
    if behind:
        rows[:, -behind:] = values[-1:].T + rise * np.arange(1, behind + 1, dtype=np.float32)
    return rows
