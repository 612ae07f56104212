"""Learning curves over the number of training records, and where scratch catches up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import ConfigError
from ecg_keras.evaluation import Arm, Contrast, contrast
from ecg_keras.statistics.crossover import (
    LabelEfficiency,
    find_crossover,
    join,
    label_efficiency,
    weigh,
)
from ecg_keras.statistics.curve_words import (
    find_example,
    is_undefined,
    of_one_seed,
    say_falling,
    say_rising,
    say_unknown,
    say_worth,
)
from ecg_keras.statistics.power_law import PowerLaw, fit_power_law


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores of a mode and of the reference on nested training sets.

    Attributes:
        title: what all its points share, such as ``ptbxl, resnet1d18``.
        way, reference: the two modes, such as ``finetune from georgia`` and ``scratch``.
        sizes: training records of each point.
        scores: of each point, by ``way`` and ``reference``.
        differences: way - reference at each size.
        fits: by ``way`` and ``reference``; ``None`` where no power law can be fitted.
        margin: that counts as equivalent.
        crossover: the size beyond which ``way`` is no longer better by the margin: estimate, low
            and high (infinite where it is beyond the sizes); ``None`` where ``way`` is nowhere
            better by the margin, or patients are too few for the interval of a difference. A low
            end at the smallest size means at or below it.
        says: the same as a sentence, with what would close an open end, and what one seed can't
            show.
        trend: how much the difference changes from the smallest to the largest size, along the
            straight line through all of them in log n.
        worth: the training records at which ``reference`` scores what ``way`` does, of each size of
            ``way``; none where patients are too few for the interval of a difference.
        mode, upstream: of ``way``; the upstream is empty for random first weights.
    """

    title: str
    way: str
    reference: str
    sizes: tuple[float, ...]
    scores: dict[str, tuple[Contrast, ...]]
    differences: tuple[Contrast, ...]
    fits: dict[str, PowerLaw | None]
    margin: float
    crossover: tuple[float, float, float] | None
    says: str
    trend: Contrast | None = None
    worth: tuple[LabelEfficiency, ...] = ()
    mode: str = ""
    upstream: str = ""

    @property
    def is_known(self) -> bool:
        """Whether every difference has an interval."""
        return _is_known(self.differences)

    @property
    def says_worth(self) -> str:
        """What ``way`` is worth in labels, in one sentence; empty where nothing is known."""
        if not self.worth:
            return ""
        return say_worth(self.way, self.reference, self.sizes, self.worth)


def learning_curve(
    title: str,
    way: str,
    reference: str,
    sizes: Sequence[float],
    arms_way: Sequence[Arm],
    arms_reference: Sequence[Arm],
    *,
    mode: str = "",
    upstream: str = "",
    metric: str = "macro_auroc",
    margin: float,
    level: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> LearningCurve:
    r"""How a mode and the reference learn from more records, and where the reference catches up.

    The errors of the points are not independent: all sizes are tested on the same patients, and
    seed i of one size trains on a part of what seed i of the next does. One further contrast, the
    mean over sizes, shows how much they share (`ecg_keras.statistics.crossover.join`); fits and
    crossover are resampled with it. docs/learning-curves.md explains how to read the result.

    Args:
        title, way, reference: names, see `LearningCurve`.
        sizes: ``(sizes,)`` training records, at least two, rising.
        arms_way, arms_reference: of each size, all with the same seeds and test records.
        mode, upstream: of ``way``, see `LearningCurve`.
        metric: a name of `ecg_keras.metrics.METRICS`, or a label: its AUROC.
        margin: differences below it do not matter, above 0.
        level: of the intervals.
        bootstrap: resamples of patients, and draws for fits and crossover.
        seed: of both.

    Raises:
        ConfigError: a setting is out of range, sizes do not rise or do not fit the arms.
        DataError: as `ecg_keras.statistics.contrast`.

    Example:
        >>> from ecg_keras.evaluation import Predictions
        >>> rng = np.random.default_rng(0)
        >>> ids = np.arange(400).astype(str)
        >>> truth = (np.arange(400) < 150).astype(int)[:, None]
        >>> def arm(skill):
        ...     luck = rng.normal(size=(3, 400, 1))
        ...     said = 1 / (1 + np.exp(-skill * truth - luck))
        ...     return Arm(tuple((Predictions(["MI"], ids, ids, truth, one),) for one in said))
        >>> curve = learning_curve(
        ...     "ptbxl", "finetune", "scratch", [100, 400, 1600],
        ...     [arm(skill) for skill in (1.2, 1.6, 2.0)],
        ...     [arm(skill) for skill in (0.4, 1.1, 2.0)], margin=0.02, bootstrap=200,
        ... )
        >>> [round(one.value, 2) for one in curve.differences]
        [0.24, 0.1, -0.01]
        >>> print(curve.says.replace(" at about", "\nat about"))
        scratch catches up with finetune, to within 0.02,
        at about 1,200 training ECGs (95 % interval 620 to 1,500).
    """
    _check(way, reference, sizes, arms_way, arms_reference, margin)
    measure = partial(contrast, metric=metric, level=level, bootstrap=bootstrap, seed=seed)
    drawn: dict[str, Any] = {"level": level, "draws": bootstrap, "seed": seed}
    at, number = np.array(sizes, dtype=np.float64), len(sizes)

    scores, fits = {}, {}
    for name, arms in ((way, arms_way), (reference, arms_reference)):
        scores[name] = tuple(measure([arm], [1.0]) for arm in arms)
        joint = join(scores[name], measure(arms, [1 / number] * number))
        fits[name] = fit_power_law(at, joint, **drawn)

    def weighed(way: Float64Array, other: Float64Array) -> Contrast:
        return weigh(arms_way, arms_reference, way, other, measure)

    def over_sizes(weights: Float64Array) -> Contrast:
        return weighed(weights, -weights)

    differences = tuple(over_sizes(row) for row in np.eye(number))
    distance = np.log(at) - np.log(at).mean()
    trend = over_sizes(distance / (distance @ distance) * (distance[-1] - distance[0]))
    is_known = _is_known(differences)
    if not is_known:  # of one of them, how far off it is
        crossover, says = None, say_unknown(way, reference, sizes, differences)
    elif trend.low > 0:
        crossover = _rising(sizes, differences, margin)
        says = say_rising(way, reference, sizes, differences, trend, margin)
    else:
        joint = join(differences, over_sizes(np.full(number, 1 / number)))
        found = find_crossover(at, joint, margin=margin, **drawn)
        crossover = _falling(sizes, found)
        says = say_falling(way, reference, sizes, differences, found, margin)
    return LearningCurve(
        title=title,
        way=way,
        reference=reference,
        sizes=tuple(map(float, sizes)),
        scores=scores,
        differences=differences,
        fits=fits,
        margin=margin,
        crossover=crossover,
        says=says,
        trend=trend,
        mode=mode,
        upstream=upstream,
        worth=tuple(
            label_efficiency(at, place, weighed, **drawn) for place in range(number) if is_known
        ),
    )


def _is_known(differences: Sequence[Contrast]) -> bool:
    return not any(math.isnan(one.p_value) for one in differences)


def _check(
    way: str,
    reference: str,
    sizes: Sequence[float],
    arms_way: Sequence[Arm],
    arms_reference: Sequence[Arm],
    margin: float,
) -> None:
    if way == reference:
        raise ConfigError(f"a learning curve needs two different modes. Received: {way} twice.")
    if len(sizes) < 2 or sizes[0] <= 0 or not (np.diff(sizes) > 0).all():
        raise ConfigError(
            "sizes must be at least two numbers of training records that rise, above 0. "
            f"Received: {', '.join(f'{size:g}' for size in sizes) or 'none'}."
        )
    if not len(sizes) == len(arms_way) == len(arms_reference):
        raise ConfigError(
            f"there must be an arm of {way} and of {reference} for each of the {len(sizes)} "
            f"sizes. Received: {len(arms_way)} and {len(arms_reference)}."
        )
    if not 0 < margin < math.inf:
        raise ConfigError(f"margin must be above 0, such as 0.02. Received: {margin}.")


def _falling(
    sizes: Sequence[float], found: tuple[float, float, float]
) -> tuple[float, float, float] | None:
    """The crossover as `LearningCurve` keeps it."""
    estimate, low, high = found
    return None if estimate == -math.inf else (estimate, max(low, float(sizes[0])), high)


def _rising(
    sizes: Sequence[float], differences: Sequence[Contrast], margin: float
) -> tuple[float, float, float] | None:
    """The crossover of an advantage that grows with the training data: there is none."""
    if differences[-1].value <= margin:
        return None
    low = math.inf if differences[-1].low > margin else float(sizes[0])
    return math.inf, low, math.inf


def say_worths(curves: Sequence[LearningCurve]) -> tuple[str, ...]:
    """What all learning curves of a study say of it, in one to three sentences; none without any.

    Args:
        curves: of the study.
    """
    known = [one for one in curves if one.worth]
    if not known:
        return ()
    return (f"{_say_worths(known)}{of_one_seed([one.differences for one in known])}",)


def _say_worths(known: Sequence[LearningCurve]) -> str:
    if len(known) == 1:
        return known[0].says_worth
    undefined = sum(is_undefined(one.worth) for one in known)
    shown = [
        find_example(one.worth) or one.worth[0] for one in known if not is_undefined(one.worth)
    ]
    more = sum(one.factor[1] > 1 for one in shown)
    less = sum(one.factor[2] < 1 for one in shown)
    text = (
        f"What a way of training is worth in labels, in {len(known)} learning curves: more than "
        f"its own ECGs in {more}, less in {less}, not shown in {len(shown) - more - less}"
    )
    if undefined:
        text += f", undefined in {undefined}, which do not overlap with the reference's"
    text += "."
    for curve in known:
        if find_example(curve.worth) is not None:
            return f"{text} For example, of {curve.title}: {curve.says_worth}"
    return text
