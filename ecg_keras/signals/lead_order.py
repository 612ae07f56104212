"""Which lead is which, where no identity can tell: decided by the hearts of many people.

Each question is put to every recording, and an answer other than "as named" needs most of them and
a clear sum. Directions are those of the adults of PTB-XL and hold for any adults: the P wave comes
from the sinus node at the upper right, and lead V6 looks from where it is taped.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.signals.heart_vectors import HeartVectors
from ecg_keras.signals.limb_leads import SYMMETRIES, Placement, then

Floats = npt.NDArray[np.float64]

# of each vector: mean direction in degrees, concentration of a von Mises distribution around it,
# and the share of recordings in which it may point anywhere
_DIRECTIONS = {
    "p": (50.0, 3.0, 0.2),
    "t": (44.0, 2.5, 0.2),
    "qrs": (38.0, 1.2, 0.2),
    "last": (35.0, 8.0, 0.06),
    "first": (-145.0, 0.8, 0.2),
}
_NORMS = {name: float(np.i0(one[1])) for name, one in _DIRECTIONS.items()}
# what one recording may say at most, and what all must say together, as logarithms of the
# likelihood ratio: odds of exp(8), some 3000 to 1; to prefer one repair to another, exp(4), where
# each lead that stays in place is worth exp(2)
_MOST, _ENOUGH, _CLEAR, _IN_PLACE = 4.0, 8.0, 4.0, 2.0
_MOST_RECORDS = 0.6
# and how well the answer must fit for these to be hearts: databases of adults reach 2.7 to 4.1
_FITS = 1.0
# what an order of the chest leads must gain in the sum of correlations of neighbours, and in how
# many recordings: V1 and V2 differ in many hearts, so half of them are not enough
_NEIGHBOURS, _SHARE, _LEAST_RECORDS = 0.01, 0.8, 8
# and what the sum of the five must be, which is some 4, for this to be a row of electrodes at all
_ALIKE = 2.5


@dataclass(frozen=True)
class Exchange:
    """An exchange of electrodes or signs that the identities do not see.

    Attributes:
        words: what it is called; empty where only the chest leads run backwards.
        placement: of the limb leads.
        chest_sign: 1 or -1.
        backwards: whether the chest leads run from V6 to V1.
        records: how many recordings speak for it; 0 where it is none.
        sure: whether no other exchange explains the recordings nearly as well.
    """

    words: str
    placement: Placement
    chest_sign: int
    backwards: bool
    records: int
    sure: bool


@dataclass(frozen=True)
class ChestOrder:
    """Another row of the chest leads, or an inverted one; which end is V1 is not told.

    Attributes:
        columns: the column, counted from 0, of each lead of the row.
        signs: 1 or -1 for each.
        records: how many recordings speak for it.
    """

    columns: tuple[int, ...]
    signs: tuple[int, ...]
    records: int


def find_exchange(vectors: Sequence[HeartVectors], placement: Placement) -> Exchange:
    """The exchange of limb electrodes, of signs or of the ends of the chest under which hearts fit.

    Args:
        vectors: of each recording, with the limb leads in a placement that obeys the identities,
            and the chest leads in a row; none where hearts tell nothing.
        placement: that placement.

    Returns:
        What most recordings ask for; no exchange where they are as placed, or do not tell.
    """
    whole = bool(vectors) and vectors[0].chest.shape[1] == 6
    choices = [
        (words, sign, backwards)
        for backwards in ((False, True) if whole else (False,))
        for words in SYMMETRIES
        for sign in (1, -1)
    ]
    table = np.stack([_likelihoods(vectors, *choice) for choice in choices], axis=1)
    total = table.sum(axis=0)
    best = int(np.argmax(total))
    gains = (table[:, best] - table[:, 0]).clip(-_MOST, _MOST)
    records = int(np.sum(gains > 0))
    clear = gains.sum() > _ENOUGH and records >= _MOST_RECORDS * len(vectors)
    if not clear or total[best] < _FITS * len(vectors):
        best, records = 0, 0
    kept = [
        _kept(then(placement, SYMMETRIES[words]), sign, backwards)
        for words, sign, backwards in choices
    ]
    credible = total + _IN_PLACE * np.array(kept)
    sure = bool(credible[best] - np.delete(credible, best).max() > _CLEAR)
    words, sign, backwards = choices[best]
    found = SYMMETRIES[words]
    if sign == -1:
        both = words == "all limb leads are inverted"
        chest = "all chest leads are inverted"
        words = "all leads are inverted" if both else " and ".join(filter(None, (words, chest)))
    return Exchange(words, found, sign, backwards, records, sure)


def find_chest_order(vectors: Sequence[HeartVectors]) -> ChestOrder | None:
    """The row of the chest leads in which neighbours are alike.

    The electrodes lie in a row, so each lead looks like those beside it. That tells the row but for
    its direction, and but for a sign that all have in common.

    Args:
        vectors: of each recording, with six chest leads.

    Returns:
        What most recordings ask for, or ``None`` where they are in a row, do not tell, or are
        fewer than eight.
    """
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


def _kept(placement: Placement, chest_sign: int, backwards: bool) -> int:
    """How many leads stand where they are named, upright; the six chest leads count as three."""
    kept = sum(
        column == lead and sign == 1
        for lead, (column, sign) in enumerate(zip(placement.columns, placement.signs, strict=True))
    )
    return kept + 3 * (chest_sign == 1 and not backwards)


def _likelihoods(
    vectors: Sequence[HeartVectors], words: str, chest_sign: int, backwards: bool
) -> Floats:
    """Logarithm of the likelihood of each recording's directions under an exchange."""
    total = np.zeros(len(vectors))
    ends = {"first": "last", "last": "first"} if backwards else {}
    # with V6 alone, it is the first and the last of the chest leads
    alone = np.array([one.chest.shape[1] < 6 for one in vectors], dtype=bool)
    for name, (mean, concentration, anywhere) in _DIRECTIONS.items():
        seen = np.array([getattr(one, ends.get(name, name)) for one in vectors]).reshape(-1, 2)
        if name in ("first", "last"):
            seen = seen * chest_sign
        x, y = _TURNS[words] @ seen.T
        angle = np.arctan2(y, x) - np.radians(mean)
        near = np.exp(concentration * np.cos(angle)) / _NORMS[name]
        told = np.isfinite(x + y) & ~(alone & (name == "first"))
        total += np.where(told, np.log(anywhere + (1 - anywhere) * near), 0.0)
    return total


def _turns() -> dict[str, Floats]:
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


def _neighbours(alike: Floats, order: Sequence[int], signs: Sequence[int]) -> Floats:
    """The sum of the correlations of neighbours in an order, for each recording."""
    total = np.zeros(len(alike))
    for place in range(5):
        sign = signs[place] * signs[place + 1]
        total += sign * alike[:, order[place], order[place + 1]]
    return total
