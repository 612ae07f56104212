"""A signature of what an ECG shows, by which copies of a recording are found.

Databases publish recordings again at another rate, gain or resolution."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.signals.leads import check_shape

SIGNATURE_SIZE = 64
# of what `signature` makes of a recording: another number where some recordings get another one.
# 1 counted padding as a part of the recording
SIGNATURE_RULE = 2
# signatures with an absolute cosine of this or more are of the same recording. Copies of real ECGs
# have 0.997 and more; other patients' have less than 0.77, and less than 0.93 where one of the two
# is shifted in time until it fits best (docs/data.md)
SAME_SIGNATURE = 0.97

SECONDS = 10.0
# a shorter stretch has too few beats to differ from that of another patient
SHORTEST = 2.0
# at both ends, where resampled copies differ, the signal fades in and out
FADE = 0.5
# constant stretches of this many seconds before and behind a recording are padding. Recordings of
# PTB-XL begin with up to 0.03 s of held samples and end with up to 0.12 s
PADDED_BEFORE, PADDED_BEHIND = 0.1, 0.15
BLOCKS_PER_SECOND = 50
# below it filters of the baseline would matter, above it the few milliseconds of delay that filters
# and resampling leave
BAND_HZ = (2.0, 8.0)
# of the random functions: another one makes signatures that can't be compared with older ones
SEED = 2_001
# the independent leads. Each chest lead but V1 counts as its difference from the one before: what
# neighbours have in common is alike in all patients
INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
CHEST = INDEPENDENT[2:]


def signature(values: AnyArray, leads: Sequence[str], sampling_rate: float) -> bytes:
    """What distinguishes a recording from all others, and is the same for its copies.

    The first ten seconds are projected on 64 fixed random functions of time and lead, from 2 to 8
    Hz. So neither baseline, gain, sampling rate, resolution nor a few other samples matter, and a
    copy upside down differs in sign alone. A recording and its first ten seconds have the same
    signature, as have copies of which one has only the dependent leads less (III, aVR, aVL, aVF).
    Padding counts for nothing: 0.1 s or more before a recording, or 0.15 s behind it, in which no
    lead moves. A part that begins later does not match, nor do leads under the names of others.

    Args:
        values: ``(num_samples, num_leads)``, the whole recording from its first sample, in any
            unit. A lead that is not finite there counts as absent.
        leads: names of the columns, spelled as in `LEADS`.
        sampling_rate: in Hz.

    Returns:
        64 int8, whose direction alone counts; 64 zeros, which match nothing, where the recording
        is shorter than two seconds, flat, or has none of the leads I, II and V1 to V6.

    Raises:
        DataError: the names do not fit the columns.

    Source:
        Random projections keep angles (Johnson and Lindenstrauss 1984); Gaussian functions of time
        with random signs of the leads are the cheaper kind of Sun et al., Tensor random projection
        (2018).

    Example:
        >>> from ecg_keras.signals import LEADS
        >>> time = np.arange(5000)[:, None] / 500
        >>> ecg = np.sin(time * np.arange(10, 22) + 3 * np.sin(time * np.arange(12)))
        >>> one = signature(ecg, LEADS, 500)
        >>> copy = signature(np.round(200 * ecg[::2]), LEADS, 250)
        >>> a, b = (np.frombuffer(name, np.int8).astype(float) for name in (one, copy))
        >>> bool(a @ b / np.linalg.norm(a) / np.linalg.norm(b) > SAME_SIGNATURE)
        True
    """
    check_shape(values, leads, least=0)
    width = max(1, round(sampling_rate / BLOCKS_PER_SECOND))
    values = values[_count_held(values, PADDED_BEFORE * sampling_rate) :]
    values = values[: round(SECONDS * sampling_rate)]
    kept = len(values) - _count_held(values[::-1], PADDED_BEHIND * sampling_rate)
    if kept < SHORTEST * sampling_rate:
        return bytes(SIGNATURE_SIZE)
    blocks = kept // width
    functions, mean, fade = _functions(float(sampling_rate), width, blocks)
    columns, signs = _signs(tuple(leads))
    rows = np.ascontiguousarray(values[: blocks * width].T[columns], dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        means = (rows.reshape(-1, width) @ mean).reshape(len(columns), blocks)
        centre = means @ fade
    usable = np.isfinite(centre)
    if not usable.all():
        means = np.where(usable[:, None], means, np.float32(0))
        centre = np.where(usable, centre, np.float32(0))
    means -= centre[:, None]
    projected = np.einsum("kl,kl->k", functions @ means.T, signs)
    largest = float(np.max(np.abs(projected)))
    if largest <= 1e-4 * float(np.max(np.abs(centre), initial=0)):  # rounding of a flat line
        return bytes(SIGNATURE_SIZE)
    return bytes(np.rint(projected * (127 / largest)).astype(np.int8))


def _count_held(values: AnyArray, least: float) -> int:
    """How many samples at the beginning are alike in all leads; 0 if fewer than ``least``."""
    for part in (values[: math.ceil(least)], values):  # of nearly all recordings the first will do
        missing = np.isnan(part)
        moved = ((part != part[:1]) & ~(missing & missing[:1])).any(axis=1)
        if moved.any():
            held = int(np.argmax(moved))
            return held if held >= least else 0
    return len(values)


@functools.lru_cache(maxsize=16)
def _functions(
    sampling_rate: float, width: int, blocks: int
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """The functions at the middle of each block, weights of a block's mean and of all means.

    Sampled in the middle of the blocks, they are the same functions at any sampling rate."""
    random = np.random.RandomState(SEED)  # the same numbers in every version of NumPy
    frequencies = np.arange(BAND_HZ[0] * SECONDS, BAND_HZ[1] * SECONDS + 1) / SECONDS
    parts = random.standard_normal((2, SIGNATURE_SIZE, len(frequencies)))
    time = (np.arange(blocks) * width + (width - 1) / 2) / sampling_rate
    angle = 2 * np.pi * frequencies[:, None] * time
    edge = np.minimum(time, blocks * width / sampling_rate - time) / FADE
    fade = 0.5 - 0.5 * np.cos(np.pi * np.clip(edge, 0, 1))
    waves = (parts[0] @ np.cos(angle) + parts[1] @ np.sin(angle)) * fade
    mean = np.full(width, 1 / width, np.float32)
    return waves.astype(np.float32), mean, (fade / fade.sum()).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _signs(leads: tuple[str, ...]) -> tuple[npt.NDArray[np.intp], Float32Array]:
    """The columns of the independent leads, and what each counts for in each number."""
    random = np.random.RandomState(SEED + 1)
    signs = dict(
        zip(
            INDEPENDENT, random.choice([-1.0, 1.0], (len(INDEPENDENT), SIGNATURE_SIZE)), strict=True
        )
    )
    for lead, following in itertools.pairwise(CHEST):
        signs[lead] = signs[lead] - signs[following]
    columns = [column for column, lead in enumerate(leads) if lead in signs]
    used = [signs[leads[column]] for column in columns]
    return (
        np.array(columns, dtype=np.intp),
        np.array(used, dtype=np.float32).reshape(len(columns), SIGNATURE_SIZE).T,
    )
