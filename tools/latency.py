"""Prints how long an answer of an exported network takes beside PyTorch and ONNX Runtime.

    python -m pip install torch==2.13.0      # not a dependency of this project
    python tools/latency.py DATA
    python tools/latency.py DATA --only lstm gru --rounds 30

Each network has the weights of its statement in PyTorch (tools/parity/), and is asked about the
same real ECGs, the first recordings below DATA/ptbxl/records100, by

* ours: the exported SavedModel in a session that is fed and fetched, as a server runs it
* Keras' layers: the same session and network, saved as Keras runs its layers, unchecked: without
  folded norms, and with Keras' own loop of an LSTM or GRU
* PyTorch: eager, in inference mode
* ONNX Runtime: the PyTorch network as `torch.onnx` exports it

Probabilities must agree to 1e-4. The four answer in turns, so that whatever else the machine does
meets all of them, each with the same number of threads. A ratio is that of the medians of a round,
other time divided by ours; above 1 ours is faster. The table has the median of all rounds, and
behind it the middle half of them.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from markdown_tables import table

from ecg_keras.export import export_saved_model
from ecg_keras.formats import read_wfdb
from ecg_keras.models import classifier, find_backbone

if TYPE_CHECKING:
    import torch
    from parity.case import Case

FAMILIES = ("paper", "ptbxl_benchmark", "published")
NETWORKS = ("resnet1d18", "lstm", "gru", "inception1d", "resnet1d_wang")
BATCHES = (1, 32)
WAYS = ("ours", "Keras' layers", "PyTorch", "ONNX Runtime")
Ask = Callable[[], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--only", nargs="+", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.data is None:
        parser.error("name the folder with ptbxl/records100")
    try:
        import onnxruntime  # noqa: F401
        import torch
    except ImportError:
        parser.error("it needs torch and onnxruntime: python -m pip install torch==2.13.0")
    torch.set_num_threads(args.threads)
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    cases = {
        case.name: case
        for family in FAMILIES
        for case in importlib.import_module(f"parity.{family}").CASES
    }
    signals = read_signals(Path(args.data), max(BATCHES))
    header = ["network, batch"]
    header += [f"{way}, ms p50 (p99)" for way in WAYS]
    header += [f"{way} / ours" for way in WAYS[1:]]
    rows = []
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(cases[name], signals, Path(folder), args.rounds, args.threads)
        print(table(tuple(header), rows), flush=True)


def read_signals(data: Path, count: int) -> np.ndarray:
    headers = sorted((data / "ptbxl" / "records100").rglob("*.hea"))[:count]
    return np.stack([read_wfdb(one.with_suffix("")).values for one in headers])


def measure(
    case: Case, signals: np.ndarray, folder: Path, rounds: int, threads: int
) -> list[tuple[str, ...]]:
    import torch
    from parity.case import LABELS

    torch.manual_seed(0)
    theirs = case.theirs().eval()
    ours = classifier(find_backbone(case.name)(), LABELS)
    case.copy(theirs, ours)
    signals = signals[:, : case.num_samples, : case.num_leads]
    leads = [f"lead {number}" for number in range(case.num_leads)]
    options = {"labels": LABELS, "leads": leads, "sampling_rate": 100}
    export_saved_model(ours, folder / "1", **options)
    save_layers(ours, folder / "layers")
    network = torch.nn.Sequential(theirs, torch.nn.Sigmoid()).eval()
    rows = []
    for size in BATCHES:
        batch = np.ascontiguousarray(signals[:size])
        ways = [
            ask_tensorflow(folder / "1", batch, threads),
            ask_tensorflow(folder / "layers", batch, threads),
            ask_torch(network, batch),
            ask_onnx(network, batch, folder / f"{size}.onnx", threads),
        ]
        answers = [way() for way in ways]
        away = max(float(np.abs(answers[0] - one).max()) for one in answers[1:])
        if not away <= 1e-4:
            raise SystemExit(f"{case.name}: probabilities differ by {away:.2g}")
        times = take_turns(ways, rounds, 20 if size == 1 else 5)
        medians = np.median(times, axis=2)
        ratios = [describe(one / medians[0]) for one in medians[1:]]
        cells = [
            f"{1000 * np.median(one):.2f} ({1000 * np.quantile(one, 0.99):.2f})" for one in times
        ]
        rows.append((f"{case.name}, {size}", *cells, *ratios))
    return rows


def describe(ratios: np.ndarray) -> str:
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def take_turns(ways: list[Ask], rounds: int, calls: int) -> np.ndarray:
    """Seconds of each call, ``(ways, rounds, calls)``; the first round does not count."""
    found = np.empty((len(ways), rounds + 1, calls))
    for number in range(rounds + 1):
        for row, way in enumerate(ways):
            for call in range(calls):
                begun = time.perf_counter()
                way()
                found[row, number, call] = time.perf_counter() - begun
    return found[:, 1:]


def save_layers(model: keras.Model, folder: Path) -> None:
    takes = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="signal")
    network = tf.function(
        lambda signal: {"probabilities": model(signal, training=False)}, input_signature=[takes]
    )
    root = tf.Module()
    root.weights = [variable.value for variable in model.variables]
    tf.saved_model.save(root, str(folder), signatures=network.get_concrete_function())


def ask_tensorflow(folder: Path, batch: np.ndarray, threads: int) -> Ask:
    settings = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=settings)
    with session.graph.as_default():
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    signature = loaded.signature_def["serving_default"]
    names = [signature.inputs["signal"].name, signature.outputs["probabilities"].name]
    call = session.make_callable(names[1], feed_list=[names[0]])
    return lambda: call(batch)


def ask_torch(network: torch.nn.Module, batch: np.ndarray) -> Ask:
    import torch

    signal = torch.from_numpy(batch)

    def ask() -> np.ndarray:
        with torch.inference_mode():
            return network(signal).numpy()

    return ask


def ask_onnx(network: torch.nn.Module, batch: np.ndarray, file: Path, threads: int) -> Ask:
    import onnxruntime
    import torch

    signal = torch.from_numpy(batch)
    torch.onnx.export(network, (signal,), str(file), input_names=["signal"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, ["CPUExecutionProvider"])
    return lambda: session.run(None, {"signal": batch})[0]


if __name__ == "__main__":
    main()
