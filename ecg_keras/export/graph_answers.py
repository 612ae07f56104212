"""From checked requests to named outputs, in the graph of a SavedModel."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from ecg_keras.export.as_recorded import LEAD_FLAGS, Tensors, refuse, unless, windows_of
from ecg_keras.export.card import Card
from ecg_keras.export.graph_quality import look_at_stored
from ecg_keras.export.graph_resampling import map_pieces

Network = Callable[[tf.Tensor], tf.Tensor]
# windows that the network is asked about at once: of a day's recording there are thousands
_AT_ONCE = 64


def answer_signal(network: Network, card: Card, request: Tensors) -> Tensors:
    """ECGs as the network takes them."""
    return {card.output: network(request[card.input])}


def answer_examples(network: Network, card: Card, request: Tensors) -> Tensors:
    """Serialised examples as shards hold them, in the leads, rate and length of the network."""
    features = {
        "signal": tf.io.FixedLenFeature([], tf.string),
        "scale": tf.io.FixedLenFeature([], tf.float32),
    }
    parsed = tf.io.parse_example(request["examples"], features)
    samples, leads = card.num_samples, len(card.leads)
    size = tf.strings.length(parsed["signal"])
    expected = f"{samples} samples of {leads} leads are {2 * samples * leads} bytes. Received: "
    wrong = tf.boolean_mask(size, size != 2 * samples * leads)
    received = tf.strings.reduce_join(tf.strings.as_string(wrong), separator=", ")
    scale = parsed["scale"]
    sound = tf.reduce_all(tf.math.is_finite(scale) & (scale > 0))
    refusals = [
        refuse(tf.size(wrong) > 0, "signal of an example has another length: ", expected, received),
        refuse(~sound, "scale of an example must be millivolts per step, above 0"),
    ]
    stored = tf.io.decode_raw(unless(refusals, parsed["signal"]), tf.int16)
    steps = tf.reshape(stored, (-1, samples, leads))
    windows = tf.cast(steps, tf.float32) * scale[:, None, None]
    one = tf.ones_like(size)
    return {
        **_named(network(windows), card),
        **look_at_stored(windows, card.sampling_rate),
        "windows": one,
        "lost": 0 * one,
    }


def answer_recordings(network: Network, card: Card, request: Tensors) -> Tensors:
    """Recordings of any rate, leads, unit and length; a longer one gets the mean of its windows."""
    request = _check_sizes(request)
    size = tf.shape(request["signal"])[0]
    leads = tf.RaggedTensorSpec((None, len(card.leads)), tf.bool, ragged_rank=0)
    kinds = {
        "windows": tf.RaggedTensorSpec(
            (None, card.num_samples, len(card.leads)), tf.float32, ragged_rank=0
        ),
        "is_lost": tf.RaggedTensorSpec((None,), tf.bool, ragged_rank=0),
        "peak_mv": tf.RaggedTensorSpec((None,), tf.float32, ragged_rank=0),
        "suspect_unit": tf.RaggedTensorSpec((None,), tf.bool, ragged_rank=0),
        **dict.fromkeys(LEAD_FLAGS, leads),
    }

    def prepare(row: tf.Tensor) -> Tensors:
        one = windows_of(card, row, {name: values[row] for name, values in request.items()})
        return {name: one[name] for name in kinds}

    found = tf.map_fn(prepare, tf.range(size), fn_output_signature=kinds)
    of_window = found["windows"].value_rowids()
    flat = {name: ragged.values for name, ragged in found.items()}
    used = ~flat["is_lost"]
    windows, row = tf.boolean_mask(flat["windows"], used), tf.boolean_mask(of_window, used)
    values = map_pieces(
        lambda first: network(windows[first : first + _AT_ONCE]),
        tf.shape(windows)[0],
        _AT_ONCE,
        tf.TensorShape((len(card.labels),)),
    )
    # in double precision, as in `ecg_keras.prediction`
    mean = tf.math.unsorted_segment_mean(tf.cast(values, tf.float64), row, size)
    counts = tf.math.unsorted_segment_sum(
        tf.stack([tf.cast(used, tf.int32), tf.cast(flat["is_lost"], tf.int32)], 1), of_window, size
    )

    def ever(name: str) -> tf.Tensor:
        return tf.math.unsorted_segment_max(tf.cast(flat[name], tf.int32), of_window, size) > 0

    peak = tf.where(used, flat["peak_mv"], 0.0)
    flat["suspect_unit"] = used & flat["suspect_unit"]
    return {
        **_named(tf.cast(mean, tf.float32), card),
        **{name: ever(name) for name in (*LEAD_FLAGS, "suspect_unit")},
        "peak_mv": tf.math.unsorted_segment_max(peak, of_window, size),
        "windows": counts[:, 0],
        "lost": counts[:, 1],
    }


def _check_sizes(request: Tensors) -> Tensors:
    """The request, once all of its inputs are of as many recordings and leads."""
    size, _, columns = tf.unstack(tf.shape(request["signal"]))
    rows = {name: tf.shape(request[name])[0] for name in ("sampling_rate", "unit", "leads")}
    refusals = [
        _refuse_count(count, size, f"{name} must have a row for each recording")
        for name, count in rows.items()
    ]
    names = tf.shape(request["leads"])[1]
    refusals.append(_refuse_count(names, columns, "leads must name each column of signal"))
    return {name: unless(refusals, values) for name, values in request.items()}


def _refuse_count(count: tf.Tensor, wanted: tf.Tensor, what: str) -> tf.Operation:
    received, needed = tf.strings.as_string(count), tf.strings.as_string(wanted)
    return refuse(count != wanted, what, ". Received: ", received, ", and signal has ", needed)


def _named(probabilities: tf.Tensor, card: Card) -> Tensors:
    """Probabilities with what they mean, a row for each ECG."""
    size = tf.shape(probabilities)[0]
    outputs = {
        card.output: probabilities,
        "calibrated": tf.fill([size], card.calibration != "none"),
        "labels": tf.tile(tf.constant([list(card.labels)]), [size, 1]),
    }
    if card.thresholds is not None:
        limits = tf.constant([card.thresholds[label] for label in card.labels], tf.float64)
        outputs["decisions"] = tf.cast(probabilities, tf.float64) >= limits
    return outputs
