"""Networks as files of other programs, and these files as functions in the programs' readers.

All begin with one frozen graph: weights are constants in it, so nothing is left to be looked up.
A graph of these formats can't refuse an input. It gives NaN for an ECG with a sample that is no
finite number, so that no wrong ECG gets an answer.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_keras.array_types import Float32Array

if TYPE_CHECKING:  # the process that converts to LiteRT needs neither
    from ecg_keras.export.card import Card
    from ecg_keras.keras_library import keras

Ask = Callable[[Float32Array], Float32Array]

OPSET = 17
# arrays below it stay in float32: there is nothing to gain
SMALL = 16
LARGEST = float(np.finfo(np.float32).max)


def freeze(model: keras.Model, card: Card, batch: int | None = None, checked: bool = True) -> Any:
    """A graph from ``signal`` to ``probabilities`` whose weights are constants."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def serve(signal: tf.Tensor) -> tf.Tensor:
        probabilities = model(signal, training=False)
        if not checked:
            return probabilities
        finite = tf.reduce_sum(tf.abs(signal), axis=(1, 2)) <= LARGEST
        return tf.where(finite[:, tf.newaxis], probabilities, np.float32(np.nan))

    takes = tf.TensorSpec((batch, card.num_samples, len(card.leads)), tf.float32, name=card.input)
    eager = tf.config.functions_run_eagerly()
    try:
        # functions within the network become part of the graph: Keras compiles grouped
        # convolutions for TensorFlow's CPU, and a compiled function has no equivalent elsewhere
        tf.config.run_functions_eagerly(True)
        traced = tf.function(serve).get_concrete_function(takes)
    finally:
        tf.config.run_functions_eagerly(eager)
    return convert_variables_to_constants_v2(traced, lower_control_flow=False)


def _save_frozen(frozen: Any, card: Card, folder: Path) -> None:
    """The graph as a SavedModel, which keeps the names of its input and output."""

    def serve(signal: tf.Tensor) -> dict[str, tf.Tensor]:
        return {card.output: frozen(signal)[0]}

    takes = tf.TensorSpec(frozen.inputs[0].shape, tf.float32, name=card.input)
    with quiet():
        signature = tf.function(serve, input_signature=[takes])
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(tf.Module(), str(folder), signature, options)


def write_onnx(
    model: keras.Model, folder: Path, card: Card, precision: str, signals: Float32Array | None
) -> None:
    """``model.onnx``: in float16 its weights alone are, and int8 is ONNX Runtime's with QDQ."""
    import onnx

    path = folder / "model.onnx"
    converted = _as_onnx(model, card)
    if precision == "float16":
        _halve_weights(converted)
    onnx.save(converted, str(path))
    if precision == "int8" and signals is not None:
        _quantise_onnx(path, card, signals)
    onnx.checker.check_model(str(path))


def _as_onnx(model: keras.Model, card: Card) -> Any:
    import tf2onnx

    frozen = freeze(model, card)
    given, answer = frozen.inputs[0].name, frozen.outputs[0].name
    with quiet():
        converted, _ = tf2onnx.convert.from_graph_def(
            frozen.graph.as_graph_def(),
            input_names=[given],
            output_names=[answer],
            opset=OPSET,
            tensors_to_rename={given: card.input, answer: card.output},
            custom_op_handlers={"Log1p": (_convert_log1p, [])},
        )
    return converted


def _convert_log1p(graph: Any, node: Any, name: str, args: Any) -> None:
    """ONNX has no ``log1p``: the logarithm of one more."""
    from tf2onnx.utils import map_onnx_to_numpy_type

    del args
    dtype = map_onnx_to_numpy_type(graph.get_dtype(node.input[0]))
    one = graph.make_const(f"{name}_one", np.ones((), dtype))
    more = graph.make_node("Add", [node.input[0], one.output[0]])
    graph.replace_input(node, node.input[0], more.output[0], 0)
    node.type = "Log"


def _halve_weights(converted: Any) -> None:
    """Stores weights in 16 bits and casts them back, so that readers compute in float32."""
    import onnx

    graph, casts = converted.graph, []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(weight)
        half = _as_half(values)
        if values.size < SMALL or half is None:
            continue
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}_float16"))
        casts.append(
            onnx.helper.make_node("Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _as_half(values: Float32Array) -> npt.NDArray[np.float16] | None:
    """Rounded to float16, or nothing where a value is beyond its range."""
    fits = np.isfinite(values).all() and np.abs(values).max(initial=0) < np.finfo(np.float16).max
    return values.astype(np.float16) if fits else None


def _quantise_onnx(path: Path, card: Card, signals: Float32Array) -> None:
    """Convolutions and matrix products in int8, with ranges of ``signals``."""
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.pending = iter(signals)

        def get_next(self) -> dict[str, Float32Array] | None:
            ecg = next(self.pending, None)
            return None if ecg is None else {card.input: ecg[np.newaxis]}

    with quiet():
        quantization.quantize_static(
            str(path),
            str(path),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
        )


def read_onnx_file(folder: Path, card: Card) -> Ask:
    """The file in ONNX Runtime, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    return lambda signals: np.asarray(session.run([card.output], {card.input: signals})[0])


def write_litert(
    model: keras.Model, folder: Path, card: Card, precision: str, signals: Float32Array | None
) -> None:
    """``model.tflite``: takes one ECG, because loops and most accelerators need a fixed shape.

    In a process of its own: of some networks the converter ends the process that it runs in.
    """
    # a NaN has no place in the ranges of int8
    frozen = freeze(model, card, batch=1, checked=precision != "int8")
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        _save_frozen(frozen, card, Path(temporary) / "frozen")
        if signals is not None:
            np.save(Path(temporary) / "signals.npy", signals)
        call = f"import sys; from {__name__} import convert_litert; convert_litert(*sys.argv[1:])"
        command = [sys.executable, "-c", call, temporary, str(folder / "model.tflite"), precision]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if "rror" in line]
        raise ValueError(lines[-1] if lines else f"its converter ended with {done.returncode}")


def convert_litert(temporary: str, path: str, precision: str) -> None:
    """The frozen graph in a folder to a file; int8 has the ranges of the signals beside it."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(Path(temporary) / "frozen"))
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif precision == "int8":
        signals = np.load(Path(temporary) / "signals.npy")
        converter.representative_dataset = lambda: ([ecg[np.newaxis]] for ecg in signals)
    Path(path).write_bytes(converter.convert())


def read_litert(folder: Path, card: Card) -> Ask:
    """The file in LiteRT, one ECG after another."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(folder / "model.tflite"))
    run = interpreter.get_signature_runner("serving_default")

    def ask(signals: Float32Array) -> Float32Array:
        return np.concatenate(
            [run(**{card.input: ecg[np.newaxis]})[card.output] for ecg in signals]
        )

    return ask


def write_openvino(
    model: keras.Model, folder: Path, card: Card, precision: str, signals: Float32Array | None
) -> None:
    """``model.xml`` and ``model.bin``, of which float16 has the weights alone in 16 bits."""
    del signals
    import openvino

    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        _save_frozen(freeze(model, card), card, Path(temporary))
        network = openvino.Core().read_model(temporary)
        network.inputs[0].tensor.set_names({card.input})
        network.outputs[0].tensor.set_names({card.output})
        path = str(folder / "model.xml")
        openvino.save_model(network, path, compress_to_fp16=precision == "float16")


def read_openvino(folder: Path, card: Card) -> Ask:
    """The folder's network in OpenVINO, on the CPU, or a SavedModel in it."""
    import openvino

    network = folder / "model.xml"
    core = openvino.Core()
    # by default some CPUs compute in bfloat16, which keeps 8 bits
    compiled = core.compile_model(
        core.read_model(str(network if network.exists() else folder)),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )
    return lambda signals: np.asarray(compiled({card.input: signals})[card.output])


def read_saved_model(folder: Path, card: Card) -> Ask:
    """The SavedModel in TensorFlow."""
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return lambda signals: signature(**{card.input: tf.constant(signals)})[card.output].numpy()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Converters log every step and failed operation; what they raise says enough."""
    before = logging.root.manager.disable
    try:
        logging.disable(logging.CRITICAL)
        yield
    finally:
        logging.disable(before)
