"""The whole network: scaling, backbone, head; and the same for signals of another length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ecg_keras.array_types import AnyArray
from ecg_keras.config import Preprocessing
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import check_keras, keras, layers
from ecg_keras.models.building import dense, head_of, seed_of
from ecg_keras.models.depthwise import refuse_wide_depthwise
from ecg_keras.models.freezing import HEAD, PREPROCESS, single_layers, stage_of
from ecg_keras.models.preprocessing import FILTER_LAYERS, preprocess
from ecg_keras.models.scaling import scale

READING = "convert_to_tensor"


def classifier(
    backbone: keras.Model,
    labels: Sequence[str],
    *,
    scaling: str = "none",
    mean: Sequence[float] | AnyArray | None = None,
    std: Sequence[float] | AnyArray | None = None,
    dropout: float = 0.0,
    seed: int = 0,
    preprocessing: Preprocessing | None = None,
    leads: Sequence[str] = (),
    sampling_rate: float = 0.0,
) -> keras.Model:
    """A multi-label classifier: scaling layers, the backbone's layers, a sigmoid head.

    The model is flat: its layers are the backbone's own layer objects, so its weights are the
    backbone's weights, and ``get_layer(name).output`` is a tensor of this model, of which further
    models can be made. It needs nothing but Keras to be saved and loaded. Models made of parts of
    the backbone before are to be saved before.

    Args:
        backbone: functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an
            embedding ``(batch, size)``.
        labels: names of the outputs, in column order; at least one, no two equal.
        scaling: ``"none"`` keeps millivolts; ``"standardise"`` subtracts each lead's ``mean`` and
            divides by its ``std`` (layer ``preprocess_standardise``); ``"minmax"`` maps each lead
            of each ECG to [-1, 1], a constant lead to 0 (layer ``preprocess_minmax``), as
            published. The last loses the voltages that hypertrophy is read from.
        mean: in millivolts, one per lead; only for ``"standardise"``.
        std: in millivolts, one per lead, at least 0; only for ``"standardise"``. A lead with 0,
            which never changed where it was measured, is centred and left in millivolts.
        dropout: share of the embedding that is set to zero while training, in [0, 1).
        seed: of the head's first weights and of dropout.
        preprocessing: what is done to the signal before ``scaling``, see `preprocess`.
        leads: with ``preprocessing``, the names of the signal's columns; the backbone takes those
            of ``preprocessing.leads``, if it names any.
        sampling_rate: with ``preprocessing``, of the signal, in Hz.

    Returns:
        Functional model from ``signal`` in millivolts to float32 probabilities
        ``(batch, len(labels))``, the output of the layer ``head``, float32 in mixed precision too.

    Raises:
        ConfigError: an argument does not fit, Keras is set to other numbers than float32, or
            the backbone has a depthwise convolution that is too wide for a CPU; nothing was built.

    Example:
        >>> model = classifier(find_backbone("lstm")(num_samples=100), ["NORM", "MI"])
        >>> model.output_shape
        (None, 2)
    """
    check_keras()
    _check(backbone, labels, dropout)
    num_samples, num_leads = backbone.input_shape[1:]
    signal = keras.Input((num_samples, len(leads) or num_leads), name="signal", dtype="float32")
    x = signal
    if preprocessing is not None:
        x = preprocess(signal, preprocessing, leads=leads, sampling_rate=sampling_rate)
    x = _adopt(backbone, scale(x, scaling, mean, std))
    if dropout:
        x = layers.Dropout(dropout, seed=seed_of(seed, "head_dropout"), name="head_dropout")(x)
    probabilities = dense(x, len(labels), "head", seed, activation="sigmoid", dtype="float32")
    return keras.Model(signal, probabilities, name=backbone.name)


def _check(backbone: keras.Model, labels: Sequence[str], dropout: float) -> None:
    if isinstance(labels, str) or not labels or len(set(labels)) != len(labels):
        raise ConfigError(
            f"labels must be a list of different names, at least one. Received: {labels!r}."
        )
    if not 0 <= dropout < 1:
        raise ConfigError(f"dropout must be at least 0 and below 1. Received: {dropout}.")
    shapes = (backbone.input_shape, backbone.output_shape)
    sizes = [
        len(shape) if isinstance(shape, tuple) and None not in shape[1:] else 0 for shape in shapes
    ]
    if sizes != [3, 2]:
        raise ConfigError(
            "a backbone has one input (batch, num_samples, num_leads) and one output "
            f"(batch, size). Received: {backbone.name} with input {shapes[0]} and output "
            f"{shapes[1]}. Pool or flatten its time steps."
        )
    turned = [
        layer.name
        for layer in backbone.layers
        if getattr(layer, "data_format", None) == "channels_first"
    ]
    if turned:
        raise ConfigError(
            f"backbone {backbone.name}: the layer {turned[0]} is channels_first, and signals are "
            "(samples, leads). Give it data_format='channels_last': without, a layer is what "
            "image_data_format in keras.json says."
        )
    if any(stage_of(layer) == HEAD for layer in backbone.layers):
        raise ConfigError(
            f"backbone {backbone.name} already has a layer whose name begins with 'head'. Give "
            "the backbone without its last layer."
        )
    frozen = [one for one in single_layers(backbone) if stage_of(one) == PREPROCESS]
    if trained := [one.name for one in frozen if one.trainable_weights]:
        raise ConfigError(
            f"backbone {backbone.name}: the layer {trained[0]} has weights to train, and layers "
            "whose names begin with 'preprocess' never train. Call it stem_..., or as the stage "
            "that it trains with."
        )
    refuse_wide_depthwise(backbone)


def run_flat(model: keras.Model, signal: keras.KerasTensor) -> keras.KerasTensor:
    """What a model makes of a signal, layer by layer, so that a model of it is flat."""
    # Keras reads the signal by one more operation, and names of those in a file may be taken
    taken = {operation.name for operation in model.operations}
    while f"{READING}_{keras.backend.get_uid(READING)}" in taken:
        pass
    return model.call(signal)


# Keras gives a layer a node for each graph that it is in, and `layer.output` is of the first
def _adopt(backbone: keras.Model, signal: keras.KerasTensor) -> keras.KerasTensor:
    """`run_flat`, after which the first node of each layer of a new backbone is in this graph."""
    layers_ = [one for one in backbone.operations if not isinstance(one, layers.InputLayer)]
    if any(len(one._inbound_nodes) != 1 for one in layers_):  # it is in another graph already
        return run_flat(backbone, signal)
    earlier = {one: one._inbound_nodes[0] for one in layers_}
    for one in layers_:
        one._inbound_nodes.clear()
    try:
        return run_flat(backbone, signal)
    finally:
        for one, node in earlier.items():
            for tensor in node.outputs:
                place = tensor._keras_history._replace(node_index=len(one._inbound_nodes))
                tensor._keras_history = place
            one._inbound_nodes.append(node)
        # by which Keras saves it
        backbone._nodes = keras.Model(backbone.inputs, backbone.outputs)._nodes


def with_length(model: keras.Model, num_samples: int) -> keras.Model:
    """A model for signals of another length that shares every layer and weight with this one.

    A network that pools over time is trained on short crops and asked about whole ECGs.

    Args:
        model: such as what `classifier` returns, with input ``(batch, samples, num_leads)``.
        num_samples: of the new input.

    Returns:
        A functional model; training either one trains both.

    Raises:
        ConfigError: the network's head has a weight for every time step, the network filters
            whole ECGs, or its layers need more samples.

    Example:
        >>> whole = classifier(find_backbone("resnet1d18")(num_samples=1000), ["MI"])
        >>> with_length(whole, 250).input_shape
        (None, 250, 12)
    """
    filters = [one.name for one in model.layers if one.name.startswith(FILTER_LAYERS)]
    if filters and num_samples != model.input_shape[1]:
        raise ConfigError(
            f"{model.name} has filters of whole ECGs ({filters[0]}) and takes {num_samples} "
            f"samples only where it is built for them, not for {model.input_shape[1]}: train on "
            "whole ECGs, with augment.crop: null."
        )
    signal = keras.Input((num_samples, model.input_shape[-1]), name="signal", dtype="float32")
    try:
        output = run_flat(model, signal)
    except ValueError as error:
        if head_of(model) in ("pooled", "mean_max", "attention"):
            raise ConfigError(
                f"{model.name} can't take {num_samples} samples instead of "
                f"{model.input_shape[1]}: one of its layers takes no signal of that length. Use a "
                "longer one."
            ) from error
        raise ConfigError(
            f"{model.name} with this head has a weight for every time step and can't take "
            f"{num_samples} samples instead of {model.input_shape[1]}. Use `head: pooled`, "
            "`mean_max` or `attention`."
        ) from error
    return keras.Model(signal, output, name=model.name)


def as_graph(model: keras.Model, num_samples: int, num_leads: int) -> Callable[[Any], Any]:
    """The model as one graph for batches of any size, so that the last batch traces nothing new.

    Args:
        model: one input ``(batch, num_samples, num_leads)``.
        num_samples, num_leads: of the signals, which the model may leave open.

    Returns:
        A function of float32 ``(batch, num_samples, num_leads)`` that returns the model's output.

    Example:
        >>> graph = as_graph(classifier(find_backbone("lstm")(num_samples=100), ["MI"]), 100, 12)
        >>> graph(np.zeros((2, 100, 12), np.float32)).shape
        TensorShape([2, 1])
    """
    import tensorflow as tf

    signals = tf.TensorSpec((None, num_samples, num_leads), tf.float32)
    # The traced graph itself: TensorFlow warns of "retracing" when many models are predicted.
    run: Callable[[Any], Any] = tf.function(
        lambda signal: model(signal, training=False)
    ).get_concrete_function(signals)
    return run


def cut_head(model: keras.Model, num_samples: int | None = None) -> Callable[[Any], list[Any]]:
    """A graph from signals to what goes into the head, and what comes out of it.

    Args:
        model: with a layer ``head``, such as what `classifier` returns.
        num_samples: of the signals, where they are longer or shorter than the model's.

    Returns:
        A function of float32 ``(batch, num_samples, num_leads)`` that returns two float32 tensors,
        the embeddings ``(batch, size)`` and the head's outputs ``(batch, num_labels)``. Of a head
        that begins with a convolution, the embedding is the mean over time of what goes into it.

    Raises:
        ConfigError: the network takes no signals of that length, see `with_length`.

    Example:
        >>> graph = cut_head(classifier(find_backbone("lstm")(num_samples=100), ["MI"]))
        >>> [part.shape for part in graph(np.zeros((2, 100, 12), np.float32))]
        [TensorShape([2, 10000]), TensorShape([2, 1])]
    """
    import tensorflow as tf

    first = next(layer for layer in model.layers if stage_of(layer) == HEAD)
    cut = keras.Model(model.input, [first.input, model.get_layer(HEAD).output], name=model.name)
    if num_samples not in (None, model.input_shape[1]):
        cut = with_length(cut, num_samples)

    def forward(signal: tf.Tensor) -> list[tf.Tensor]:
        embedding, output = (tf.cast(part, tf.float32) for part in cut(signal, training=False))
        return [tf.reduce_mean(embedding, axis=1) if first.input.ndim == 3 else embedding, output]

    signals = tf.TensorSpec((None, *cut.input_shape[1:]), tf.float32)
    graph: Callable[[Any], list[Any]] = tf.function(forward).get_concrete_function(signals)
    return graph
