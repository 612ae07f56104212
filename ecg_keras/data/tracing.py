"""Functions that TensorFlow traces as they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import tensorflow as tf

Function = TypeVar("Function", bound=Callable[..., Any])


def as_written(function: Function) -> Function:
    """A function for ``map``, ``flat_map`` or ``interleave`` that AutoGraph leaves alone.

    AutoGraph parses and compiles the source of a function, and of all that it calls, for control
    flow that depends on tensors. Ours has none, and the first batch would wait for it.
    """
    return cast(Function, tf.autograph.experimental.do_not_convert(function))
