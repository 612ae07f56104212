"""Heart beats of an ECG whose sampling rate need not be known: where they are, and how steep."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ecg_keras.array_types import AnyArray, Float64Array, IntArray

# a QRS is looked for at widths of 1, 1.4, 2, 2.8 ... samples; two beats are at least ten widths
# apart, and a recording has at least fifty widths
_STEP = np.sqrt(2.0)
_APART = 10
_LEAST = 50
# peaks that are this part of the highest ones are beats; a quantile says how high those are
_HEIGHT, _HIGHEST = 0.4, 0.99
# below this what was found is not a rhythm; real ECGs reach 0.3 to 0.8
_LEAST_CLARITY = 0.25


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of one recording, in samples."""

    # the steepest part of each QRS, at least four
    peaks: IntArray
    # of a moving mean at which the beats stand out most
    width: int
    # the median distance of two beats
    period: float
    # 0 to 1, how much of the slope is in the beats and how regular they are
    clarity: float


@dataclass(frozen=True, eq=False)
class TimedBeats:
    """A recording ``(num_samples, num_leads)`` with its beats and its true rate in Hz."""

    values: AnyArray
    beats: Beats
    sampling_rate: float


def trim(values: AnyArray) -> AnyArray:
    """The recording without the constant stretches before and behind it, such as zero padding."""
    moving = np.flatnonzero(np.any(np.diff(values, axis=0) != 0, axis=1))
    return values[moving[0] : moving[-1] + 2] if len(moving) else values[:0]


def find_beats(values: AnyArray) -> Beats | None:
    """Finds the beats; ``None`` where there is no clear rhythm of four beats or more."""
    # QRS complexes are the steepest part of an ECG and come again and again. No step needs to know
    # what a second is, so the distance of the beats shows whether a sampling rate can be right
    sums = np.zeros((values.shape[1], len(values) + 1))
    moved = sums[:, 1:]
    np.subtract(values.T, values[:1].T, out=moved)
    np.cumsum(moved, axis=1, out=moved)
    best = None
    for width in _widths(len(values) // _LEAST):
        found = _beats_at(sums, width)
        if found is not None and (best is None or found.clarity > best.clarity):
            best = found
    return best if best is not None and best.clarity >= _LEAST_CLARITY else None


def steep_width(beat: Float64Array, width: int) -> float:
    """The samples in which a QRS does nine tenths of its moving; about 40 ms in most adults.

    ``beat`` has its steepest part in the middle; NaN where nothing moves."""
    energy = np.square(np.gradient(beat, axis=0)).sum(axis=1)
    middle = len(beat) // 2
    near = energy[max(0, middle - 6 * width) : middle + 6 * width + 1] - _median(energy)
    share = np.cumsum(near.clip(0))
    if not share[-1] > 0:
        return float("nan")
    first, last = np.interp([0.05, 0.95], share / share[-1], np.arange(len(share)))
    return float(last - first)


def mean_beat(values: AnyArray, beats: Beats, half: int) -> Float64Array | None:
    """The median over the beats of ``half`` samples before and behind each QRS, moved to zero.

    ``(2 * half + 1, num_leads)``; ``None`` where fewer than three beats are whole."""
    whole = [peak for peak in beats.peaks if half <= peak < len(values) - half]
    if len(whole) < 3:
        return None
    around = np.stack([values[peak - half : peak + half + 1].T for peak in whole])
    around = around - _median(around)[..., None]
    # of a few beats, much faster than NumPy's median
    ordered = np.sort(around, axis=0)
    low, high = ordered[(len(whole) - 1) // 2], ordered[len(whole) // 2]
    return np.asarray((low.astype(np.float64) + high).T / 2)


@functools.lru_cache(maxsize=8)
def _widths(largest: int) -> tuple[int, ...]:
    exact = _STEP ** np.arange(max(1, 2 * largest.bit_length()))
    widths = np.unique(np.rint(exact).astype(int))
    return tuple(widths[widths <= largest].tolist())


def _beats_at(sums: Float64Array, width: int) -> Beats | None:
    # wide windows need not be moved by single samples
    stride = max(1, width // 4)
    stop = sums.shape[1] - 2 * width
    first, second, third = (sums[:, lag : lag + stop : stride] for lag in (0, width, 2 * width))
    change = -2 * second
    change += third
    change += first
    slope = np.sqrt(np.einsum("ij,ij->j", change, change))
    span = 2 * width // stride
    smooth = uniform_filter1d(slope, span, mode="constant")
    # NumPy's quantile takes several times as long
    rank = _HIGHEST * (len(smooth) - 1)
    low = int(rank)
    ordered = np.partition(smooth, (low, low + 1))
    top = ordered[low] + (rank - low) * (ordered[low + 1] - ordered[low])
    if not top > 0:
        return None
    peaks = _find_peaks(smooth, _HEIGHT * top, _APART * width // stride)
    if len(peaks) < 4:
        return None
    distances = np.diff(peaks)
    period = float(_median(distances))
    regular = np.count_nonzero(np.abs(distances / period - 1) < 0.2) / len(distances)
    above = np.maximum(smooth - _median(ordered), 0)
    near = 3 * width // stride
    marks = np.zeros(len(above), dtype=bool)
    marks[peaks] = True
    inside = maximum_filter1d(marks, 2 * near + 1)
    gathered = above[inside].sum() / above.sum() - np.count_nonzero(inside) / len(inside)
    return Beats(peaks * stride + width, width, period * stride, float(gathered * regular))


def _find_peaks(values: Float64Array, least: float, apart: int) -> IntArray:
    """Where a value is the highest of all that are nearer than ``apart``, the ends left out.

    SciPy's `find_peaks` does nearly the same, but half a second goes into importing it."""
    highest = maximum_filter1d(values, 2 * apart - 1)
    peaks = np.flatnonzero((values == highest) & (values >= least))
    peaks = peaks[(peaks > 0) & (peaks < len(values) - 1)]
    # of a flat top, the first
    return peaks[np.diff(peaks, prepend=-apart) >= apart]


def _median(values: AnyArray) -> AnyArray:
    """NumPy's median over the last axis, in a fraction of its time where there are no NaN."""
    low, high = (values.shape[-1] - 1) // 2, values.shape[-1] // 2
    ordered = np.partition(values, (low, high), axis=-1)
    return np.asarray((ordered[..., low] + ordered[..., high]) / 2)
