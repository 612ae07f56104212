"""`Calibration`: how a model's probabilities are calibrated, fitted on its validation split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ecg_keras.errors import DataError, look_up
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import fit_platt, fit_temperature, recalibrate

METHODS = {"none": None, "temperature": fit_temperature, "platt": fit_platt}


@dataclass(frozen=True)
class Calibration:
    """A probability p of a label becomes sigmoid(slope x logit(p) + intercept).

    Attributes:
        method: ``"none"``, ``"temperature"`` (one slope for all labels) or ``"platt"``.
        slopes: of each label, above 0; 1 changes nothing. Temperature is 1 / slope.
        intercepts: of each label; 0 changes nothing.
        unfitted: labels that stay as they were, because no map could be fitted.
    """

    method: str
    slopes: Mapping[str, float]
    intercepts: Mapping[str, float]
    unfitted: tuple[str, ...]

    def apply(self, predictions: Predictions) -> Predictions:
        """The same predictions with calibrated probabilities; themselves where nothing changes.

        Raises:
            DataError: they have other labels.
        """
        if predictions.labels != tuple(self.slopes):
            raise DataError(
                "predictions to calibrate must have the labels that it was fitted for, "
                f"{', '.join(self.slopes)}. Received: {', '.join(predictions.labels)}."
            )
        slopes, intercepts = list(self.slopes.values()), list(self.intercepts.values())
        if self.method == "none":
            return predictions
        calibrated = recalibrate(predictions.probabilities, slopes, intercepts)
        return replace(predictions, probabilities=calibrated.astype(np.float32))

    @property
    def sentence(self) -> str:
        """What was done to the probabilities."""
        if self.method == "none":
            return "Probabilities are the network's own, without calibration."
        fitted = [label for label in self.slopes if label not in self.unfitted]
        if not fitted:
            how = "no map could be fitted on the validation split: they are the network's own"
        elif self.method == "temperature":
            how = f"one temperature for all labels, {1 / self.slopes[fitted[0]]:.3g}"
        else:
            how = "a slope and an intercept for each label"
        kept = ", ".join(self.unfitted) if fitted else ""
        return f"Probabilities are calibrated on the validation split: {how}." + (
            f" As the network gave them, because no map could be fitted: {kept}." if kept else ""
        )


def calibrate(valid: Predictions, method: str) -> Calibration:
    """Fits a calibration.

    Args:
        valid: predictions of the validation split.
        method: ``"none"``, ``"temperature"`` (`ecg_keras.metrics.fit_temperature`) or ``"platt"``
            (`ecg_keras.metrics.fit_platt`).

    Raises:
        ConfigError: there is no such method.

    Example:
        >>> ids, targets = ["a", "b", "c", "d"], [[0], [0], [1], [1]]
        >>> valid = Predictions(["MI"], ids, ids, targets, [[0.01], [0.99], [0.99], [0.99]])
        >>> calibrate(valid, "temperature").apply(valid).probabilities[3].round(2)
        array([0.75], dtype=float32)
    """
    fit = look_up("calibration", method, METHODS)
    labels = valid.labels
    if fit is None:
        return Calibration(method, dict.fromkeys(labels, 1.0), dict.fromkeys(labels, 0.0), ())
    found = fit(valid.targets, valid.probabilities)
    return Calibration(
        method=method,
        slopes=dict(zip(labels, found.slopes.tolist(), strict=True)),
        intercepts=dict(zip(labels, found.intercepts.tolist(), strict=True)),
        unfitted=tuple(np.array(labels)[~found.fitted].tolist()),
    )
