"""Larger, smaller and silent leads: `gain`, `lead_dropout` and `lead_group_dropout`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ecg_keras.data.augment.limits import LIMB_LEADS


def gain(signal: tf.Tensor, spread: float, seed: tf.Tensor) -> tf.Tensor:
    """Each ECG times ``exp(N(0, spread))``, the same for all of its leads."""
    exponent = tf.random.stateless_normal((tf.shape(signal)[0], 1, 1), seed, stddev=spread)
    return signal * tf.exp(exponent)


def lead_dropout(signal: tf.Tensor, chance: float, seed: tf.Tensor) -> tf.Tensor:
    """Each lead of each ECG set to zero with this chance.

    Oh et al., "Lead-agnostic self-supervised learning for local and global representations of
    electrocardiogram", CHIL 2022 (random lead masking).
    """
    shape = (tf.shape(signal)[0], 1, tf.shape(signal)[2])
    kept = tf.random.stateless_uniform(shape, seed) >= chance
    return signal * tf.cast(kept, signal.dtype)


def lead_group_dropout(
    signal: tf.Tensor, chance: float, leads: Sequence[str], seed: tf.Tensor
) -> tf.Tensor:
    """All limb leads or all chest leads of an ECG set to zero, with this chance of one of the two.

    Args:
        signal: float32 ``(batch, num_samples, num_leads)``.
        chance: 0 to 1; half of it for either group.
        leads: names of the columns; both groups must be among them.
        seed: two integers.
    """
    limb = tf.constant(np.isin(leads, LIMB_LEADS))
    draw = tf.random.stateless_uniform((tf.shape(signal)[0], 1, 1), seed)
    silent = tf.where(draw < chance / 2, limb, tf.logical_and(draw < chance, ~limb))
    return signal * tf.cast(~silent, signal.dtype)
