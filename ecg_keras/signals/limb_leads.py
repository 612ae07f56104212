"""Which columns are the limb leads, with which sign and gain: what six leads of one plane show."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ecg_keras.array_types import AnyArray, Float64Array
from ecg_keras.signals.leads import IDENTITIES

# a limb lead's share of an electrode's potential: right arm, left arm, left leg
_ELECTRODES = np.array(
    [(-1, 1, 0), (-1, 0, 1), (0, -1, 1), (1, -0.5, -0.5), (-0.5, 1, -0.5), (-0.5, -0.5, 1)]
)
# the energy that the identities leave unexplained, as a share: rounding leaves below 0.001, a wrong
# lead some 0.1, less only where the heart's vector moves along a line between two leads
_CONSISTENT = 0.01
_EXACT = 0.0005


@dataclass(frozen=True)
class Placement:
    """Lead ``k`` of `LIMB` is ``signs[k]`` times the column ``columns[k]``."""

    columns: tuple[int, ...]
    signs: tuple[int, ...]


IN_PLACE = Placement((0, 1, 2, 3, 4, 5), (1, 1, 1, 1, 1, 1))


def _symmetries() -> dict[str, Placement]:
    """The six orders of the electrodes, with both signs."""
    names = {
        (0, 1, 2): "",
        (1, 0, 2): "the electrodes of the two arms are exchanged",
        (2, 1, 0): "the electrodes of the right arm and the left leg are exchanged",
        (0, 2, 1): "the electrodes of the left arm and the left leg are exchanged",
        (1, 2, 0): "the three limb electrodes are exchanged in a circle",
        (2, 0, 1): "the three limb electrodes are exchanged in a circle, the other way round",
    }
    views = _ELECTRODES / np.linalg.norm(_ELECTRODES, axis=1, keepdims=True)
    found = {}
    for order, name in names.items():
        for sign in (1, -1):
            # how alike each lead and what each column records with exchanged electrodes are
            alike = sign * views @ views[:, order].T
            columns = np.abs(alike).argmax(axis=1)
            signs = np.sign(alike[range(6), columns]).astype(int)
            inverted = "" if sign == 1 else "all limb leads are inverted"
            words = " and ".join(filter(None, (name, inverted)))
            found[words] = Placement(tuple(columns.tolist()), tuple(signs.tolist()))
    return found


# what each symmetry is called; the first is none at all
SYMMETRIES = _symmetries()


def then(first: Placement, second: Placement) -> Placement:
    """``second`` found among leads that ``first`` has put in place."""
    return Placement(
        tuple(first.columns[column] for column in second.columns),
        tuple(
            first.signs[column] * sign
            for column, sign in zip(second.columns, second.signs, strict=True)
        ),
    )


def identity_residual(values: AnyArray, placement: Placement = IN_PLACE) -> float:
    """The share of the limb leads' energy, offsets aside, that the identities do not explain.

    0 where they hold, above 0.03 where a lead is another's."""
    limb = values[:, placement.columns].astype(np.float64) * placement.signs
    limb = limb - limb.mean(axis=0)
    wanted = np.array(list(IDENTITIES.values()))
    left = limb[:, 2:] - limb[:, :2] @ wanted.T
    energy = float(np.square(limb[:, 2:]).sum() + np.square(limb[:, :2] @ wanted.T).sum())
    return float(np.square(left).sum() / energy) if energy > 0 else float("nan")


def find_placement(values: AnyArray) -> Placement | None:
    """The placement of the limb leads among all columns that obeys the identities, if any."""
    # Of the twelve between which these can't decide, the one that leaves most columns where they
    # are
    as_named = identity_residual(values)
    if as_named < _EXACT:
        return IN_PLACE
    centred = values - np.mean(values, axis=0, dtype=np.float64)
    gram = centred.T @ centred
    if np.any(np.diag(gram) <= 0):
        return None
    residual, best = _best_placement(gram)
    if as_named < _CONSISTENT and residual > as_named / 4:
        return IN_PLACE
    if residual > _CONSISTENT:
        return None
    alike = [then(best, symmetry) for symmetry in SYMMETRIES.values()]
    return max(alike, key=_closeness)


def _best_placement(gram: Float64Array) -> tuple[float, Placement]:
    """The least share of energy that the identities leave, and the placement that leaves it."""
    # Each ordered pair of columns, with both signs, is tried as leads I and II; each other lead
    # then is the column that is nearest to what the pair predicts
    pairs = np.array(list(itertools.permutations(range(len(gram)), 2)) * 2)
    one, two = pairs.T
    sign = np.repeat([1, -1], len(pairs) // 2)
    columns, signs = [one, two], [np.ones(len(pairs), dtype=int), sign]
    left, energy = np.zeros(len(pairs)), np.zeros(len(pairs))
    row = np.arange(len(pairs))
    for a, b in IDENTITIES.values():
        second = b * sign
        predicted = (
            a * a * gram[one, one] + b * b * gram[two, two] + 2 * a * second * gram[one, two]
        )
        cross = a * gram[one] + second[:, None] * gram[two]
        residual = predicted[:, None] + np.diag(gram) - 2 * np.abs(cross)
        for taken in columns:
            residual[row, taken] = np.inf
        nearest = np.argmin(residual, axis=1)
        left += residual[row, nearest]
        energy += predicted + gram[nearest, nearest]
        columns.append(nearest)
        signs.append(np.where(cross[row, nearest] < 0, -1, 1))
    best = int(np.argmin(left / energy))
    placement = Placement(
        tuple(int(column[best]) for column in columns), tuple(int(one[best]) for one in signs)
    )
    return float(left[best] / energy[best]), placement


def _closeness(placement: Placement) -> tuple[int, int, int]:
    """How much of a placement is in place: leads and signs, then signs, then leads."""
    there = sum(column == lead for lead, column in enumerate(placement.columns))
    return count_kept(placement), placement.signs.count(1), there


def count_kept(placement: Placement) -> int:
    """How many leads are where they are named, and upright."""
    pairs = zip(placement.columns, placement.signs, strict=True)
    return sum(pair == (lead, 1) for lead, pair in enumerate(pairs))


def lead_gains(values: AnyArray) -> Float64Array | None:
    """The gain of each of the six limb leads, their median 1, if some make the identities hold."""
    # The leads are in one plane whatever their gains are, so leads I and II explain the other four,
    # but with other weights than Einthoven's and Goldberger's
    centred = values - np.mean(values, axis=0, dtype=np.float64)
    pair = centred[:, :2]
    weights, *_ = np.linalg.lstsq(pair, centred[:, 2:], rcond=None)
    left = np.square(centred[:, 2:] - pair @ weights).sum(axis=0)
    if np.any(left > _CONSISTENT * np.square(centred[:, 2:]).sum(axis=0)) or np.any(weights == 0):
        return None
    # gain of II divided by that of I, of which each lead gives an estimate; then of the others
    wanted = np.array(list(IDENTITIES.values())).T
    ratios = (wanted[1] / wanted[0]) * (weights[0] / weights[1])
    if np.any(ratios <= 0) or ratios.max() > 1.05 * ratios.min():
        return None
    gains = np.concatenate([[1.0, np.median(ratios)], weights[0] / wanted[0]])
    return np.asarray(gains / np.median(gains)) if np.all(gains > 0) else None
