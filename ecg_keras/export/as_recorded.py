"""One ECG as it was recorded to the windows that a network takes, as a part of a TensorFlow graph.

It does what `ecg_keras.data.convert_windows` does in NumPy; the tests compare them. What is wrong
with a whole recording ends the request; a window in which something is lost is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ecg_keras.data import MOST_STEPS, STEP_MV
from ecg_keras.export.card import Card
from ecg_keras.export.graph_quality import look_at, look_at_stored, say_impossible
from ecg_keras.export.graph_resampling import resample, resampled_length
from ecg_keras.signals import LEADS, derive_leads

# steps of one millivolt
UNITS = {"mV": 1.0, "uV": 1000.0, "\u00b5V": 1000.0, "\u03bcV": 1000.0, "V": 0.001}
_RATES = (10.0, 100_000.0)
# samples of the network for one of a recording: a low rate would make a small request a large one
_MOST_FOR_ONE = 10.0
_LIMB = LEADS[:6]
# what may be before a lead's name in a request, in small letters
_BEFORE = "^(mdc_ecg_)?(lead[ _])?"
_SPELLED = {lead.lower(): lead for lead in LEADS} | {f"d{i}": i.upper() for i in ("i", "ii", "iii")}
Tensors = dict[str, tf.Tensor]
LEAD_FLAGS = ("not_finite", "flat", "clipped")


def _pair_weights() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Of each two limb leads, what each counts in the six; ``(6, 6, 2, 6)``."""
    weights = np.zeros((6, 6, 2, 6), np.float32)
    for one, two in itertools.combinations(range(6), 2):
        there = _LIMB[one], _LIMB[two]
        values, names = derive_leads(np.eye(2), there, _LIMB)
        weights[one, two][:, [_LIMB.index(name) for name in names]] = values
    return weights


def refuse(wrong: tf.Tensor, *words: str | tf.Tensor) -> tf.Operation:
    """Ends the request with these words, unless nothing is ``wrong``."""
    return tf.debugging.Assert(~wrong, [tf.strings.join(words)])


def unless(refusals: Sequence[tf.Operation], values: tf.Tensor) -> tf.Tensor:
    """The values, once nothing was refused: an integer divided by zero would end the server."""
    with tf.control_dependencies(refusals):
        return tf.identity(values)


def windows_of(card: Card, number: tf.Tensor, request: Tensors) -> Tensors:
    """The windows of one recording of a request, and of each why it is lost and what it shows."""
    where = tf.strings.join(["recording ", tf.strings.as_string(number), ": "])
    values = _choose_leads(request["signal"], request["leads"], card.leads, where)
    values = _to_millivolts(values, request["unit"], where)
    rate = request["sampling_rate"]
    step = _old_samples_a_new_one(rate, card, where)
    whole = resampled_length(tf.shape(values)[0], step)
    long_enough = _check_length(whole, card, where)
    values, whole = unless([long_enough], values), unless([long_enough], whole)
    starts = _list_starts(whole, card.num_samples)
    samples = resample(_filled(values), step, card.resample)
    samples = tf.ensure_shape(samples, (None, len(card.leads)))
    lacking = tf.maximum(card.num_samples - whole, 0)
    before = lacking // 2 if card.window == "centre" else 0
    samples = tf.pad(samples, [[before, lacking - before], [0, 0]])
    windows = quantised(tf.gather(samples, starts[:, None] + tf.range(card.num_samples)))
    found = _look(values, starts, step, rate, card)
    stored = look_at_stored(windows, card.sampling_rate)
    reason = found["reason"]
    if card.verify != "off":
        reason = tf.where(reason == "", say_impossible(windows), reason)
    lost = reason != ""
    why = "none of its windows can be used, the first one for: "
    windows = unless([refuse(tf.reduce_all(lost), where, why, reason[0])], windows)
    flat = found["flat"] | stored["flat"]
    return {**stored, **found, "flat": flat, "windows": windows, "is_lost": lost}


def quantised(windows: tf.Tensor) -> tf.Tensor:
    """Windows as a shard holds them: in steps of 1 uV, or more where the largest sample asks it."""
    peak = tf.reduce_max(tf.abs(windows), axis=(1, 2), keepdims=True)
    step = tf.cast(tf.maximum(tf.cast(peak, tf.float64) / MOST_STEPS, STEP_MV), tf.float32)
    return tf.round(windows / step) * step


def _choose_leads(
    signal: tf.Tensor, names: tf.Tensor, wanted: Sequence[str], where: tf.Tensor
) -> tf.Tensor:
    """The columns that the network takes, limb leads derived from two others where they lack."""
    plain = tf.strings.regex_replace(tf.strings.lower(tf.strings.strip(names)), _BEFORE, "")
    spelled = tf.cast(plain[:, None] == list(_SPELLED), tf.float32)
    of_spelling = np.array(
        [[lead == one for lead in LEADS] for one in _SPELLED.values()], np.float32
    )
    there = spelled @ of_spelling  # (columns, 12)
    count = tf.reduce_sum(there, axis=0)
    unknown = tf.boolean_mask(names, tf.reduce_sum(there, axis=1) == 0)
    known = f": no name of a lead. Leads are {', '.join(LEADS)}"
    twice = tf.boolean_mask(LEADS, count > 1)
    refusals = [
        refuse(tf.size(unknown) > 0, where, _joined(unknown), known),
        refuse(tf.size(twice) > 0, where, "leads has more than once: ", _joined(twice)),
    ]
    there = unless(refusals, there)

    first_two = tf.concat([tf.where(count[:6] > 0)[:, 0], [0, 0]], axis=0)[:2]
    pair = tf.gather_nd(_pair_weights(), first_two[None])[0]  # (2, 6); zeros where there is no pair
    derived = tf.gather(there, first_two, axis=1) @ pair * tf.cast(count[:6] == 0, tf.float32)
    weights = there + tf.pad(derived, [[0, 0], [0, 6]])
    chosen = tf.gather(weights, [LEADS.index(lead) for lead in wanted], axis=1)
    needed = chosen != 0
    lacking = tf.boolean_mask(list(wanted), ~tf.reduce_any(needed, axis=0))
    takes = f". The network takes {', '.join(wanted)}; of the limb leads, any two give the others"
    refusal = refuse(tf.size(lacking) > 0, where, "has no lead ", _joined(lacking), takes)
    needed = unless([refusal], needed)
    # a sum of two columns at most, as a product with zeros would spread what is missing in one lead
    first = tf.argmax(needed, axis=0)
    last = tf.shape(needed, tf.int64)[0] - 1 - tf.argmax(tf.reverse(needed, [0]), axis=0)
    of_first, of_last = (
        tf.gather(signal, column, axis=1) * tf.gather(tf.transpose(chosen), column, batch_dims=1)
        for column in (first, last)
    )
    return tf.where(first == last, of_first, of_first + of_last)


def _joined(names: tf.Tensor) -> tf.Tensor:
    return tf.strings.reduce_join(names, separator=", ")


def _to_millivolts(values: tf.Tensor, unit: tf.Tensor, where: tf.Tensor) -> tf.Tensor:
    is_unit = tf.equal(tf.strings.strip(unit), list(UNITS))
    refusal = refuse(~tf.reduce_any(is_unit), where, "unit must be mV, uV or V. Received: ", unit)
    steps = tf.reduce_sum(tf.where(is_unit, np.array(list(UNITS.values()), np.float32), 0.0))
    return unless([refusal], values) / steps


def _old_samples_a_new_one(rate: tf.Tensor, card: Card, where: tf.Tensor) -> tf.Tensor:
    low, high = max(_RATES[0], card.sampling_rate / _MOST_FOR_ONE), _RATES[1]
    received = tf.strings.as_string(rate)
    allowed = f"sampling_rate must be {low:g} to {high:,.0f} Hz. Received: "
    refusals = [refuse(~((rate >= low) & (rate <= high)), where, allowed, received)]
    step = tf.cast(unless(refusals, rate), tf.float64) / card.sampling_rate
    if card.resample == "decimate":
        whole = (tf.abs(step - tf.round(step)) < 1e-6) & (step > 0.5)
        needed = (
            f"sampling_rate must be a whole multiple of {card.sampling_rate:g} Hz: the network was "
            "trained on every n-th sample (data.resample: decimate). Received: "
        )
        step = unless([refuse(~whole, where, needed, received)], step)
    return step


def _check_length(whole: tf.Tensor, card: Card, where: tf.Tensor) -> tf.Operation:
    seconds = tf.strings.as_string(tf.cast(whole, tf.float32) / card.sampling_rate, precision=2)
    takes = f" s, and the network takes {card.num_samples / card.sampling_rate:g} s"
    least = card.num_samples if card.short == "drop" else 1
    return refuse(whole < least, where, "is too short: ", seconds, takes)


def _list_starts(whole: tf.Tensor, length: int) -> tf.Tensor:
    """One window behind the other; a rest of half a window or more is one that ends with it."""
    starts = tf.range(0, tf.maximum(whole - length, 0) + 1, length)
    rest = whole - starts[-1] - length
    last = tf.boolean_mask([whole - length], [2 * rest >= length])
    return tf.concat([starts, last], axis=0)


def _filled(values: tf.Tensor) -> tf.Tensor:
    """Lines where samples are missing: the filter must not carry them into sound windows."""
    places = tf.range(tf.shape(values)[0])

    def fill(lead: tf.Tensor) -> tf.Tensor:
        there = tf.math.is_finite(lead)
        known, numbers = tf.boolean_mask(lead, there), tf.boolean_mask(places, there)
        # the first and the last that are there continue to the ends
        padded = tf.concat([known[:1], known, known[-1:], tf.zeros(2)], axis=0)
        behind = tf.searchsorted(numbers, places)
        at = tf.concat([[-1], numbers, [tf.size(lead), 0]], axis=0)
        low, high = tf.gather(at, behind), tf.gather(at, behind + 1)
        share = (places - low) / tf.maximum(high - low, 1)
        begin, end = tf.gather(padded, behind), tf.gather(padded, behind + 1)
        return tf.where(there, lead, begin + (end - begin) * tf.cast(share, tf.float32))

    def fill_all() -> tf.Tensor:
        finite = tf.map_fn(fill, tf.transpose(values))
        return tf.transpose(tf.where(tf.math.is_finite(finite), finite, 0.0))

    return tf.cond(tf.reduce_all(tf.math.is_finite(values)), lambda: values, fill_all)


def _look(
    values: tf.Tensor, starts: tf.Tensor, step: tf.Tensor, rate: tf.Tensor, card: Card
) -> Tensors:
    """What `look_at` finds in each window at the recording's own rate."""
    total = tf.cast(tf.shape(values)[0], tf.float64)

    def edge(place: tf.Tensor, side: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        exact = tf.round(tf.cast(place, tf.float64) * step * 1e6) / 1e6
        return tf.cast(tf.minimum(side(exact), total), tf.int32)

    def look(start: tf.Tensor) -> Tensors:
        first, last = edge(start, tf.floor), edge(start + card.num_samples, tf.math.ceil)
        return look_at(values[first:last], rate, card.leads)

    flags = tf.TensorSpec((len(card.leads),), tf.bool)
    kinds = {"reason": tf.TensorSpec((), tf.string), **dict.fromkeys(LEAD_FLAGS, flags)}
    return dict(tf.map_fn(look, starts, fn_output_signature=kinds))
