"""The table of formats that a network can be exported to. It imports neither Keras nor a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class ExportFormat:
    """One row of the table.

    Attributes:
        name: in commands.
        title: in sentences.
        file: by which its folder is known; what else the format needs is beside it.
        write: ``module:function`` that writes a network; none of a SavedModel, which has more to
            it: `ecg_keras.export.export_saved_model`.
        read: ``module:function`` that opens the folder in the reader that it is checked with.
        reader: what that is.
        packages: what both need to import.
        precisions: of `PRECISIONS`, those that it has.
        batch: ECGs in one request: ``any`` or ``1``.
        not_finite: what an ECG with a NaN or infinite sample gets.
        lacks: what it has no equivalent of, and the operations of Keras by which that is found.
        calibrates_in: the type of numbers in which probabilities are calibrated inside.
    """

    name: str
    title: str
    file: str
    write: str | None
    read: str
    reader: str
    packages: tuple[str, ...]
    precisions: tuple[str, ...] = PRECISIONS
    batch: str = "any"
    not_finite: str = "NaN"
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calibrates_in: Literal["float64", "float32"] = "float64"


_CONVERTERS = "ecg_keras.export.converters"
_FOURIER = {"it has no Fourier transforms": ("RFFT", "IRFFT")}

FORMATS = {
    row.name: row
    for row in (
        ExportFormat(
            "saved_model",
            "SavedModel",
            "saved_model.pb",
            None,
            f"{_CONVERTERS}:read_saved_model",
            "TensorFlow",
            (),
            precisions=("float32",),
            not_finite="an error",
        ),
        ExportFormat(
            "onnx",
            "ONNX",
            "model.onnx",
            f"{_CONVERTERS}:write_onnx",
            f"{_CONVERTERS}:read_onnx_file",
            "ONNX Runtime",
            ("tf2onnx", "onnx", "onnxruntime"),
            lacks=_FOURIER,
        ),
        ExportFormat(
            "litert",
            "LiteRT",
            "model.tflite",
            f"{_CONVERTERS}:write_litert",
            f"{_CONVERTERS}:read_litert",
            "LiteRT",
            ("ai_edge_litert",),
            batch="1",
            not_finite="NaN; an answer in int8",
            lacks=_FOURIER,
            calibrates_in="float32",
        ),
        ExportFormat(
            "openvino",
            "OpenVINO",
            "model.xml",
            f"{_CONVERTERS}:write_openvino",
            f"{_CONVERTERS}:read_openvino",
            "OpenVINO in float32",
            ("openvino",),
            precisions=("float32", "float16"),
        ),
    )
}
