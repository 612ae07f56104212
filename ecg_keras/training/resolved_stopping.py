"""`StopWhenUnresolved`: training ends where validation can't say any more that it helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras import metrics
from ecg_keras.array_types import AnyArray, Float64Array
from ecg_keras.errors import ConfigError, unknown_name
from ecg_keras.keras_library import CopiedCallback
from ecg_keras.training.validation_pass import Outcome
from ecg_keras.training.validation_scores import ValidationScores, score

# of patients that are left out in turn: enough for a standard error within a tenth
GROUPS = 50
MONITORS = (*metrics.METRICS, "loss")


@dataclass(frozen=True, eq=False)
class Scored:
    """A score of all records, and the score without each group of patients."""

    whole: float
    without: Float64Array

    def gain_over(self, other: Scored) -> tuple[float, float]:
        """How much better it is than another on the same records, and the standard error.

        The delete-a-group jackknife of the paired difference: Efron and Tibshirani, "An
        Introduction to the Bootstrap" (1993), chapter 11.
        """
        gains = self.without - other.without
        groups = len(gains)
        error = np.sqrt((groups - 1) / groups * np.square(gains - gains.mean()).sum())
        return self.whole - other.whole, float(error)


class StopWhenUnresolved(CopiedCallback):
    """Stops when epochs bring no gain that the validation patients can resolve.

    ``EarlyStopping`` takes any gain for one, and ``min_delta`` has to be guessed. Here an epoch is
    better than the best one so far where its score is higher by more than ``errors`` standard
    errors of the difference between the two, on the same patients; otherwise the difference is
    within what other patients would have changed. Slow gains add up, since all are against the same
    best epoch. With few validation patients training ends sooner: nothing shows there any more.

    Args:
        scores: the `ValidationScores` that is before it in the list; its data are in the same order
            in each epoch.
        monitor: name of a score, as in its logs without their prefix, or ``"loss"``.
        patients: whose record each is, in the order of the validation data: records of one patient
            are left out together. None takes each record for a patient.
        patience: epochs in a row without such a gain, after which training ends.
        errors: how many standard errors a gain needs; 1 is the one-standard-error rule.
        restore_best_weights: put the weights of the best epoch back when training ends, as
            ``EarlyStopping`` does: also where epochs run out or another callback stops it. Where
            the optimizer averages the weights, these are the averages that were scored.
        seed: of the division of patients into 50 groups.

    Attributes:
        best_epoch: number of the epoch that no later one is resolved from, from 1.
        gains: of each epoch its gain over the best one before it, and the standard error.

    Raises:
        ConfigError: there is no such score, or ``patience`` is below 1; after the first epoch:
            ``patients`` are not as many as validation records, or only one; after the second: the
            data were in another order.

    Source:
        Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984), section
        3.4.3: the one-standard-error rule.

    Example:
        >>> scores = ValidationScores(valid, labels)
        >>> stop = StopWhenUnresolved(scores, patients=patients, patience=5)
        >>> model.fit(train, epochs=100, callbacks=[scores, stop])
    """

    def __init__(
        self,
        scores: ValidationScores,
        *,
        monitor: str = "macro_auroc",
        patients: Sequence[str] | AnyArray | None = None,
        patience: int = 5,
        errors: float = 1.0,
        restore_best_weights: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if monitor not in MONITORS:
            raise ConfigError(unknown_name("score", monitor, MONITORS))
        if patience < 1:
            raise ConfigError(f"patience must be at least 1. Received: {patience}.")
        self.scores, self.monitor, self.patients = scores, monitor, patients
        self.patience, self.errors, self.seed = patience, errors, seed
        self.restore_best_weights = restore_best_weights
        self.on_train_begin()

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self.best_epoch: int | None = None
        self.gains: list[tuple[float, float]] = []
        self._best: Scored | None = None
        self._targets: AnyArray | None = None
        self._weights: list[Any] | None = None
        self._waited = 0

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        outcome = self.scores.outcome
        if outcome is None:
            raise ConfigError(
                "StopWhenUnresolved takes its scores from a ValidationScores before it in the list."
            )
        self._check_order(outcome)
        groups = divide_patients(self.patients, len(outcome.targets), self.seed)
        scored = score_without(outcome, self.scores.labels, self.monitor, groups)
        gain, error = (np.inf, 0.0) if self._best is None else scored.gain_over(self._best)
        self.gains.append((gain, error))
        if np.isfinite(scored.whole) and gain > self.errors * error:
            self._best, self.best_epoch, self._waited = scored, epoch + 1, 0
            if self.restore_best_weights:
                with self.scores.averages.in_model():  # which are what was scored
                    self._weights = self.model.get_weights()
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.model.stop_training = True

    # not before: at the end of fit, Keras puts the latest averages into the model
    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        if self._weights is not None:
            self.model.set_weights(self._weights)

    def _check_order(self, outcome: Outcome) -> None:
        """Epochs are compared record by record: those of shuffled data would be others."""
        if self._targets is None:
            self._targets = np.array(outcome.targets)
        elif not np.array_equal(self._targets, outcome.targets, equal_nan=True):
            raise ConfigError(
                "StopWhenUnresolved compares the same records in every epoch, and validation data "
                "came in another order than in the first one. Leave out their shuffle."
            )


def divide_patients(
    patients: Sequence[str] | AnyArray | None, records: int, seed: int
) -> npt.NDArray[np.intp]:
    """The group of each record: patients at random, all records of one in the same group."""
    if patients is None:
        people, owners = records, np.arange(records)
    else:
        if len(patients) != records:
            raise ConfigError(
                f"patients must name the patient of each of {records} validation records. "
                f"Received: {len(patients)}."
            )
        names, owners = np.unique(np.asarray(patients), return_inverse=True)
        people = len(names)
    if people < 2:
        raise ConfigError("a standard error needs at least 2 validation patients. Received: 1.")
    drawn = np.random.default_rng(seed).permutation(people) % min(GROUPS, people)
    return np.asarray(drawn[owners])


def score_without(
    outcome: Outcome, labels: Sequence[str], monitor: str, groups: npt.NDArray[np.intp]
) -> Scored:
    """A score of an epoch, more is better, and that without each group."""

    def one(weights: Float64Array) -> float:
        found = score(outcome._replace(weights=weights), labels, per_label=False)[monitor]
        return -found if monitor == "loss" else found

    without = [one(outcome.weights * (groups != group)) for group in range(groups.max() + 1)]
    return Scored(one(outcome.weights), np.array(without))
