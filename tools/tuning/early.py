"""Whether candidates could be judged sooner: what early rules choose, by the logs of whole runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# validation scores after each epoch, by candidate: which one is chosen, and epochs trained for it
Rule = Callable[[np.ndarray], tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Grid:
    """The candidates of one run, each trained for all epochs.

    Attributes:
        valid: macro AUROC on the validation split, ``(candidates, epochs)``.
        test: macro AUROC of each after the last epoch, ``(candidates,)``.
    """

    valid: np.ndarray
    test: np.ndarray


def at_end(valid: np.ndarray) -> tuple[int, int]:
    """All candidates are trained to the end."""
    return int(valid[:, -1].argmax()), valid.size


def halving(valid: np.ndarray) -> tuple[int, int]:
    """The worse half stops after a third of the epochs, and again after two thirds."""
    left, spent, begun = np.arange(len(valid)), 0, 0
    epochs = valid.shape[1]
    for end in (epochs // 3, 2 * epochs // 3):
        spent += len(left) * (end - begun)
        best = np.argsort(-valid[left, end - 1], kind="stable")[: max(1, len(left) // 2)]
        left, begun = left[np.sort(best)], end
    spent += len(left) * (epochs - begun)
    return int(left[valid[left, -1].argmax()]), spent


def at_half(valid: np.ndarray) -> tuple[int, int]:
    """All are judged after half of the epochs, and the best one is trained to the end."""
    half = valid.shape[1] // 2
    return int(valid[:, half - 1].argmax()), len(valid) * half + valid.shape[1] - half


RULES: dict[str, Rule] = {
    "all epochs": at_end,
    "the worse half stops at 1/3 and 2/3": halving,
    "judged at half of the epochs": at_half,
}


def describe_rule(rule: Rule, grids: Sequence[Grid]) -> tuple[str, ...]:
    """Of one rule: what it saves, how often it chooses the same, and what that costs on test.

    Returns:
        Share of epochs saved; share of runs with the choice of all epochs; test AUROC of that
        choice less that of the rule (mean with its standard error, largest); and that of the best
        candidate on test less that of the rule.
    """
    saved, same, regrets, lost = [], [], [], []
    for grid in grids:
        chosen, spent = rule(grid.valid)
        full, _ = at_end(grid.valid)
        saved.append(1 - spent / grid.valid.size)
        same.append(chosen == full)
        regrets.append(grid.test[full] - grid.test[chosen])
        lost.append(grid.test.max() - grid.test[chosen])
    error = np.std(regrets) / np.sqrt(max(1, len(regrets) - 1))
    return (
        f"{np.mean(saved):.0%}",
        f"{np.mean(same):.0%}",
        f"{np.mean(regrets):+.4f} ± {error:.4f}",
        f"{np.max(regrets):+.3f}",
        f"{np.mean(lost):.4f}",
    )
