"""`ecg_keras.signals.resample` as a part of a TensorFlow graph, for a rate that comes with the ECG.

The filter is the library's. What NumPy decides once for a database, the two integers of a ratio and
the matrix of the filter, is decided here for each request.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from ecg_keras.signals import BETA, CROSSINGS

# as in `ecg_keras.signals`: the largest integer of a ratio, how exact one is, and numbers of a
# matrix that take 4 MB
_INTEGERS, _EXACT, _LARGEST_MATRIX = 1000, 1e-9, 2**20
# new samples whose weights are worked out at once where no small integers make the ratio, and most
# numbers of these weights
_AT_ONCE, _WEIGHTS = 1000, 2**20


def resampled_length(total: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """How many samples there are at the new rate, int32; ``step`` is the old rate by the new."""
    return tf.cast(tf.math.ceil(tf.cast(total, tf.float64) / step - 1e-6), tf.int32)


def resample(values: tf.Tensor, step: tf.Tensor, method: str) -> tf.Tensor:
    """float32 ``(num_samples, num_leads)``, finite, with ``step`` old samples to each new one."""
    length = resampled_length(tf.shape(values)[0], step)
    if method == "decimate":
        return values[:: tf.cast(tf.round(step), tf.int32)]
    up, down, fits = _find_ratio(step)
    return tf.case(
        [
            (tf.equal(step, 1.0), lambda: values),
            (fits, lambda: _in_blocks(values, up, down, length)),
        ],
        lambda: _at_each_sample(values, step, length),
    )


def _find_ratio(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The integers of ``step``, down by up, and whether there are some whose matrix is small."""
    many = tf.range(1, _INTEGERS + 1, dtype=tf.float64) * step
    exact = tf.abs(many - tf.round(many)) <= _EXACT * many
    up = tf.argmax(exact, output_type=tf.int32) + 1
    # nothing divides by zero, whichever way is taken
    down = tf.maximum(tf.cast(tf.round(many[up - 1]), tf.int32), 1)
    _, periods = _margin_and_periods(up, down)
    size = 2.0 * tf.cast(periods, tf.float64) ** 2 * tf.cast(up, tf.float64)
    small = size * tf.cast(down, tf.float64) <= _LARGEST_MATRIX
    return up, down, tf.reduce_any(exact) & small


def _margin_and_periods(up: tf.Tensor, down: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Old samples before a block of new ones that it needs, and by how many periods blocks go."""
    margin = CROSSINGS * tf.maximum(up, down) // up + 1
    return margin, -(-2 * margin // down)


def _in_blocks(values: tf.Tensor, up: tf.Tensor, down: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """One matrix product for all samples, as `ecg_keras.signals.low_pass.in_blocks`."""
    margin, periods = _margin_and_periods(up, down)
    step, new = periods * down, periods * up
    of_new = tf.range(new)[None, :] * down
    of_old = (tf.range(2 * step)[:, None] - margin) * up
    distance = tf.abs(of_new - of_old) / tf.maximum(up, down)
    weights = _normalised(_filter_at(distance), axis=0)
    both = tf.concat([weights[:step], weights[step:]], axis=1)
    blocks = -(-length // new)
    rows = tf.transpose(_continue(values, margin, (blocks + 1) * step - margin))
    leads = tf.shape(rows)[0]
    parts = tf.reshape(tf.reshape(rows, (-1, step)) @ both, (leads, -1, 2 * new))
    # a block of new samples is what its own piece of old ones adds, and the piece behind it
    samples = parts[:, :-1, :new] + parts[:, 1:, new:]
    return tf.transpose(tf.reshape(samples, (leads, -1))[:, :length])


def _at_each_sample(values: tf.Tensor, step: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """The filter at the exact time of each new sample, so that a measured rate drifts nowhere."""
    widest = tf.maximum(step, 1.0)
    side = tf.cast(tf.math.ceil(CROSSINGS * widest), tf.int32) + 1
    before = side + 1
    total = tf.shape(values)[0]
    longer = _continue(values, before, total + before + tf.cast(tf.math.ceil(step), tf.int32))
    taps = tf.range(-side, side + 1)
    size = tf.clip_by_value(_WEIGHTS // tf.size(taps), 1, _AT_ONCE)

    def some(first: tf.Tensor) -> tf.Tensor:
        places = tf.range(first, tf.minimum(first + size, length))
        time = tf.cast(places, tf.float64) * step
        nearest = tf.round(time)
        distance = tf.cast(taps, tf.float64) - (time - nearest)[:, None]
        weights = _normalised(_filter_at(tf.abs(distance) / widest), axis=1)
        near = tf.gather(longer, tf.cast(nearest, tf.int32)[:, None] + (taps + before))
        return tf.einsum("nt,ntl->nl", weights, near)

    return map_pieces(some, length, size, tf.TensorShape(values.shape[1:]))


def map_pieces(
    work: Callable[[tf.Tensor], tf.Tensor],
    length: tf.Tensor,
    size: int | tf.Tensor,
    shape: tf.TensorShape,
) -> tf.Tensor:
    """float32 rows ``0`` to ``length``, of which ``work`` gives ``size`` from its argument on."""
    rows = tf.RaggedTensorSpec((None, *shape), tf.float32, ragged_rank=0)
    starts = tf.range(0, length, size)
    pieces = tf.map_fn(work, starts, fn_output_signature=rows, parallel_iterations=1)
    # of no pieces at all the shape is not known
    return tf.reshape(pieces.values, tf.concat([[length], shape.as_list()], axis=0))


def _filter_at(distance: tf.Tensor) -> tf.Tensor:
    """The sinc in its Kaiser window, float64, at distances that are counted in zero crossings."""
    inside = tf.maximum(1.0 - tf.square(distance / CROSSINGS), 0.0)
    window = tf.math.bessel_i0(BETA * tf.sqrt(inside))
    angle = math.pi * tf.maximum(distance, 1e-12)
    return tf.where(distance <= CROSSINGS, window * tf.sin(angle) / angle, 0.0)


def _normalised(weights: tf.Tensor, axis: int) -> tf.Tensor:
    """Each new sample is a weighted mean, so that a constant stays what it is."""
    return tf.cast(weights / tf.reduce_sum(weights, axis, keepdims=True), tf.float32)


def _continue(values: tf.Tensor, before: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    """The samples from ``-before`` to ``stop``; outside they follow the line through the ends."""
    total = tf.shape(values)[0]
    rise = (values[-1:] - values[:1]) / tf.cast(tf.maximum(total - 1, 1), tf.float32)
    steps = tf.cast(tf.range(-before, 0), tf.float32)[:, None]
    behind = tf.cast(tf.range(1, tf.maximum(stop - total, 0) + 1), tf.float32)[:, None]
    inside = values[: tf.minimum(total, stop)]
    return tf.concat([values[:1] + rise * steps, inside, values[-1:] + rise * behind], axis=0)
