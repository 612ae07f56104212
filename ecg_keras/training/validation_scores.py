"""`ValidationScores`: a callback that scores a model on validation data after every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras import metrics
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import CopiedCallback, keras
from ecg_keras.training.mirrored import average_statistics
from ecg_keras.training.validation_pass import (
    Averages,
    Outcome,
    ValidationPass,
    as_batches,
    choose_output,
)

PROBABILITIES = (keras.activations.sigmoid, keras.activations.softmax)


class ValidationScores(CopiedCallback):
    """Scores the model on validation data after every epoch.

    Adds ``val_loss`` (binary cross-entropy) and each score of `ecg_keras.metrics.METRICS`, such as
    ``val_macro_auroc``, with decisions at threshold 0.5, to the epoch's logs, where the callbacks
    after it in the list, ``History`` and the progress bar find them. A label that has no positive
    or no negative record is left out of the means. Takes the place of ``validation_data`` in
    ``fit``, so that validation is computed once; beside it, ``val_loss`` is that of ``fit``.

    The validation data are read once before training begins, so that what is wrong with them is
    said then. A target of NaN says that it is not known whether a record has a label: the record is
    left out of this label's scores. A record with a weight counts that often in every score, one
    of weight 0 not at all. Logits become probabilities where the compiled loss says ``from_logits``
    and the model does not end in a sigmoid or softmax. Where the optimizer averages the weights
    (``use_ema``), the averages are scored, which ``fit`` leaves in the model at its end, whether
    ``SwapEMAWeights`` stands before this callback, after it, or not in the list.

    Args:
        valid: a dataset of batches of (signal ``(batch, num_samples, num_leads)`` in mV, target
            ``(batch, num_labels)`` of 0, 1 and NaN) or (signal, target, weight ``(batch,)``), in
            any order; or such a tuple of arrays.
        labels: names of the target's columns.
        per_label: also add ``val_auroc_<label>`` for each label.
        model: what to score instead of the model that is fitted, such as one that shares its
            weights and takes whole ECGs while crops are trained on.
        output: name of the output to score, of a model with several.
        from_logits: whether the model gives logits; none asks the compiled loss.
        prefix: what the names in the logs begin with, for a second one with other data.

    Attributes:
        outcome: targets, probabilities and weights of the latest epoch; ``None`` before the first.

    Raises:
        ConfigError: a label name occurs twice, the data are of another kind or repeat for ever;
            when training begins: the model's output or the target has another width or another
            rank, there are several outputs and none is named, the last layer is linear and nothing
            says whether it gives logits, or the model is spread over several machines; after an
            epoch: the logs hold one of the scores already.
        DataError: when training begins: there is no record, a target is soft or not 0, 1 or NaN, a
            weight is negative, or the outputs are not probabilities.

    Example:
        >>> model.fit(train, epochs=5, callbacks=[ValidationScores(valid, labels)])
    """

    def __init__(
        self,
        valid: tf.data.Dataset[Any] | Sequence[Any],
        labels: Sequence[str],
        *,
        per_label: bool = False,
        model: keras.Model | None = None,
        output: str | None = None,
        from_logits: bool | None = None,
        prefix: str = "val_",
    ) -> None:
        super().__init__()
        self.labels = () if isinstance(labels, str) else tuple(labels)
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ConfigError(
                f"labels must be different names, at least one. Received: {labels!r}."
            )
        self.valid = as_batches(valid)
        self.per_label = per_label
        self.output = output
        self.from_logits = from_logits
        self.prefix = prefix
        self.outcome: Outcome | None = None  # of the latest epoch
        self._scored = model
        self._pass: ValidationPass
        self.averages: Averages
        self._wrote_loss = False
        self._fit_validates = False

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        scored = self._scored or self.model
        build(scored, self.valid)
        link = find_link(scored, self.model.loss, self.output, self.from_logits)
        self._pass = ValidationPass(scored, self.valid, self.labels, self.output, link)
        self._pass.check()
        self.averages = Averages(self.model.optimizer)
        self.outcome = None
        self._wrote_loss = self._fit_validates = False

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self.averages.note_step()

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        average_statistics(self.model)
        self._fit_validates = True
        if self._wrote_loss:
            raise ConfigError(
                "val_loss was that of ValidationScores until here, and is now that of fit's "
                "validation_data. Validate in every epoch (validation_freq=1), leave "
                "validation_data out, or give ValidationScores a prefix."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        average_statistics(self.model)  # which the callbacks after this one save
        with self.averages.in_model():
            self.outcome = outcome = self._pass()
        scores = score(outcome, self.labels, per_label=self.per_label)
        scores = {self.prefix + name: value for name, value in scores.items()}
        if self._fit_validates:  # also in an epoch in which it does not
            scores.pop("val_loss", None)
        if taken := sorted(scores.keys() & (logs or {}).keys()):
            raise ConfigError(
                f"the logs hold {taken[0]} already, of a metric or another callback. Name these "
                "scores otherwise with ValidationScores(..., prefix=...)."
            )
        self._wrote_loss = "val_loss" in scores
        if logs is not None:
            logs.update(scores)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._wrote_loss = False


def score(outcome: Outcome, labels: Sequence[str], *, per_label: bool) -> dict[str, float]:
    """The scores of an epoch by name; NaN where predictions are not finite."""
    targets, probabilities, weights = outcome
    known = ~np.isnan(targets)
    binary = np.where(known, targets, 0).astype(np.uint8)
    counts = weights[:, np.newaxis] * known
    finite = bool(np.isfinite(probabilities).all())
    found = [
        metrics.score_labels(binary[:, [k]], probabilities[:, [k]], weights=counts[:, k])
        for k in range(len(labels) * finite)
    ]
    scores = {"loss": metrics.cross_entropy(binary, probabilities, counts)}
    joined = metrics.LabelScores(
        **{
            name: np.array([float(getattr(one, name)[0]) for one in found] or [np.nan])
            for name in metrics.LabelScores.__dataclass_fields__
        }
    )
    scores |= {name: float(metric(joined)) for name, metric in metrics.METRICS.items()}
    if per_label:
        areas = joined.auroc if finite else [np.nan] * len(labels)
        scores |= {f"auroc_{label}": float(area) for label, area in zip(labels, areas, strict=True)}
    return scores


def build(model: keras.Model, batches: tf.data.Dataset[Any]) -> None:
    """Makes the weights of a model that does not know its input's shape before its first call."""
    if not model.built:
        for signal, *_ in batches.take(1):
            model(signal, training=False)


def find_link(model: keras.Model, loss: Any, output: str | None, from_logits: bool | None) -> str:
    """What makes probabilities of a model's outputs: ``"none"``, ``"sigmoid"`` or ``"softmax"``."""
    names = getattr(model, "output_names", ())
    activation = None
    if hasattr(model, "outputs"):  # a model of layers, not one with a call of its own
        last = choose_output(list(model.outputs), output, names, "the model")
        activation = getattr(last._keras_history.operation, "activation", None)
    if activation in PROBABILITIES:
        if from_logits:
            raise ConfigError(
                "from_logits=True, and the model ends in a sigmoid or softmax: its outputs are "
                "probabilities. Leave from_logits out."
            )
        return "none"
    if loss is not None:
        loss = choose_output(loss, output, names, "the loss")
    stated = getattr(loss, "keywords", {}).get("from_logits", getattr(loss, "from_logits", None))
    if from_logits is None and not stated and activation is keras.activations.linear:
        raise ConfigError(
            "the model ends in a linear layer, and its loss does not say from_logits=True. Say "
            "ValidationScores(..., from_logits=True), or False where outputs are probabilities."
        )
    if not (stated if from_logits is None else from_logits):
        return "none"
    loss = getattr(loss, "func", loss)  # of a partial
    name = getattr(loss, "__name__", type(loss).__name__).lower()
    return "softmax" if "categorical" in name else "sigmoid"
