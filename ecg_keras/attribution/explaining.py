"""`explain`: which parts of an ECG an answer rests on, for any backbone and Keras model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from ecg_keras import models
from ecg_keras.array_types import Float32Array, Float64Array
from ecg_keras.attribution.grad_cam import class_activation, feature_map
from ecg_keras.attribution.gradients import GRADIENT, along_line, line
from ecg_keras.attribution.parts import NetworkParts, take_apart
from ecg_keras.errors import ConfigError, DataError, look_up
from ecg_keras.prediction import TrainedNetwork, open_trained
from ecg_keras.text import plural

if TYPE_CHECKING:
    from ecg_keras.keras_library import keras

Label = str | int
Labels = Label | Sequence[Label] | npt.NDArray[np.integer[Any]] | None


@dataclass(frozen=True)
class Method:
    """A way to attribute an answer to an ECG.

    Attributes:
        title: of a figure.
        signed: whether it also says what speaks against the label.
    """

    title: str
    signed: bool


METHODS: Mapping[str, Method] = {
    "integrated_gradients": Method("integrated gradients", True),
    "grad_cam": Method("Grad-CAM", False),
    "gradient_input": Method("gradient × input", True),
}
BASELINES = ("isoelectric", "zero")


@dataclass(frozen=True, eq=False)
class Attributions:
    """What was found of some ECGs.

    Attributes:
        values: float32 ``(records, num_samples, num_leads)``, in units of the output; of Grad-CAM
            ``(records, num_samples)``, 0 or more, for all leads together.
        labels: the label that is explained, for each record.
        outputs: float32 ``(records,)``, what the network says of it: the logit, or its output where
            it ends in neither sigmoid nor softmax.
        flat_outputs: the same of the flat ECG that integrated gradients begin with; else NaN.
        method: a name of `METHODS`.
        layer: of Grad-CAM, the layer whose feature map it is.
        step: of Grad-CAM, how many samples a step of that map has: it is no finer.
    """

    values: Float32Array
    labels: tuple[str, ...]
    outputs: Float32Array
    flat_outputs: Float32Array
    method: str
    layer: str = ""
    step: float = 1.0

    @property
    def residuals(self) -> Float64Array:
        """How far attributions are from adding up to the change of the output, as a share of it.

        ``(records,)``; 0 for integrated gradients that are exact (the axiom of completeness,
        Sundararajan et al. 2017, section 3). NaN for Grad-CAM, which promises no such sum.
        """
        if not METHODS[self.method].signed:
            return np.full(len(self.values), np.nan)
        change = self.outputs.astype(np.float64) - self.flat_outputs
        total = self.values.sum(axis=(1, 2), dtype=np.float64)
        shares: Float64Array = np.abs(total - change) / np.maximum(np.abs(change), 1e-6)
        return shares

    def smoothed(self, sampling_rate: float, seconds: float = 0.08) -> Float32Array:
        """Their mean around each sample over about the length of a QRS, for a picture.

        Those of neighbouring samples alternate, as gradients do; their sums are what can be seen.

        Args:
            sampling_rate: of the signals, in Hz.
            seconds: over which they are averaged; less than a sample changes nothing.

        Returns:
            float32, of the shape of ``values``.
        """
        width = 2 * round(seconds * sampling_rate / 2) + 1
        mean = uniform_filter1d(self.values, width, axis=1, mode="constant")
        return np.asarray(mean, np.float32)


def explain(
    model: keras.Model | TrainedNetwork | str | Path,
    signals: npt.ArrayLike,
    *,
    label: Labels = None,
    labels: Sequence[str] | None = None,
    method: str = "integrated_gradients",
    baseline: str = "isoelectric",
    steps: int = 64,
    batch_size: int = 32,
) -> Attributions:
    """Says which parts of ECGs a network's answer rests on.

    Attributions say what the network looks at. They don't say that it is right, or why.

    Args:
        model: any Keras model from ``(batch, num_samples, num_leads)`` to ``(batch, num_labels)``;
            or a run folder, a ``.keras`` file beside its ``dataset.json``, or what `open_trained`
            returns. Layers that scale or filter belong to it.
        signals: ``(records, num_samples, num_leads)`` in millivolts, or one record without the
            first axis.
        label: which output is explained, by name or number, or one for each record; by default the
            one that the network says most of.
        labels: names of the outputs of a Keras model, which does not say them.
        method: ``"integrated_gradients"``, ``"grad_cam"`` or ``"gradient_input"``.
        baseline: what integrated gradients begin with: ``"isoelectric"``, a flat line at each
            lead's median, which is where the heart is silent for most of the time; or ``"zero"``.
        steps: points of the integral, at least 1.
        batch_size: ECGs at once, at least 1; changes speed and memory.

    Returns:
        The attributions, in the order of the records.

    Raises:
        ConfigError: an argument is wrong, or the network has no layer for Grad-CAM.
        DataError: the network can't be opened, signals do not fit it or are not finite, or its
            gradient is not.

    Source:
        Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks" (ICML 2017), equation
        1; Selvaraju et al., "Grad-CAM" (ICCV 2017), equations 1 and 2.

    Example:
        >>> model = classifier(find_backbone("fcn_wang")(num_samples=100), ["MI", "NORM"])
        >>> found = explain(model, np.zeros((2, 100, 12)), label="MI", labels=["MI", "NORM"])
        >>> found.values.shape, found.labels
        ((2, 100, 12), ('MI', 'MI'))
    """
    values = np.asarray(signals)
    return explainer(
        model, labels=labels, method=method, baseline=baseline, steps=steps, batch_size=batch_size
    )(values[None] if values.ndim == 2 else values, label)


def explainer(
    model: keras.Model | TrainedNetwork | str | Path,
    *,
    labels: Sequence[str] | None = None,
    method: str = "integrated_gradients",
    baseline: str = "isoelectric",
    steps: int = 64,
    batch_size: int = 32,
) -> Callable[[npt.ArrayLike, Labels], Attributions]:
    """`explain` for many calls: the network is prepared once, with the first signals.

    Returns:
        A function of signals ``(records, num_samples, num_leads)`` of one length, and a label or
        one for each of them, or None.

    Example:
        >>> model = classifier(find_backbone("fcn_wang")(num_samples=100), ["MI", "NORM"])
        >>> ask = explainer(model, labels=["MI", "NORM"], method="grad_cam")
        >>> [ask(np.ones((1, 100, 12)), "MI").values.shape for batch in range(2)]
        [(1, 100), (1, 100)]
    """
    look_up("method", method, METHODS)
    look_up("baseline", baseline, dict.fromkeys(BASELINES))
    for name, number in (("steps", steps), ("batch_size", batch_size)):
        if number < 1:
            raise ConfigError(f"{name} must be at least 1. Received: {number}.")
    network, names = _open(model, labels)
    prepared: dict[tuple[int, ...], Any] = {}

    def ask(signals: npt.ArrayLike, label: Labels = None) -> Attributions:
        given = _check_signals(signals, network)
        if given.shape[1:] not in prepared:
            prepared.clear()
            parts = take_apart(network)
            prepared[given.shape[1:]] = parts, _attribute(parts, method, steps, given, batch_size)
        parts, attribute = prepared[given.shape[1:]]
        flat = np.zeros_like(given)
        if baseline == "isoelectric":
            flat += np.median(given, axis=1, keepdims=True)
        named, columns = _find_columns(label, names, parts, given, batch_size)
        found: Attributions = attribute(given, flat, columns)
        if not np.isfinite(found.values).all():
            raise DataError(
                "the gradient of the network is not finite: it overflows, or its weights are "
                "damaged."
            )
        return replace(found, labels=tuple(named[column] for column in columns))

    return ask


def _attribute(
    parts: NetworkParts, method: str, steps: int, like: Float32Array, batch_size: int
) -> Callable[..., Attributions]:
    """A function of ECGs, flat ones and columns, prepared for ECGs of this length."""
    samples, leads = like.shape[1:]
    if METHODS[method].signed:
        compute = along_line(parts, samples, leads, batch_size)
        where = GRADIENT if method == "gradient_input" else line(steps)

        def integrate(given: Float32Array, flat: Float32Array, columns: Any) -> Attributions:
            values, outputs, flat_outputs = compute(given, flat, columns, where)
            return Attributions(values, (), outputs, flat_outputs, method)

        return integrate

    found = feature_map(parts, samples)
    activate = class_activation(parts, found, samples, leads)

    def activation(given: Float32Array, flat: Float32Array, columns: Any) -> Attributions:
        starts = range(0, len(given), batch_size)
        batches = [slice(start, start + batch_size) for start in starts]
        pairs = [activate(given[batch], columns[batch]) for batch in batches]
        values, outputs = (np.concatenate(part) for part in zip(*pairs, strict=True))
        nothing = np.full(len(given), np.nan, np.float32)
        step = samples / found.steps
        return Attributions(values, (), outputs, nothing, method, found.layer, step)

    return activation


def _open(
    model: keras.Model | TrainedNetwork | str | Path, labels: Sequence[str] | None
) -> tuple[keras.Model, tuple[str, ...]]:
    """The Keras model and the names of its outputs, where they are known."""
    if isinstance(model, str | Path):
        model = open_trained(model, labels=labels)
    if not isinstance(model, TrainedNetwork):
        return model, tuple(labels or ())
    if model.model is None:
        raise ConfigError(
            f"{model.place}: an exported SavedModel has no gradients. Name the run or .keras file."
        )
    return model.model, model.labels


def _check_signals(signals: npt.ArrayLike, network: keras.Model) -> Float32Array:
    given = np.asarray(signals, np.float32)
    takes = getattr(network, "input_shape", None) or (None, None, None)
    if isinstance(takes, list):  # of several inputs, which `take_apart` refuses
        return given
    if (
        given.ndim != 3
        or not given.size
        or any(
            wanted not in (None, size)
            for wanted, size in zip(takes[1:], given.shape[1:], strict=True)
        )
    ):
        raise DataError(
            "signals to explain must have the shape (records, num_samples, num_leads) = (any, "
            f"{takes[1] or 'any'}, {takes[2] or 'any'}). Received: {given.shape}."
        )
    if not np.isfinite(given).all():
        raise DataError("signals to explain must be finite. Received: NaN or infinite samples.")
    return given


def _find_columns(
    label: Labels, names: tuple[str, ...], parts: NetworkParts, given: Float32Array, batch_size: int
) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """The names of all outputs, and for each record which one is explained."""
    outputs = None
    if label is None or not hasattr(parts.whole, "output_shape"):
        forward = models.as_graph(parts.whole, *given.shape[1:])
        starts = range(0, len(given), batch_size)
        outputs = np.concatenate([forward(given[one : one + batch_size]) for one in starts])
    count = parts.whole.output_shape[-1] if outputs is None else outputs.shape[-1]
    named = names or tuple(str(number) for number in range(count))
    if len(named) != count:
        raise ConfigError(
            f"the network has {count} outputs, and these labels are named: {', '.join(named)}. "
            "Give as many labels."
        )
    if label is None and outputs is not None:
        return named, outputs.argmax(axis=-1).astype(np.int32)
    wanted: list[Any] = [label] * len(given)
    if isinstance(label, Sequence | np.ndarray) and not isinstance(label, str):
        wanted = list(label)
    if len(wanted) != len(given):
        raise ConfigError(
            f"label must be one name or number, or one for each of {plural(len(given), 'record')}. "
            f"Received: {len(wanted)}."
        )
    return named, np.array([_column(one, named) for one in wanted], np.int32)


def _column(label: Any, named: tuple[str, ...]) -> int:
    if isinstance(label, str):
        return look_up("label", label, {name: column for column, name in enumerate(named)})
    if not isinstance(label, int | np.integer) or not 0 <= label < len(named):
        raise ConfigError(
            f"the outputs of this network are 0 to {len(named) - 1}. Received: label {label}."
        )
    return int(label)
