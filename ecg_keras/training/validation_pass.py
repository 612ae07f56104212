"""Validation data, predicted once: what a model predicts of each record beside its target."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ecg_keras.array_types import AnyArray, Float32Array, Float64Array
from ecg_keras.errors import ConfigError, DataError, listed, shortened
from ecg_keras.keras_library import keras
from ecg_keras.training.mirrored import padded, single_optimizers

# records of arrays that are predicted at once
BATCH = 256
SEVERAL_MACHINES = (
    tf.distribute.MultiWorkerMirroredStrategy,
    tf.distribute.experimental.ParameterServerStrategy,
    tf.distribute.TPUStrategy,
)
LINKS = {"none": tf.identity, "sigmoid": tf.sigmoid, "softmax": tf.nn.softmax}


class Outcome(NamedTuple):
    """What is scored, in the order of one pass."""

    targets: AnyArray
    probabilities: Float32Array
    weights: Float64Array


def as_batches(valid: Any) -> tf.data.Dataset[Any]:
    """Validation data as batches of (signal, target) or (signal, target, weight)."""
    if isinstance(valid, tf.data.Dataset):
        parts = valid.element_spec
        if valid.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ConfigError(
                "validation data must end, and this dataset repeats for ever. Leave out repeat(), "
                "or give take(steps) of it."
            )
    elif isinstance(valid, tuple | list):
        parts = valid = tuple(tf.nest.map_structure(np.asarray, one) for one in valid)
    else:
        raise ConfigError(
            "validation data must be a tf.data.Dataset or arrays, of (signal, target) or (signal, "
            f"target, weight). Received: {type(valid).__name__}."
        )
    if not isinstance(parts, tuple) or len(parts) not in (2, 3):
        raise ConfigError(
            "validation data must be of (signal, target) or (signal, target, weight). Received: "
            f"{f'{len(parts)} parts' if isinstance(parts, tuple) else 'signals without targets'}."
        )
    if isinstance(valid, tf.data.Dataset):
        return valid
    lengths = {len(one) for one in tf.nest.flatten(valid)}
    if len(lengths) > 1:
        raise ConfigError(
            "arrays of validation data must have as many rows each. Received: "
            f"{', '.join(map(str, sorted(lengths)))} rows."
        )
    return tf.data.Dataset.from_tensor_slices(valid).batch(BATCH)


def choose_output(
    values: Any,
    output: str | None,
    names: Sequence[str],
    what: str,
    callback: str = "ValidationScores",
) -> Any:
    """One of several outputs, targets or losses; ``values`` where there are not several."""
    if isinstance(values, Mapping):
        several = dict(values)
    elif isinstance(values, tuple | list):
        if len(names) != len(values):
            names = [str(number) for number in range(len(values))]
        several = dict(zip(names, values, strict=True))
    else:
        return values
    if output is None and len(several) == 1:
        return next(iter(several.values()))
    if output not in several:
        raise ConfigError(
            f"{what} has the outputs {listed(sorted(several))}: name the one to score with "
            f"{callback}(..., output=NAME). Received: {output!r}."
        )
    return several[output]


class ValidationPass:
    """Predicts validation data, on the devices of the model; call it for an `Outcome`."""

    def __init__(
        self,
        model: keras.Model,
        batches: tf.data.Dataset[Any],
        labels: Sequence[str],
        output: str | None,
        link: str,
    ) -> None:
        strategy = model.distribute_strategy
        if isinstance(strategy, SEVERAL_MACHINES):
            raise ConfigError(
                "ValidationScores scores on the devices of one machine. Received: a model under "
                f"{type(strategy).__name__}. Use tf.distribute.MirroredStrategy, or score apart."
            )
        self._model, self._labels, self._output = model, tuple(labels), output
        self._link = LINKS[link]
        self._strategy, self._batches = strategy, batches
        self._parts = padded(batches, strategy.num_replicas_in_sync)
        if strategy.num_replicas_in_sync > 1:
            self._parts = strategy.experimental_distribute_dataset(self._parts)
        self._run = self._on_devices
        shapes = [getattr(one, "shape", None) for one in tf.nest.flatten(batches.element_spec)]
        known = all(shape is not None and shape.rank is not None for shape in shapes)
        if known and not model.run_eagerly:
            # one graph for batches of any size
            self._run = tf.function(
                self._run, input_signature=[self._parts.element_spec], autograph=False
            )

    def check(self) -> None:
        """Looks at all targets and weights, and at what the model makes of the first batch."""
        self._outcome(itertools.islice(self._parts, 1))
        read = [self._read(*one)[1:] for one in self._batches]
        targets, weights = (np.concatenate(one) for one in zip(*read, strict=True))
        check_targets(targets, self._labels)
        _check_weights(weights)

    def __call__(self) -> Outcome:
        """What the model makes of all records now."""
        outcome = self._outcome(self._parts)
        check_targets(outcome.targets, self._labels)
        _check_weights(outcome.weights)
        return outcome

    def _outcome(self, parts: Iterable[Any]) -> Outcome:
        done = [self._run(one) for one in parts]
        if not done:
            raise DataError("validation data have no record. Give a dataset with at least one.")
        own = np.concatenate([one[-1].numpy() for one in done]) == 1
        probabilities, targets, weights = (
            np.concatenate([one[place].numpy() for one in done])[own] for place in range(3)
        )
        _check_probabilities(probabilities)
        return Outcome(targets, probabilities, weights.astype(np.float64))

    def _on_devices(self, part: Any) -> list[tf.Tensor]:
        """Probabilities, targets, weights, and which of them are not padding, of one batch."""
        done = self._strategy.run(self._predict, args=(part,))
        local = [self._strategy.experimental_local_results(one) for one in done]
        return [tf.concat(one, axis=0) for one in local]

    def _predict(self, part: Any) -> tuple[tf.Tensor, ...]:
        batch, own = part
        signal, target, weight = self._read(*batch)
        predicted = self._choose(self._model(signal, training=False), "the model")
        predicted = self._columns(tf.cast(predicted, tf.float32), "the model gives outputs")
        return self._link(predicted), target, weight, own

    def _read(self, signal: Any, target: Any, weight: Any = None) -> tuple[Any, ...]:
        """Signal, target ``(batch, labels)`` and weight ``(batch,)`` of one batch."""
        target = tf.cast(self._choose(target, "the target"), tf.float32)
        target = self._columns(target, "validation targets are")
        if weight is None:
            return signal, target, tf.ones(tf.shape(target)[0])
        weight = tf.cast(self._choose(weight, "the weight"), tf.float32)
        if weight.shape.rank == 2 and weight.shape[1] == 1:
            weight = weight[:, 0]
        if weight.shape.rank != 1:
            raise ConfigError(
                "ValidationScores takes one weight a record, (batch,). Received: weights of shape "
                f"{_shape(weight)}. Where single labels are unknown, write NaN in their targets."
            )
        return signal, target, weight

    def _choose(self, values: Any, what: str) -> Any:
        return choose_output(values, self._output, getattr(self._model, "output_names", ()), what)

    def _columns(self, values: tf.Tensor, what: str) -> tf.Tensor:
        """``(batch, labels)``, of one label also from ``(batch,)``."""
        if values.shape.rank == 1 and len(self._labels) == 1:
            values = values[:, tf.newaxis]
        if values.shape.rank != 2 or values.shape[1] != len(self._labels):
            unbatched = " Are these batches? Use .batch(64)." * (values.shape.rank == 1)
            raise ConfigError(
                f"{what} of shape {_shape(values)}, and ValidationScores has {len(self._labels)} "
                f"labels: {listed(self._labels)}.{unbatched}"
            )
        return values


def _shape(values: tf.Tensor) -> str:
    return f"({', '.join(['batch', *map(str, values.shape[1:])])})"


def check_targets(targets: AnyArray, labels: Sequence[str]) -> None:
    """Raises a `DataError` that names the first target that is neither 0, 1 nor NaN."""
    wrong = np.argwhere(~(np.isnan(targets) | (targets == 0) | (targets == 1)))
    if not len(wrong):
        return
    row, column = wrong[0]
    value = targets[row, column]
    advice = (
        "Soft targets are for training: validate on the labels that they were made of."
        if 0 < value < 1
        else "Write NaN where it is unknown whether a record has a label."
    )
    raise DataError(
        f"validation targets must be 0, 1 or NaN. Received: {value:g} for "
        f"{shortened(labels[column])} in record {row}. {advice}"
    )


def _check_weights(weights: AnyArray) -> None:
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise DataError(
            "validation weights must be finite and at least 0, one of them above 0. Received: "
            f"{np.min(weights):g} to {np.max(weights):g}."
        )


def _check_probabilities(values: AnyArray) -> None:
    found = values[np.isfinite(values)]
    if found.size and (found.min() < 0 or found.max() > 1):
        raise DataError(
            "the model must give probabilities. Received: outputs from "
            f"{found.min():.3g} to {found.max():.3g}. Where they are logits, use "
            "ValidationScores(..., from_logits=True), or a loss with from_logits=True."
        )


# keras.callbacks.SwapEMAWeights exchanges weights and averages in place, and nothing says whether
# it has done so. One weight's value after the latest step does: it is where the model's own weights
# are. The exchange rounds, so the nearer of the two is taken.
class Averages:
    """The averages of a compiled model's optimizer; none where it keeps none."""

    def __init__(self, optimizer: keras.optimizers.Optimizer | None) -> None:
        self._optimizer = optimizer
        self._latest: Any = None

    def note_step(self) -> None:
        """To be called after each step, when the model's own weights are in it."""
        pairs = self._pairs()
        if pairs:
            self._latest = keras.ops.copy(_witness(pairs)[0])

    @contextmanager
    def in_model(self) -> Iterator[None]:
        """The averages are in the model inside, and afterwards what was there before."""
        pairs = self._pairs()
        if not pairs or self._latest is None or self._exchanged(*_witness(pairs)):
            yield
            return
        before = [keras.ops.convert_to_numpy(own) for own, _ in pairs]
        try:
            for own, average in pairs:
                own.assign(keras.ops.convert_to_numpy(average))
            yield
        finally:
            for (own, _), value in zip(pairs, before, strict=True):
                own.assign(value)

    def _exchanged(self, own: Any, average: Any) -> bool:
        latest = keras.ops.convert_to_numpy(self._latest)
        distances = [
            np.abs(keras.ops.convert_to_numpy(one) - latest).sum() for one in (own, average)
        ]
        return bool(distances[1] < distances[0])

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Each trained variable and its average."""
        return [
            (own, average)
            for one in single_optimizers(self._optimizer)
            if getattr(one, "use_ema", False) and one.built
            for own, average in zip(
                one._trainable_variables, one._model_variables_moving_average, strict=True
            )
            if average is not None
        ]


def _witness(pairs: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The last kernel that is trained, which every step changes, and its average."""
    return next((pair for pair in reversed(pairs) if len(pair[0].shape) > 1), pairs[-1])
