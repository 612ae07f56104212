"""What is lost or unusual in an ECG, by the library's own limits, as a part of a TensorFlow graph.

The figures are those of `ecg_keras.signals`: `check_recorded` says what is lost, and
`measure_lead_quality` how flat or clipped a lead is.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ecg_keras.data import LEAD_SHARES
from ecg_keras.signals import LASTING, MOST, STILL_MV, STILL_PART
from ecg_keras.sources import AMPLITUDES, USABLE

_BLOCK = 0.2


def look_at(values: tf.Tensor, rate: tf.Tensor, leads: Sequence[str]) -> dict[str, tf.Tensor]:
    """Why ``(num_samples, num_leads)`` in millivolts is lost, and which leads show what."""
    missing = tf.reduce_any(~tf.math.is_finite(values), axis=0)
    span = tf.reduce_max(values, axis=0) - tf.reduce_min(values, axis=0)
    still_mv = tf.minimum(STILL_MV, STILL_PART * tf.reduce_max(span))
    still = _still_blocks(values, rate, still_mv)
    first, last, together = _recorded_part(still)
    recorded, blocks = tf.cast(last - first, tf.float32), tf.cast(tf.shape(still)[0], tf.float32)
    alone = tf.cast(_lasting(still)[first:last], tf.float32)
    silent = (tf.reduce_sum(alone, axis=0) > MOST * recorded) | (span <= still_mv)
    reasons = [
        (tf.reduce_any(missing), _name(missing, leads, "missing or infinite samples")),
        (tf.reduce_any(silent), _name(silent, leads, "no signal")),
        (blocks - recorded > MOST * blocks, "no signal in any lead for more than half of it"),
        (tf.reduce_any(together[first:last]), "no signal in any lead for a second or more"),
    ]
    reason = tf.constant("")
    for holds, words in reversed(reasons):
        reason = tf.where(holds, words, reason)
    clipped = _clipped_share(values) > LEAD_SHARES["clipped"][1]
    return {"reason": reason, "not_finite": missing, "flat": silent, "clipped": clipped}


def _name(which: tf.Tensor, leads: Sequence[str], what: str) -> tf.Tensor:
    names = tf.strings.reduce_join(tf.boolean_mask(list(leads), which), separator=", ")
    return tf.strings.join([what, " in lead ", names])


def _still_blocks(values: tf.Tensor, rate: tf.Tensor, still_mv: tf.Tensor) -> tf.Tensor:
    """``(num_blocks, num_leads)``: whether nothing shows in a block of 0.2 s."""
    length = tf.maximum(3, tf.cast(tf.round(_BLOCK * tf.cast(rate, tf.float64)), tf.int32))
    count = tf.shape(values)[0] // length
    blocks = tf.reshape(values[: count * length], (count, length, values.shape[1]))
    return tf.reduce_max(blocks, axis=1) - tf.reduce_min(blocks, axis=1) <= still_mv


def _lasting(still: tf.Tensor) -> tf.Tensor:
    """What belongs to five or more in a row, of ``(num_blocks, num_leads)``."""
    around = [[LASTING - 1, LASTING - 1], [0, 0]]
    rows = tf.pad(tf.cast(still, tf.float32), around)[None]
    whole = -tf.nn.max_pool1d(-rows, LASTING, 1, "VALID")
    return tf.nn.max_pool1d(whole, LASTING, 1, "VALID")[0] > 0.5


def _recorded_part(still: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The first block that is no padding, the one behind the last, and where no lead shows."""
    together = _lasting(tf.reduce_all(still, axis=1, keepdims=True))[:, 0]
    shows = tf.cast(~together, tf.int32)
    # of no blocks at all there is none to be found
    first, behind = (
        tf.argmax(tf.concat([some, [0]], axis=0), output_type=tf.int32)
        for some in (shows, tf.reverse(shows, [0]))
    )
    last = tf.size(shows) - behind
    return first, last, together


def _clipped_share(values: tf.Tensor) -> tf.Tensor:
    """The share of samples of each lead at an end of its scale behind two more such samples."""
    low = tf.reduce_min(values, axis=-2, keepdims=True)
    high = tf.reduce_max(values, axis=-2, keepdims=True)
    extreme = (values == high) | (values == low)
    third = extreme[..., 2:, :] & extreme[..., 1:-1, :] & extreme[..., :-2, :]
    count = tf.cast(tf.shape(values)[-2], tf.float32)
    return tf.reduce_sum(tf.cast(third, tf.float32), axis=-2) / count


def look_at_stored(windows: tf.Tensor, sampling_rate: float) -> dict[str, tf.Tensor]:
    """What shows in windows ``(W, num_samples, num_leads)`` in millivolts as a shard holds them."""
    low, high = AMPLITUDES["peak_mv"]
    peak_mv = tf.reduce_max(tf.abs(windows), axis=(1, 2))
    return {
        "flat": _is_flat(windows, sampling_rate),
        "clipped": _clipped_share(windows) > LEAD_SHARES["clipped"][1],
        "not_finite": tf.reduce_any(~tf.math.is_finite(windows), axis=1),
        "peak_mv": peak_mv,
        "suspect_unit": (peak_mv < low) | (peak_mv > high),
    }


def _is_flat(windows: tf.Tensor, sampling_rate: float) -> tf.Tensor:
    """Which leads rest for a quarter of the time or more while others move."""
    _, samples, leads = windows.shape
    length = max(1, min(max(3, round(_BLOCK * sampling_rate)), samples - 2))
    count = max(1, (samples - 2) // length)
    moves = tf.abs(windows[:, 1:] - windows[:, :-1])[:, : count * length]
    blocks = tf.reshape(moves, (-1, count, length, leads))
    share = tf.reduce_mean(tf.cast(tf.reduce_max(blocks, axis=2) == 0, tf.float32), axis=1)
    least = tf.reduce_min(share, axis=1, keepdims=True)
    return (share - least) / tf.maximum(1 - least, 1e-6) > LEAD_SHARES["flat"][1]


def say_impossible(windows: tf.Tensor) -> tf.Tensor:
    """Of each window why its amplitude is not that of an ECG; empty where it may be one."""
    low, high = USABLE["peak_mv"]
    peak = tf.reduce_max(tf.abs(windows), axis=(1, 2))
    words = tf.strings.join(
        [
            "the largest sample is ",
            tf.strings.as_string(peak, precision=3),
            f" mV, and that of an ECG is {low:g} to {high:g} mV. Is the unit right?",
        ]
    )
    return tf.where((peak >= low) & (peak <= high), "", words)
