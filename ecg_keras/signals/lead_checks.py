"""What is wrong with the leads of a database: their order, their signs, their gains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ecg_keras.array_types import AnyArray, Float64Array
from ecg_keras.signals.beats import TimedBeats
from ecg_keras.signals.lead_order import (
    HeartVectors,
    find_chest_order,
    find_exchange,
    measure_heart_vectors,
)
from ecg_keras.signals.leads import CHEST, LEADS, LIMB
from ecg_keras.signals.limb_leads import (
    IN_PLACE,
    Placement,
    find_placement,
    identity_residual,
    lead_gains,
    then,
)
from ecg_keras.signals.repair import Fault, Repair, figure

# the share of recordings that has to agree on how the limb leads are stored
_MOST = 0.8
# another order in this share of recordings, and in no fewer than three, is a fault, too
_SOME = 0.1
# gains that differ by more than this from recording to recording belong to no lead
_SPREAD = 1.1
# hearts it takes to say that leads are exchanged, and they must be half of the sample
_LEAST_HEARTS = 3
# recordings it takes to undo exchanges and to move chest leads for the user, rather than to say
# that something is wrong
_ENOUGH_TO_EXCHANGE, _ENOUGH_TO_REORDER = 10, 20


def find_limb_leads(
    recordings: Sequence[AnyArray],
) -> tuple[Fault | None, Placement | None]:
    """How the limb leads, which come first, are stored, as far as the identities show.

    Either a fault of gains, or of orders that are mixed or unknown; or the usual placement."""
    placements = Counter(find_placement(one) for one in recordings)
    number, lost = len(recordings), placements.pop(None, 0)
    if number - lost >= _MOST * number:
        (most, times), *others = placements.most_common()
        if times < _MOST * number or (others and others[0][1] >= max(3, _SOME * number)):
            what = "the limb leads are not stored in the same order in all recordings"
            counts = ", ".join(str(count) for _, count in placements.most_common())
            return Fault(what, f"by the identities: {counts} of {number} recordings", None), None
        return None, most
    found = [gains for one in recordings if (gains := lead_gains(one[:, :6])) is not None]
    if len(found) >= _MOST * number:
        return _gains_differ(np.stack(found), number), None
    left = f"{_share_left(recordings, IN_PLACE):.0%} of the limb leads' energy"
    return Fault(
        "the limb leads do not fit together in any order",
        f"Einthoven's and Goldberger's identities leave {left} unexplained",
        None,
    ), None


def find_lead_names(
    recordings: Sequence[AnyArray],
    timed: Sequence[TimedBeats],
    leads: Sequence[str],
    placement: Placement,
) -> Fault | None:
    """Which lead each column holds, by what hearts look like; ``None`` where nothing is wrong."""
    # Limb leads come first. `timed` are those of the recordings with a clear rhythm, `placement` is
    # that of the identities
    rest = [column for column in range(len(leads)) if column not in placement.columns]
    # all six chest leads can be put in order; of fewer, V6 alone says where the left side is
    names = CHEST if len(rest) == 6 else CHEST[-1:] if leads[-1] == "V6" else ()
    chest = rest[len(rest) - len(names) :]
    signs = (1,) * len(chest)
    evidence = []
    vectors = _vectors(timed, placement, chest, signs)
    order = find_chest_order(vectors)
    if order is not None:
        chest, signs = [chest[place] for place in order.columns], order.signs
        evidence.append(
            f"so each of V1 to V6 resembles its neighbours in {order.records} recordings"
        )
        vectors = _vectors(timed, placement, chest, signs)
    are_enough = len(vectors) >= max(_LEAST_HEARTS, len(recordings) / 2)
    exchange = find_exchange(vectors if are_enough else [], placement)
    if placement != IN_PLACE:
        evidence.append(
            "Einthoven's and Goldberger's identities leave unexplained "
            f"{_share_left(recordings, IN_PLACE):.0%} of the limb leads' energy as named, and "
            f"{_share_left(recordings, placement):.2%} so"
        )
    final = then(placement, exchange.placement)
    signs = tuple(sign * exchange.chest_sign for sign in signs)
    if exchange.backwards:
        chest, signs = chest[::-1], signs[::-1]
    if exchange.records:
        evidence.append(
            "only so do P waves, QRS complexes, T waves and lead V6 point where they should in "
            f"{exchange.records} of {len(vectors)} recordings"
        )
    held = dict(zip(final.columns, zip(LIMB, final.signs, strict=True), strict=True))
    held |= dict(zip(chest, zip(names, signs, strict=True), strict=True))
    moved = {
        leads[column]: lead for column, (lead, _) in sorted(held.items()) if leads[column] != lead
    }
    inverted = [lead for lead in LEADS if (lead, -1) in held.values()]
    if not moved and not inverted:
        return None
    what = _describe_leads(moved, inverted)
    if exchange.words and placement == IN_PLACE and order is None and not exchange.backwards:
        what = exchange.words
    repair = Repair(moved, dict.fromkeys(inverted, -1.0))
    chest_named = order is None and exchange.chest_sign == 1 and not exchange.backwards
    enough = _ENOUGH_TO_EXCHANGE if exchange.records else 0
    sure = exchange.sure and len(vectors) >= (enough if chest_named else _ENOUGH_TO_REORDER)
    return Fault(what, "; ".join(evidence), repair if sure else None)


def _describe_leads(moved: dict[str, str], inverted: Sequence[str]) -> str:
    """Which leads are where, by the names of the columns, and which are upside down."""
    parts = []
    if moved:
        parts.append(f"{', '.join(moved.values())} are in the columns {', '.join(moved)}")
    if inverted:
        names = ", ".join(inverted)
        parts.append(
            f"lead {names} is inverted" if len(inverted) == 1 else f"leads {names} are inverted"
        )
    return "; ".join(parts)


def _vectors(
    recordings: Sequence[TimedBeats],
    placement: Placement,
    chest: Sequence[int],
    signs: Sequence[int],
) -> list[HeartVectors]:
    found = [
        measure_heart_vectors(
            one.values[:, placement.columns[:2]] * placement.signs[:2],
            one.values[:, list(chest)] * np.asarray(signs, dtype=int),
            one.beats,
            one.sampling_rate,
        )
        for one in recordings
    ]
    return [one for one in found if one is not None]


def _share_left(recordings: Sequence[AnyArray], placement: Placement) -> float:
    # of leads that contradict each other more is left than there was
    return min(1.0, float(np.median([identity_residual(one, placement) for one in recordings])))


def _gains_differ(gains: Float64Array, number: int) -> Fault:
    """Either the same gains in all recordings, which can be undone, or others in each."""
    middle = np.median(gains, axis=0)
    low, high = np.quantile(gains / middle, [0.1, 0.9], axis=0)
    if np.max(high / low) > _SPREAD:
        return Fault(
            "each lead of each recording was scaled on its own, so that amplitudes mean nothing",
            f"the limb leads of {len(gains)} of {number} recordings fit together with gains that "
            f"differ by up to {np.median(gains.max(axis=1) / gains.min(axis=1)):.1f} times",
            None,
        )
    wrong = {
        lead: float(gain) for lead, gain in zip(LIMB, middle, strict=True) if abs(gain - 1) > 0.02
    }
    named = ", ".join(f"{lead} {figure(gain)} times" for lead, gain in wrong.items())
    return Fault(
        f"limb leads have gains of their own: {named}",
        f"with them, the identities hold in {len(gains)} of {number} recordings",
        Repair(gains={lead: float(f"{1 / gain:.4g}") for lead, gain in wrong.items()}),
    )
