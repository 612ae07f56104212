"""How fast a run learns: time to a quality, and area under the validation curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from ecg_keras.array_types import Float64Array, IntArray
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Estimate, check_settings


@dataclass(frozen=True, eq=False)
class Convergence:
    """The validation curves of an arm's runs.

    Attributes:
        epochs: ``(epochs,)``, from 1.
        steps: ``(epochs,)`` optimizer steps done by the end of each epoch, the mean of the runs.
        seconds: ``(epochs,)`` of training, likewise.
        score: ``(runs, epochs)`` validation score; a run that ended sooner keeps its last one.
        area: mean height of the validation curve over epochs, the mean of the runs.
    """

    epochs: IntArray
    steps: Float64Array
    seconds: Float64Array
    score: Float64Array
    area: float


@dataclass(frozen=True)
class Speed:
    """How soon an arm and its reference reach the same quality on validation.

    Attributes:
        quality: the validation score to reach: a share of the best of the reference's mean curve.
        epochs, steps, seconds: of the arm and of the reference until its mean validation curve
            reaches it, in straight lines from epoch to epoch; ``None`` where it never does.
        ratio: epochs of the arm over epochs of the reference, with its interval over runs;
            ``None`` where either never reaches it.
        area: area under the arm's curve less that under the reference's over the same epochs, with
            its interval over runs.
        seconds_ratio: seconds of the arm over seconds of the reference, as ``ratio``.
    """

    quality: float
    epochs: tuple[float | None, float | None]
    steps: tuple[float | None, float | None]
    seconds: tuple[float | None, float | None]
    ratio: Estimate | None
    area: Estimate
    seconds_ratio: Estimate | None = None


def convergence(
    logs: Sequence[Sequence[Mapping[str, str]]],
    column: str,
    steps_per_epoch: float,
    names: Sequence[str] = (),
) -> Convergence:
    """The validation curves of an arm's runs, side by side.

    A run that stopped sooner than the longest keeps its last score for the epochs that it did not
    need, and costs no more steps and seconds in them.

    Args:
        logs: the rows of each run's ``log.csv`` as `ecg_keras.training.read_log` returns them, in
            the order of seed and fold: `speed` pairs run with run.
        column: of the validation score, higher is better, such as ``"val_macro_auroc"``.
        steps_per_epoch: optimizer steps of one epoch, above 0; a mean where folds differ.
        names: what errors call the logs; ``log 1`` and so on where none are given.

    Raises:
        ConfigError: ``steps_per_epoch`` is not above 0.
        DataError: there is no log, one has no epoch, misses an epoch, or has an epoch without a
            finite score or time.

    Example:
        >>> log = [
        ...     {"epoch": "1", "val_macro_auroc": "0.6", "seconds": "4"},
        ...     {"epoch": "2", "val_macro_auroc": "0.8", "seconds": "2"},
        ... ]
        >>> curves = convergence([log, log[:1]], "val_macro_auroc", 10)
        >>> curves.score.tolist()
        [[0.6, 0.8], [0.6, 0.6]]
        >>> curves.steps.tolist(), curves.seconds.tolist(), round(curves.area, 3)
        ([10.0, 15.0], [4.0, 5.0], 0.65)
    """
    if not (math.isfinite(steps_per_epoch) and steps_per_epoch > 0):
        raise ConfigError(f"steps_per_epoch must be above 0. Received: {steps_per_epoch}.")
    if not logs:
        raise DataError("convergence needs the log of at least one run. Received: none.")
    names = names or [f"log {number}" for number in range(1, len(logs) + 1)]
    runs = [read_curve(rows, column, name) for rows, name in zip(logs, names, strict=True)]
    longest = max(len(scores) for scores, _ in runs)
    done = np.arange(1, longest + 1)
    score = np.array([_extend(scores, longest) for scores, _ in runs])
    return Convergence(
        epochs=done,
        steps=np.mean([np.minimum(done, len(own)) for own, _ in runs], axis=0) * steps_per_epoch,
        seconds=np.mean([_extend(np.cumsum(seconds), longest) for _, seconds in runs], axis=0),
        score=score,
        area=float(score.mean()),
    )


def speed(
    arm: Convergence,
    reference: Convergence,
    *,
    quality: float,
    level: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> Speed:
    """How soon an arm reaches a quality that the reference reaches, and how much higher it runs.

    Time to quality is the benchmark measure of DAWNBench (Coleman et al. 2017) and of MLPerf
    Training (Mattson et al. 2020): the cost until a validation score is reached for the first time.
    Here the score is ``quality`` x the best of the reference's **mean** curve, and a way of
    training has reached it when the mean of its runs has. The best of each single run would not do:
    it is the largest of many noisy values, so it is above what the run reaches on the whole, the
    more so the noisier and the longer its curve. Noise of single epochs averages out over runs
    before the best is taken.

    The interval of the ratio is a bootstrap over runs: runs are drawn with replacement, quality
    and times are found again, and log ratios are given a t interval with the standard error of
    the draws, widened by sqrt(n / (n - 1)), because percentiles of a few runs cover too little
    (Hesterberg 2015). Arms with equally many runs are paired: run i of one is drawn with run i of
    the other. A draw in which the arm never reaches the quality counts as one epoch after its
    last, and where more than (1 - level) / 2 of the draws do not, the ratio has no upper end. The
    area's interval is the t interval of the mean (Welch's where runs are not paired). With one
    run, there is no interval: its ends are NaN.

    Args:
        arm, reference: from `convergence`. Where one has fewer epochs, its curve keeps its last
            score for the area.
        quality: share of the reference's best, above 0 and at most 1.
        level: of the intervals.
        bootstrap: number of draws.
        seed: of the draws.

    Raises:
        ConfigError: a setting is outside its range.

    Example:
        >>> def runs(*scores):
        ...     rows = [
        ...         {"epoch": epoch, "val_macro_auroc": score, "seconds": 2}
        ...         for epoch, score in enumerate(scores, start=1)
        ...     ]
        ...     return convergence([rows, rows], "val_macro_auroc", 5)
        >>> scratch = runs(0.5, 0.6, 0.7, 0.8)
        >>> found = speed(runs(0.5, 0.75, 0.85), scratch, quality=0.9375)
        >>> found.quality, found.epochs, found.steps, found.seconds
        (0.75, (2.0, 3.5), (10.0, 17.5), (4.0, 7.0))
        >>> round(found.ratio.value, 3), round(found.area.value, 4)
        (0.571, 0.0875)
    """
    check_settings(bootstrap, level)
    if not 0 < quality <= 1:
        raise ConfigError(f"quality must be above 0 and at most 1. Received: {quality}.")
    arms = (arm, reference)
    means = [one.score.mean(axis=0)[None] for one in arms]
    target = find_target(means[1], quality)
    when = [float(find_epoch(curve, target)[0]) for curve in means]
    drawn = _draw_times(arm, reference, quality, bootstrap, seed)
    return Speed(
        quality=float(target[0]),
        epochs=_costs(when, arms, "epochs"),
        steps=_costs(when, arms, "steps"),
        seconds=_costs(when, arms, "seconds"),
        ratio=_ratio(when, drawn, arms, "epochs", level),
        area=_area(arm, reference, level),
        seconds_ratio=_ratio(when, drawn, arms, "seconds", level),
    )


def _extend(values: Float64Array, length: int) -> Float64Array:
    return np.append(values, np.full(length - len(values), values[-1]))


def _draw_times(
    arm: Convergence, reference: Convergence, share: float, draws: int, seed: int
) -> tuple[Float64Array, Float64Array]:
    """``(draws,)`` epochs at which the arm and the reference reach the quality."""
    rng = np.random.default_rng(seed)
    counts = [len(arm.score), len(reference.score)]
    own, other = (rng.multinomial(n, np.full(n, 1 / n), size=draws) / n for n in counts)
    if counts[0] == counts[1]:
        other = own
    curves = other @ reference.score
    target = find_target(curves, share)
    return find_epoch(own @ arm.score, target), find_epoch(curves, target)


def _cost(epoch: Float64Array, curves: Convergence, unit: str) -> Float64Array:
    """What training until an epoch costs; one more epoch than there are stands for never."""
    values = np.append(0.0, getattr(curves, unit))
    values = np.append(values, values[-1] * (1 + 1 / len(curves.epochs)))
    return np.asarray(np.interp(epoch, np.arange(len(values)), values))


def _costs(
    when: Sequence[float], arms: Sequence[Convergence], unit: str
) -> tuple[float | None, float | None]:
    first, second = (
        float(_cost(np.array(epoch), curves, unit)) if math.isfinite(epoch) else None
        for epoch, curves in zip(when, arms, strict=True)
    )
    return first, second


def _ratio(
    when: Sequence[float],
    drawn: Sequence[Float64Array],
    arms: Sequence[Convergence],
    unit: str,
    level: float,
) -> Estimate | None:
    first, second = _costs(when, arms, unit)
    if first is None or second is None:
        return None
    value = first / second
    n = min(len(one.score) for one in arms)
    if n < 2:
        return Estimate(value, math.nan, math.nan)
    logs = np.log(_cost(drawn[0], arms[0], unit) / _cost(drawn[1], arms[1], unit))
    spread = float(np.std(logs) * np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + level) / 2))
    never = np.mean(np.isinf(drawn[0])) > (1 - level) / 2
    high = math.inf if never else value * math.exp(spread)
    return Estimate(value, value * math.exp(-spread), high)


def _area(arm: Convergence, reference: Convergence, level: float) -> Estimate:
    longest = max(len(arm.epochs), len(reference.epochs))
    own, other = (
        np.array([_extend(run, longest).mean() for run in one.score]) for one in (arm, reference)
    )
    value = float(own.mean() - other.mean())
    if min(len(own), len(other)) < 2:
        return Estimate(value, math.nan, math.nan)
    if len(own) == len(other):
        error, degrees = float(np.std(own - other, ddof=1) / math.sqrt(len(own))), len(own) - 1.0
    else:
        parts = [float(np.var(areas, ddof=1) / len(areas)) for areas in (own, other)]
        error = math.sqrt(sum(parts))
        below = sum(
            part**2 / (len(areas) - 1) for part, areas in zip(parts, (own, other), strict=True)
        )
        degrees = sum(parts) ** 2 / below if below > 0 else min(len(own), len(other)) - 1.0
    spread = error * float(stdtrit(degrees, (1 + level) / 2))
    return Estimate(value, value - spread, value + spread)


def read_curve(
    rows: Sequence[Mapping[str, str]], column: str, where: str
) -> tuple[Float64Array, Float64Array]:
    """Validation score and seconds of each epoch."""
    if not rows:
        raise DataError(f"{where}: there is no epoch in it. Train the run first.")
    for name in ("epoch", "seconds", column):
        if name not in rows[0]:
            raise DataError(f"{where}: there is no column {name}. There are: {', '.join(rows[0])}.")
    for number, row in enumerate(rows, start=1):
        if str(row["epoch"]) != str(number):
            raise DataError(
                f"{where}: row {number} must be epoch {number}. Received: {row['epoch']}. "
                "Train the run again."
            )
    return _numbers(rows, column, where), _numbers(rows, "seconds", where)


def _numbers(rows: Sequence[Mapping[str, str]], column: str, where: str) -> Float64Array:
    values = np.array([_number(row[column]) for row in rows])
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise DataError(
            f"{where}: {column} of epoch {wrong[0] + 1} must be a finite number. Received: "
            f"{rows[wrong[0]][column]!r}. A score is undefined where no label has both positive "
            "and negative validation records."
        )
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan


def find_target(curves: Float64Array, share: float) -> Float64Array:
    """``(curves,)`` a share of the best of each curve."""
    # rounding must not put the target above the best itself
    best: Float64Array = curves.max(axis=1)
    return np.minimum(share * best, best)


def find_epoch(curves: Float64Array, target: Float64Array) -> Float64Array:
    """``(curves,)`` epoch at which each first reaches its target, infinite where it never does."""
    reached = curves >= target[:, None]
    after = reached.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(curves))
    rise = curves[rows, after] - curves[rows, before]
    part = (target - curves[rows, before]) / np.where(after > 0, rise, 1.0)
    return np.where(reached.any(axis=1), np.where(after > 0, after + part, 1.0), np.inf)
