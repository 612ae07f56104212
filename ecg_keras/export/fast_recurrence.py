"""LSTMs and GRUs with a fraction of the operations that Keras' loop has for each time step.

An LSTM becomes one kernel, `BlockLSTMV2`, which every TensorFlow has; its gates are in the order of
Keras. A GRU whose reset gate acts behind the product has none: its loop is unrolled by ten steps.
Only a graph for TensorFlow takes them: other formats have kernels of their own for Keras' loops.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ecg_keras.keras_library import keras, layers

# more makes the graph larger and not faster
_UNROLLED = 10


def with_fast_recurrence(model: keras.Model) -> keras.Model:
    """The same network in inference; layers that stay are the model's own objects, as all weights.

    A layer of other activations than Keras' default ones, or one that keeps or returns its state,
    is given one, or leaves out steps by a mask, stays as it is.
    """
    fast = {id(layer): _Fast(layer) for layer in model.layers if _is_replaced(layer)}
    if not fast:
        return model

    def call(layer: keras.Layer, *given: Any, **options: Any) -> Any:
        others = {name for name, value in options.items() if value is not None}
        if id(layer) not in fast or len(given) > 1 or others - {"training"}:
            return layer(*given, **options)
        return fast[id(layer)](given[0])

    return keras.models.clone_model(
        model,
        input_tensors=keras.Input(batch_shape=model.inputs[0].shape, name=model.inputs[0].name),
        clone_function=lambda layer: layer,
        call_function=call,
    )


def _is_replaced(layer: keras.Layer) -> bool:
    if isinstance(layer, layers.Bidirectional):
        both = layer.forward_layer, layer.backward_layer
        return layer.merge_mode == "concat" and all(map(_is_replaced, both))
    return (
        (type(layer) is layers.LSTM or (type(layer) is layers.GRU and layer.reset_after))
        and layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
        and layer.use_bias
        and not (layer.stateful or layer.return_state)
    )


class _Fast(layers.Layer):  # type: ignore[misc]
    """What a recurrent layer, or two in both directions, give in inference."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__(name=f"{layer.name}_fast")
        self.layer = layer

    def compute_output_shape(self, shape: Any) -> Any:
        return self.layer.compute_output_shape(shape)

    def call(self, signal: Any) -> Any:
        if not isinstance(self.layer, layers.Bidirectional):
            return _run(self.layer, signal)
        backward = _run(self.layer.backward_layer, signal)
        if self.layer.return_sequences:  # in the order of its own steps
            backward = tf.reverse(backward, [1])
        return tf.concat([_run(self.layer.forward_layer, signal), backward], axis=-1)


def _run(layer: keras.Layer, signal: tf.Tensor) -> tf.Tensor:
    by_time = tf.transpose(signal, (1, 0, 2))
    if layer.go_backwards:
        by_time = tf.reverse(by_time, [0])
    cell = layer.cell
    weights = [tf.convert_to_tensor(one) for one in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    outputs = (_lstm if type(layer) is layers.LSTM else _gru)(by_time, *weights)
    return tf.transpose(outputs, (1, 0, 2)) if layer.return_sequences else outputs[-1]


def _lstm(
    by_time: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    units = recurrent.shape[0]
    nothing, peephole = tf.zeros((tf.shape(by_time)[1], units)), tf.zeros(units)
    return tf.raw_ops.BlockLSTMV2(
        seq_len_max=tf.shape(by_time, out_type=tf.int64)[0],
        x=by_time,
        cs_prev=nothing,
        h_prev=nothing,
        w=tf.concat([kernel, recurrent], axis=0),
        wci=peephole,
        wcf=peephole,
        wco=peephole,
        b=bias,
    ).h


def _gru(by_time: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    steps, units = by_time.shape[0], recurrent.shape[0]
    # the inputs of all steps at once; of the second bias, that of the new state is inside the gate
    inside = tf.concat([tf.zeros(2 * units), bias[1, 2 * units :]], axis=0)
    given = tf.tensordot(by_time, kernel, 1) + (bias[0] + bias[1] - inside)
    of_gates, of_state = given[..., : 2 * units], given[..., 2 * units :]

    def step(state: tf.Tensor, gates: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
        product = tf.nn.bias_add(state @ recurrent, inside)
        for_gates, for_new = tf.split(product, [2 * units, units], axis=1)
        update, reset = tf.split(tf.sigmoid(gates + for_gates), 2, axis=1)
        changed = tf.tanh(new + reset * for_new)
        return changed + update * (state - changed)

    def run(state: tf.Tensor, first: tf.Tensor | int, count: int) -> list[tf.Tensor]:
        """The states of ``count`` steps from one on."""
        states = []
        pieces = (tf.unstack(some[first : first + count], count) for some in (of_gates, of_state))
        for gates, new in zip(*pieces, strict=True):
            state = step(state, gates, new)
            states.append(state)
        return states

    def body(turn: tf.Tensor, state: tf.Tensor, found: Any) -> tuple[tf.Tensor, tf.Tensor, Any]:
        states = run(state, turn * _UNROLLED, _UNROLLED)
        return turn + 1, states[-1], found.write(turn, tf.stack(states))

    turns, rest = divmod(steps, _UNROLLED)
    state = tf.zeros((tf.shape(by_time)[1], units))
    if not turns:
        return tf.stack(run(state, 0, steps))
    _, state, found = tf.while_loop(
        lambda turn, state, found: turn < turns,
        body,
        (0, state, tf.TensorArray(tf.float32, turns, element_shape=(_UNROLLED, None, units))),
        shape_invariants=(tf.TensorShape(()), tf.TensorShape((None, units)), tf.TensorShape(None)),
    )
    last = [one[None] for one in run(state, steps - rest, rest)]
    return tf.ensure_shape(tf.concat([found.concat(), *last], axis=0), (steps, None, units))
