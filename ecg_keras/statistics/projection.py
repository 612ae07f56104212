"""How many more seeds or test records would settle a comparison, if its difference stays."""

from __future__ import annotations

from collections.abc import Callable

from ecg_keras.statistics.contrast import Contrast
from ecg_keras.statistics.variance import Parts, beyond_margin, two_sided

# numbers beyond these count as "no number"
MOST_SEEDS = 10_000
MOST_TIMES = 10_000


def more_seeds(contrast: Contrast, margin: float, different: float, equal: float) -> int | None:
    """The fewest further seeds with which a test would decide; ``None`` where no number would.

    The patients stay, so their part of the variance is a floor. One seed says nothing of how seeds
    vary: ``None``.

    Args:
        contrast: an inconclusive difference.
        margin: of equivalence.
        different, equal: what the p-values of no difference and of a difference of the margin or
            more must fall below, corrected for other comparisons.
    """
    if contrast.seeds == 1:
        return None

    def decides(seeds: int) -> bool:
        parts = contrast.parts.project(seeds, 1.0)
        return _decides(contrast.value, parts, margin, different, equal)

    found = _fewest(decides, contrast.seeds + 1, MOST_SEEDS)
    return None if found is None else found - contrast.seeds


def more_records(contrast: Contrast, margin: float, different: float, equal: float) -> int | None:
    """The fewest further test records with which a test would decide; ``None`` where no number.

    The seeds stay, so their part of the variance is a floor. The further records are taken to be
    like those there are: as many a patient, each label as common. Arguments as `more_seeds`.
    """

    def decides(records: int) -> bool:
        parts = contrast.parts.project(contrast.seeds, records / contrast.records)
        return _decides(contrast.value, parts, margin, different, equal)

    found = _fewest(decides, contrast.records + 1, contrast.records * MOST_TIMES)
    return None if found is None else found - contrast.records


def more_of_both(
    contrast: Contrast, margin: float, different: float, equal: float
) -> tuple[int, int] | None:
    """The fewest further seeds and test records, in the proportion there is, that together would.

    ``None`` where no number would and with one seed. Arguments as `more_seeds`.
    """
    if contrast.seeds == 1:
        return None

    def decides(seeds: int) -> bool:
        parts = contrast.parts.project(seeds, seeds / contrast.seeds)
        return _decides(contrast.value, parts, margin, different, equal)

    found = _fewest(decides, contrast.seeds + 1, MOST_SEEDS)
    if found is None:
        return None
    return found - contrast.seeds, -(-found * contrast.records // contrast.seeds) - contrast.records


def _decides(value: float, parts: Parts, margin: float, different: float, equal: float) -> bool:
    return two_sided(value, parts) < different or beyond_margin(value, parts, margin) < equal


def _fewest(decides: Callable[[int], bool], least: int, most: int) -> int | None:
    """The smallest number that decides, if those above it do too; ``None`` if ``most`` does not."""
    if not decides(most):
        return None
    low, high = least - 1, most  # low does not decide, high does
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high
