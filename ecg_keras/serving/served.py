"""A SavedModel that is loaded to be asked: its version, signatures and card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from ecg_keras.array_types import AnyArray
from ecg_keras.config import fingerprint
from ecg_keras.errors import DataError, listed, printable, shortened
from ecg_keras.export import digest_files, find_saved_model

Arrays = dict[str, AnyArray]
DEFAULT = "serving_default"
# of gRPC's codes, those that a request may get, and the status that REST gives instead
HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "CANCELLED": 499,  # by its client, who no longer reads it
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class RefusedError(Exception):
    """A request gets no answer; ``code`` is gRPC's, ``status`` where REST is more exact.

    What a request holds may be in the message, and gRPC loses one that is too long."""

    def __init__(
        self, message: str, code: str = "INVALID_ARGUMENT", status: int | None = None
    ) -> None:
        super().__init__(shortened(printable(message), 400))
        self.code = code
        self.status = status or HTTP_STATUS[code]


@dataclass(frozen=True)
class TensorForm:
    """What a signature takes or gives under one name; of an unknown size ``None``."""

    name: str
    dtype: Any
    shape: tuple[int | None, ...] | None

    @property
    def rows(self) -> bool:
        """Whether the first axis may have any size, and so is that of the batch."""
        return self.shape is not None and self.shape[:1] == (None,)

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuses what has another shape."""
        if self.shape is not None and (
            len(shape) != len(self.shape)
            or any(b not in (None, a) for a, b in zip(shape, self.shape, strict=True))
        ):
            sizes = ", ".join("any" if size is None else f"{size}" for size in self.shape)
            raise RefusedError(f"{self.name}: must have the shape ({sizes}). Received: {shape}.")


@dataclass(frozen=True)
class ServedSignature:
    """One thing that a SavedModel may be asked for."""

    name: str
    function: Callable[..., Mapping[str, Any]] = field(repr=False)
    inputs: Mapping[str, TensorForm]
    outputs: Mapping[str, TensorForm]

    @property
    def merges(self) -> bool:
        """Whether requests may share a batch: all of its tensors have a row for each of it."""
        return all(one.rows for one in (*self.inputs.values(), *self.outputs.values()))

    @property
    def is_lengthy(self) -> bool:
        """Whether a request may take any time: it is of a whole, or its rows have any length."""
        shapes = [one.shape for one in self.inputs.values()]
        return not self.merges or any(one is None or None in one[1:] for one in shapes)

    def check_names(self, inputs: Mapping[str, Any]) -> None:
        """Refuses inputs of other names."""
        if inputs.keys() != self.inputs.keys():
            raise RefusedError(
                f"signature {self.name} takes the inputs {listed(sorted(self.inputs))}. Received: "
                f"{listed(sorted(inputs)) or 'none'}."
            )

    def count_rows(self, inputs: Arrays) -> int:
        """How many rows inputs have together; none, or different numbers, are refused."""
        rows = {len(inputs[name]) for name, form in self.inputs.items() if form.rows}
        if len(rows) > 1 or 0 in rows:
            raise RefusedError(
                "all inputs must have the same number of rows, at least one. Received: "
                f"{', '.join(map(str, sorted(rows)))}."
            )
        return max(rows, default=1)

    def ask(self, inputs: Arrays) -> Arrays:
        """The outputs for checked inputs, or what the graph says of them."""
        tensors = {
            name: tf.constant(values, self.inputs[name].dtype) for name, values in inputs.items()
        }
        try:
            return {name: one.numpy() for name, one in self.function(**tensors).items()}
        except UnicodeDecodeError as error:  # of TensorFlow's own message, which has it in it
            what = f"a string that signature {self.name} was asked with is no UTF-8"
            raise RefusedError(what) from error
        except tf.errors.InvalidArgumentError as error:
            raise RefusedError(_reason(error)) from error
        except tf.errors.ResourceExhaustedError as error:
            raise RefusedError(_reason(error), "RESOURCE_EXHAUSTED") from error
        except tf.errors.OpError as error:
            raise RefusedError(_reason(error), "INTERNAL") from error


@dataclass(frozen=True)
class ServedModel:
    """A SavedModel under the name and version that clients ask for.

    ``mark`` is 64 hex digits that are others for another SavedModel."""

    name: str
    version: int
    folder: Path
    signatures: Mapping[str, ServedSignature]
    definitions: Mapping[str, Any] = field(repr=False)  # as they are in the file
    card: dict[str, Any] | None
    mark: str
    loaded: Any = field(repr=False)  # its variables go with it

    def check(self, name: str, version: int | None = None, label: str = "") -> None:
        """Refuses another model or version."""
        if label:
            raise RefusedError(f"Unrecognized servable version label: {label}")
        if name != self.name or version not in (None, self.version):
            kind = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise RefusedError(f"Servable not found for request: {kind}", "NOT_FOUND")

    def signature(self, name: str) -> ServedSignature:
        """A signature by its name; the default one by none."""
        found = self.signatures.get(name or DEFAULT)
        if found is None:
            raise RefusedError(
                f'Serving signature name: "{name or DEFAULT}" not found in signature def. There '
                f"are: {listed(sorted(self.signatures))}."
            )
        return found


def open_model(place: Path, name: str, mark: str | None = None) -> ServedModel:
    """Loads the SavedModel in a version folder, or the highest version in a folder of such."""
    folder = find_saved_model(place)
    if folder is None:
        raise DataError(
            f"{place}: no SavedModel, and no folder with versions of one. Name a run, or a folder "
            "that `ecg-keras export` wrote."
        )
    try:
        loaded = tf.saved_model.load(str(folder))
        file = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        (graph,) = [one for one in file.meta_graphs if "serve" in one.meta_info_def.tags]
    except (OSError, ValueError, KeyError, DecodeError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{folder}: no SavedModel that opens: {reason}. Export again.") from error
    definitions = dict(graph.signature_def)
    signatures = {
        one: ServedSignature(
            one, function, _forms(definitions[one].inputs), _forms(definitions[one].outputs)
        )
        for one, function in loaded.signatures.items()
    }
    version = int(folder.name) if folder.name.isdecimal() else 1
    mark = mark or fingerprint({"files": digest_files(folder)})
    return ServedModel(
        name, version, folder, signatures, definitions, _card_of(folder), mark, loaded
    )


def _forms(tensors: Mapping[str, Any]) -> dict[str, TensorForm]:
    return {
        name: TensorForm(
            name,
            tf.as_dtype(one.dtype),
            None
            if one.tensor_shape.unknown_rank
            else tuple(None if dim.size < 0 else dim.size for dim in one.tensor_shape.dim),
        )
        for name, one in tensors.items()
    }


def _card_of(folder: Path) -> dict[str, Any] | None:
    """The card as it is, for clients; SavedModels that others wrote have none."""
    try:
        card = json.loads((folder / "assets" / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return card if isinstance(card, dict) else None


def _reason(error: tf.errors.OpError) -> str:
    """What an operation says, without where in the graph."""
    lines = [line for line in error.message.splitlines() if not line.startswith("\t [[")]
    return f"{(lines or ['the graph failed'])[-1]}".partition(" [Op:")[0]
