"""What counts as names, targets and probabilities, whoever made them and in whatever framework.

What can mean one thing only is converted; of all else an error says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import AnyArray, BoolArray, Float32Array, TextArray
from ecg_keras.errors import DataError, shortened

# sums of float32 that should be 1 or 0 are that far off
ROUNDING = 1e-6


def as_strings(name: str, values: npt.ArrayLike) -> TextArray:
    """Names or ids as strings: text, bytes of UTF-8 and whole numbers."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "UTSOiu"):
        raise DataError(
            f"{name} must be a row of strings or whole numbers. Received: {array.dtype}, shape "
            f"{array.shape}."
        )
    try:
        if array.dtype.kind == "O":
            array = np.array([_as_string(name, at, one) for at, one in enumerate(array)])
        elif array.dtype.kind == "S":
            array = np.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} must be text in UTF-8: {error}. Decode it first.") from error
    return array.astype(np.str_)


def narrow(strings: TextArray) -> TextArray:
    """The same strings in an array no wider than the longest."""
    return strings.astype(f"U{max(1, np.char.str_len(strings).max(initial=0))}")


def as_targets(
    values: npt.ArrayLike, records: TextArray, labels: Sequence[str]
) -> npt.NDArray[np.uint8]:
    """Targets as uint8 ``(records, labels)``, from any numbers that are 0 and 1, or booleans."""
    array = _as_matrix("targets", values, (len(records), len(labels)))
    wrong = ~((array == 0) | (array == 1))
    _refuse("targets", "0 or 1", array, wrong, records, labels, _target_hint)
    return array.astype(np.uint8, order="C")


def as_probabilities(
    values: npt.ArrayLike, records: TextArray, labels: Sequence[str]
) -> Float32Array:
    """Probabilities as float32 ``(records, labels)``, from any numbers between 0 and 1."""
    array = _as_matrix("probabilities", values, (len(records), len(labels)))
    wrong = ~((array >= -ROUNDING) & (array <= 1 + ROUNDING))
    _refuse("probabilities", "in [0, 1]", array, wrong, records, labels, _probability_hint)
    return np.clip(array.astype(np.float32, order="C"), 0, 1)


def _as_string(name: str, at: int, value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str) or (
        isinstance(value, int | np.integer) and not isinstance(value, bool)
    ):
        return str(value)
    raise DataError(
        f"{name} must be strings or whole numbers. Received: {shortened(repr(value), 40)} at "
        f"position {at}."
    )


def _as_matrix(name: str, values: npt.ArrayLike, shape: tuple[int, int]) -> AnyArray:
    array = np.asarray(values)
    if array.ndim == 1 and shape == (len(array), 1):
        array = array[:, None]
    if array.shape != shape:
        raise DataError(
            f"{name} must have the shape (records, labels) = {shape}. Received: shape "
            f"{array.shape}.{_shape_hint(name, array, shape)}"
        )
    if array.dtype.kind == "O" and all(isinstance(one, int | float | np.number | np.bool_)
                                       for one in array.flat):  # fmt: skip
        array = array.astype(np.float64)
    if array.dtype.kind not in "buif":
        raise DataError(f"{name} must be numbers. Received: {array.dtype}.")
    return array


def _shape_hint(name: str, array: AnyArray, shape: tuple[int, int]) -> str:
    records, labels = shape
    if array.shape == (labels, records):
        return f" They are (labels, records): transpose them, as in {name}.T."
    if name == "targets" and array.shape == (records,) and array.dtype.kind in "iu":
        return f" Of one class for each record, pass a column for each: np.eye({labels})[{name}]."
    if labels == 1 and array.shape == (records, 2):
        return f" Of the classes absent and present, pass the second column: {name}[:, 1:]."
    return ""


def _target_hint(value: float) -> str:
    if np.isnan(value):
        return "What is unknown can't be scored: leave out the record, or the label"
    if 0 < value < 1:
        return "Say first from where on a label counts as present, as in targets >= 0.5"
    return "Say first which values count as present, as in targets == 1"


def _probability_hint(value: float) -> str:
    if np.isnan(value):
        return "Leave out the record, or find out why the network gave it"
    return (
        "If they are logits, pass 1 / (1 + np.exp(-logits)), or their softmax where a record has "
        "one class"
    )


def _refuse(
    name: str,
    allowed: str,
    array: AnyArray,
    wrong: BoolArray,
    records: TextArray,
    labels: Sequence[str],
    hint: Callable[[float], str],
) -> None:
    """Raises with the first wrong value, where there is one."""
    if wrong.any():
        row, column = divmod(int(wrong.argmax()), len(labels))
        value = array[row, column]
        raise DataError(
            f"{name} must be {allowed}. Received: {value} for record {records[row]!s}, label "
            f"{labels[column]}. {hint(float(value))}."
        )
