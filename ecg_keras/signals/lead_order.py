"""Which lead is which, where no identity decides: by the hearts of many people.

Each question is put to every recording, and an answer other than "as named" needs most of them and
a clear sum. Directions are those of the adults of PTB-XL and hold for any adults: the P wave comes
from the sinus node at the upper right, and lead V6 looks from where it is taped. Lead I looks to 0
degrees, aVF to +90 degrees.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg_keras.array_types import AnyArray, Float64Array
from ecg_keras.signals.beats import Beats, mean_beat
from ecg_keras.signals.limb_leads import SYMMETRIES, Placement, count_kept, then

# words for an exchange of limb electrodes, the sign of the chest leads, and whether they run from
# V6 to V1
Choice = tuple[str, int, bool]

# in the largest lead, part of the span of the recording; of 1270 real ECGs each has 0.1 or more
_LEAST_QRS = 0.05


@dataclass(frozen=True, eq=False)
class HeartVectors:
    """The mean beat of one recording, as far as the order of its leads can be read from it.

    Vectors ``(2,)`` are in the frontal plane: to the patient's left, and to the feet."""

    # the mean P wave, QRS complex and T wave
    p: Float64Array
    qrs: Float64Array
    t: Float64Array
    # what the first and the last chest lead follow best during the QRS; NaN where there are none
    first: Float64Array
    last: Float64Array
    # the QRS in the chest leads, (num_samples, num_leads)
    chest: Float64Array


def measure_heart_vectors(
    limb: AnyArray, chest: AnyArray, beats: Beats, sampling_rate: float
) -> HeartVectors | None:
    """`HeartVectors` of leads I and II, and of the chest leads with V6 last, at the true rate.

    ``None`` where fewer than three beats are whole, or what was found as QRS is too small."""
    half = round(0.45 * sampling_rate)
    signals = np.hstack([limb, chest])
    beat = mean_beat(signals, beats, half)
    if beat is None:
        return None

    # between P and QRS the heart is at rest
    beat = beat - np.median(_part(beat, -0.075, -0.05, sampling_rate), axis=0)

    qrs = _part(beat, -0.06, 0.07, sampling_rate)
    if np.ptp(qrs, axis=0).max() < _LEAST_QRS * np.ptp(signals, axis=0).max():
        return None
    followed = np.full((2, 2), np.nan)
    if chest.shape[1]:
        plane, ends = _frontal(qrs), qrs[:, [2, -1]]
        followed, *_ = np.linalg.lstsq(
            plane - plane.mean(axis=0), ends - ends.mean(axis=0), rcond=None
        )
    return HeartVectors(
        p=_frontal(_part(beat, -0.22, -0.085, sampling_rate)).mean(axis=0),
        qrs=_frontal(_part(beat, -0.05, 0.06, sampling_rate)).mean(axis=0),
        t=_frontal(_part(beat, 0.15, 0.40, sampling_rate)).mean(axis=0),
        first=followed[:, 0],
        last=followed[:, 1],
        chest=qrs[:, 2:],
    )


def _part(beat: Float64Array, begin: float, end: float, sampling_rate: float) -> Float64Array:
    """What is between two times around the QRS in seconds."""
    first, last = (len(beat) // 2 + round(edge * sampling_rate) for edge in (begin, end))
    return beat[first : last + 1]


def _frontal(leads: Float64Array) -> Float64Array:
    """Leads I and II as coordinates to the left and to the feet."""
    one, two = leads[:, 0], leads[:, 1]
    return np.stack([one, (2 * two - one) / np.sqrt(3)], axis=1)


# of each vector: mean direction in degrees, concentration of a von Mises distribution around it,
# and the share of recordings in which it may point anywhere
_DIRECTIONS = {
    "p": (50.0, 3.0, 0.2),
    "t": (44.0, 2.5, 0.2),
    "qrs": (38.0, 1.2, 0.2),
    "last": (35.0, 8.0, 0.06),
    "first": (-145.0, 0.8, 0.2),
}
_ENDS = {"first": "last", "last": "first"}
_NORMS = {name: float(np.i0(one[1])) for name, one in _DIRECTIONS.items()}
# what one recording may say at most, and what all must say together, as logarithms of the
# likelihood ratio: odds of exp(8), some 3000 to 1; to prefer one repair to another, exp(4), where
# each lead that stays in place is worth exp(2)
_MOST, _ENOUGH, _CLEAR, _IN_PLACE = 4.0, 8.0, 4.0, 2.0
_MOST_RECORDS = 0.6
# and how well the answer must fit for these to be hearts: databases of adults reach 2.7 to 4.1
_FITS = 1.0
# what one recording must say on its own, where no other can be asked
_ALONE = 4.0
# what an order of the chest leads must gain in the sum of correlations of neighbours, and in how
# many recordings: V1 and V2 differ in many hearts, so half of them are not enough
_NEIGHBOURS, _SHARE, _LEAST_RECORDS = 0.01, 0.8, 8
# and what the sum of the five must be, which is some 4, for this to be a row of electrodes at all
_ALIKE = 2.5


@dataclass(frozen=True)
class Exchange:
    """An exchange of electrodes or signs that the identities do not see."""

    # empty where only the chest leads run backwards
    words: str
    # of the limb leads
    placement: Placement
    chest_sign: int
    # whether the chest leads run from V6 to V1
    backwards: bool
    # how many recordings speak for it; 0 without an exchange
    records: int
    # whether no other exchange explains the recordings nearly as well
    sure: bool


@dataclass(frozen=True)
class ChestOrder:
    """Another row of the chest leads, or one with an inverted lead; either end may be V1."""

    # of each lead of the row
    columns: tuple[int, ...]
    signs: tuple[int, ...]
    # how many recordings speak for it
    records: int


def find_exchange(vectors: Sequence[HeartVectors], placement: Placement) -> Exchange:
    """The exchange of limb electrodes, signs or ends of the chest under which hearts fit."""
    # `vectors` are of limb leads in a placement that obeys the identities, and of chest leads in a
    # row. No exchange where they are as placed, or do not show it
    whole = bool(vectors) and vectors[0].chest.shape[1] == 6
    choices = _list_choices(whole)
    table = _likelihoods(vectors, choices)
    total = table.sum(axis=0)
    best = int(np.argmax(total))
    gains = (table[:, best] - table[:, 0]).clip(-_MOST, _MOST)
    records = int(np.sum(gains > 0))
    clear = gains.sum() > _ENOUGH and records >= _MOST_RECORDS * len(vectors)
    if not clear or total[best] < _FITS * len(vectors):
        best, records = 0, 0
    # the six chest leads count as three
    kept = [
        count_kept(then(placement, SYMMETRIES[words])) + 3 * (sign == 1 and not backwards)
        for words, sign, backwards in choices
    ]
    credible = total + _IN_PLACE * np.array(kept)
    sure = bool(credible[best] - np.delete(credible, best).max() > _CLEAR)
    words, sign, backwards = choices[best]
    found = SYMMETRIES[words]
    return Exchange(_describe(words, sign), found, sign, backwards, records, sure)


def find_exchange_of_one(vectors: HeartVectors) -> str:
    """The exchanged electrodes with which a single heart fits far better; empty without any."""
    # signs are a matter of recorders, and so of many recordings
    single = [words for words in SYMMETRIES if "electr" in words and " and " not in words]
    choices: list[Choice] = [(words, 1, False) for words in ("", *single)]
    if vectors.chest.shape[1] == 6:
        choices.append(("", 1, True))
    (table,) = _likelihoods([vectors], choices)
    best = int(np.argmax(table))
    if table[best] - table[0] <= _ALONE or table[best] < _FITS:
        return ""
    words, _, backwards = choices[best]
    return "the chest leads run from V6 to V1" if backwards else words


def _list_choices(whole: bool) -> list[Choice]:
    """Exchanges of limb electrodes, signs and ends of the chest; the first is none at all."""
    return [
        (words, sign, backwards)
        for backwards in ((False, True) if whole else (False,))
        for words in SYMMETRIES
        for sign in (1, -1)
    ]


def _describe(words: str, chest_sign: int) -> str:
    if chest_sign == 1:
        return words
    both = words == "all limb leads are inverted"
    chest = "all chest leads are inverted"
    return "all leads are inverted" if both else " and ".join(filter(None, (words, chest)))


def find_chest_order(vectors: Sequence[HeartVectors]) -> ChestOrder | None:
    """The row of the chest leads in which neighbours are alike, as electrodes are in a row."""
    # So either direction and a common sign are possible. `None` where most recordings say that
    # nothing is wrong, do not show it, or are fewer than eight
    chests = [one.chest for one in vectors if one.chest.shape[1] == 6]
    # a lead may be alive, but not while its heart beats
    chests = [chest for chest in chests if np.all(np.ptp(chest, axis=0) > 0)]
    if len(chests) < _LEAST_RECORDS:
        return None
    alike = np.stack([np.corrcoef(chest.T) for chest in chests])
    upright, named = (1,) * 6, tuple(range(6))
    choices: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        (one, upright) for one in itertools.permutations(range(6)) if one[0] < one[-1]
    ]
    choices += [(named, tuple(1 - 2 * (one == lead) for one in range(6))) for lead in range(6)]
    sums = np.stack([_neighbours(alike, *choice) for choice in choices])
    gains = sums - _neighbours(alike, named, upright)
    votes = np.sum((gains > _NEIGHBOURS) & (sums > _ALIKE), axis=1)
    needed = max(_SHARE * len(chests), _LEAST_RECORDS)
    gained = np.where(votes >= needed, np.median(gains, axis=1), 0.0)
    best = int(np.argmax(gained))
    return ChestOrder(*choices[best], int(votes[best])) if gained[best] > 0 else None


def _likelihoods(vectors: Sequence[HeartVectors], choices: Sequence[Choice]) -> Float64Array:
    """Logarithm of the likelihood of each recording's directions under each choice of exchange."""
    turns = np.stack([_TURNS[words] for words, _, _ in choices])
    signs = np.array([sign for _, sign, _ in choices])[:, None]
    backwards = np.array([turned for _, _, turned in choices])[:, None]
    total = np.zeros((len(vectors), len(choices)))
    # with V6 alone, it is the first and the last of the chest leads
    alone = np.array([one.chest.shape[1] < 6 for one in vectors], dtype=bool)[:, None]
    seen = {name: _stack(vectors, name) for name in _DIRECTIONS}
    for name, (mean, concentration, anywhere) in _DIRECTIONS.items():
        pointed = seen[name]
        if name in _ENDS:
            pointed = signs * np.where(backwards, seen[_ENDS[name]], pointed)
        x, y = np.moveaxis((turns @ pointed[..., None])[..., 0], -1, 0)
        angle = np.arctan2(y, x) - np.radians(mean)
        near = np.exp(concentration * np.cos(angle)) / _NORMS[name]
        counts = np.isfinite(x + y) & ~(alone & (name == "first"))
        total += np.where(counts, np.log(anywhere + (1 - anywhere) * near), 0.0)
    return total


def _stack(vectors: Sequence[HeartVectors], name: str) -> Float64Array:
    """One vector of each recording, ``(recordings, 1, 2)``."""
    return np.array([getattr(one, name) for one in vectors]).reshape(-1, 1, 2)


def _turns() -> dict[str, Float64Array]:
    """Each symmetry as a matrix on vectors of the frontal plane."""
    angles = np.radians([0, 60, 120, -150, -30, 90])
    length = np.array([1, 1, 1, *[np.sqrt(0.75)] * 3])[:, None]
    views = np.stack([np.cos(angles), np.sin(angles)], axis=1) * length
    return {
        words: np.linalg.lstsq(
            views, views[list(one.columns)] * np.array(one.signs)[:, None], rcond=None
        )[0]
        for words, one in SYMMETRIES.items()
    }


_TURNS = _turns()


def _neighbours(alike: Float64Array, order: Sequence[int], signs: Sequence[int]) -> Float64Array:
    """The sum of the correlations of neighbours in an order, for each recording."""
    total = np.zeros(len(alike))
    for place in range(5):
        sign = signs[place] * signs[place + 1]
        total += sign * alike[:, order[place], order[place + 1]]
    return total
