"""Losses that Keras lacks."""

from __future__ import annotations

from typing import Any

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import Loss, keras, ops


@keras.saving.register_keras_serializable("ecg_keras")
class AsymmetricLoss(Loss):
    """Binary cross-entropy in which labels that are plainly absent hardly count.

    With the probability p, a present label costs ``-(1 - p)^gamma_present log p`` and an absent one
    ``-q^gamma_absent log(1 - q)``, where ``q = max(p - margin, 0)``; with all three at 0 this is
    the cross-entropy. Ridnik et al. 2021, "Asymmetric loss for multi-label classification", arXiv
    2009.14119, equations 4 to 7; the defaults are theirs.

    ``keras.models.load_model`` opens a model that was compiled with it where this class was
    imported before, or with ``compile=False``.

    Args:
        gamma_present: at least 0; how much less a present label counts that is predicted well.
        gamma_absent: the same of absent ones.
        margin: in [0, 1); absent labels with a probability below cost nothing.

    Raises:
        ConfigError: an argument is out of range.

    Example:
        >>> loss = AsymmetricLoss(gamma_present=0, gamma_absent=0, margin=0)
        >>> round(float(loss(np.ones((1, 1)), np.full((1, 1), 0.5))), 4)
        0.6931
    """

    def __init__(
        self,
        gamma_present: float = 0.0,
        gamma_absent: float = 4.0,
        margin: float = 0.05,
        **settings: Any,
    ) -> None:
        super().__init__(**{"name": "asymmetric_loss", **settings})
        if min(gamma_present, gamma_absent, margin) < 0 or margin >= 1:
            raise ConfigError(
                "the asymmetric loss needs gamma_present and gamma_absent of at least 0 and a "
                f"margin in [0, 1). Received: {gamma_present}, {gamma_absent}, {margin}."
            )
        self.gamma_present, self.gamma_absent = gamma_present, gamma_absent
        self.margin = margin

    def call(self, y_true: Any, y_pred: Any) -> Any:
        smallest = keras.config.epsilon()
        present = ops.clip(y_pred, smallest, 1 - smallest)
        absent = ops.clip(y_pred - self.margin, smallest, 1 - smallest)
        y_true = ops.cast(y_true, y_pred.dtype)
        losses = y_true * (1 - present) ** self.gamma_present * ops.log(present)
        losses += (1 - y_true) * absent**self.gamma_absent * ops.log(1 - absent)
        return -ops.mean(losses, axis=-1)

    def get_config(self) -> dict[str, Any]:
        own = ("gamma_present", "gamma_absent", "margin")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
