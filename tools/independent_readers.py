"""Prints how far the answers of exported networks are from Keras' in readers that have no Keras.

    python -m pip install '.[export]'
    python tools/independent_readers.py DATA --folder runs/readers
    python tools/independent_readers.py DATA --folder runs/readers --only lstm gru
    python tools/independent_readers.py DATA --folder runs/readers --run runs/ptbxl_scratch
    python tools/independent_readers.py --folder runs/readers --print-only

Each network, of random weights, with BatchNorms as after training and logits of a spread of 1, is
exported in every format, and asked about the first 2.5 s of the same real ECGs, the first
recordings below DATA/ptbxl/records100. Networks in mixed precision are compared with their copies
in float32, which are what is exported. A SavedModel is read by a C program that knows TensorFlow's
C API alone (tests/export/saved_model_client.c, compiled with gcc). A cell is the largest difference
of a probability from the Keras model; a format that refuses the network says why. A network whose
file is in the folder already is not asked again, so that what was ended is resumed. `--run` takes
finished runs of 100 Hz in place of networks with random weights, as `ecg-keras export` writes them.

Below the table: how often the files hold a name of Keras' own modules, or an operation
`ConvertToTensor`, neither of which a reader knows. Exit code 1 where there is one, or where a
difference is above 1e-5.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
from benchmark import describe_machine
from markdown_tables import table
from tensorflow.core.protobuf import saved_model_pb2

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.export import FORMATS, export_model, export_saved_model, read_card
from ecg_keras.formats import read_wfdb
from ecg_keras.json_files import write_json
from ecg_keras.keras_library import keras
from ecg_keras.models import BACKBONES, classifier, find_backbone, float32_clone, load_model
from ecg_keras.signals import LEADS
from ecg_keras.training import use_precision
from ecg_keras.user_modules import import_function
from ecg_keras.workflow import export_run

CLIENT = Path(__file__).parents[1] / "tests" / "export" / "saved_model_client.c"
LABELS = ("CD", "HYP", "MI", "NORM", "STTC")
ECGS, SAMPLES, RATE = 8, 250, 100
# network, and its precision where that is not float32
NETWORKS = (*BACKBONES, *(f"{name}:mixed_bfloat16" for name in BACKBONES))
MARKS = (b"keras.src", b"ConvertToTensor")
LARGEST = 1e-5
# into a folder, in a format
Export = Callable[[Path, str], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--folder", type=Path, required=True, help="of what is finished")
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--run", nargs="+", type=Path, help="trained networks instead")
    parser.add_argument("--print-only", action="store_true", help="what is finished")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.print_only:
        if given.data is None:
            parser.error("name the folder with ptbxl/records100")
        networks = {name: partial(of_random_weights, name) for name in given.only}
        if given.run:
            networks = {run.name: partial(of_run, run) for run in given.run}
        for name, make in networks.items():
            file = given.folder / f"{name.replace(':', '-')}.json"
            if not file.exists():
                write_json(file, measure(*make(Path(given.data))))
                print(f"{name} is done.", flush=True)
    if not print_table(given.folder):
        raise SystemExit(1)


def read_signals(data: Path, samples: int = SAMPLES) -> np.ndarray:
    headers = sorted((data / "ptbxl" / "records100").rglob("*.hea"))[:ECGS]
    return np.stack([read_wfdb(one.with_suffix("")).values[:samples] for one in headers])


def of_random_weights(name: str, data: Path) -> tuple[keras.Model, Export, np.ndarray]:
    """A network of the table, how it is exported in a format, and ECGs."""
    signals = read_signals(data)
    model = build(*name.partition(":")[::2], signals)

    def export(folder: Path, format: str) -> None:
        options = {"labels": LABELS, "leads": LEADS, "sampling_rate": RATE}
        if FORMATS[format].write:
            export_model(model, folder, format=format, **options)
        else:
            export_saved_model(model, folder, signatures=("serving_default",), **options)

    return model, export, signals


def of_run(run: Path, data: Path) -> tuple[keras.Model, Export, np.ndarray]:
    """The same of a finished run."""
    model = load_model(run / "model.keras")

    def export(folder: Path, format: str) -> None:
        export_run(run, folder, format=format)

    return model, export, read_signals(data, model.input_shape[1])


def measure(model: keras.Model, export: Export, signals: np.ndarray) -> dict[str, object]:
    """Of each format the difference or why there is none; the range of Keras' probabilities."""
    expected = np.asarray(float32_clone(model)(signals, training=False))
    found: dict[str, object] = {}
    marks = dict.fromkeys(MARKS, 0)
    for row in FORMATS.values():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "1"
            try:
                export(folder, row.name)
            except (ConfigError, DataError) as error:
                found[row.name] = str(error)
                continue
            found[row.name] = float(np.abs(ask(folder, signals) - expected).max())
            for file in folder.rglob("*.*"):
                content = file.read_bytes() if file.is_file() else b""
                marks = {mark: count + content.count(mark) for mark, count in marks.items()}
    keras.backend.clear_session()
    return {
        "answers": found,
        "range": [float(expected.min()), float(expected.max())],
        "marks": {mark.decode(): count for mark, count in marks.items()},
    }


def build(name: str, precision: str, signals: np.ndarray) -> keras.Model:
    """A network whose BatchNorms are not those of an untrained one, which change nothing.

    Of a deep one these make logits at which every probability is 0 or 1, whatever a reader does.
    """
    with use_precision(precision or "float32"):
        model = classifier(find_backbone(name)(SAMPLES, len(LEADS)), LABELS)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for weight in layer.weights:
                around = float(weight.path.endswith(("gamma", "moving_variance")))
                weight.assign(random.normal(around, 0.1, weight.shape))
    exact = float32_clone(model)
    head = exact.get_layer("head")
    inputs = keras.Model(exact.inputs[0], head.input)(signals, training=False)
    spread = float(np.std(np.asarray(inputs) @ head.kernel.numpy()))
    model.get_layer("head").kernel.assign(head.kernel / spread)
    return model


def ask(folder: Path, signals: np.ndarray) -> np.ndarray:
    card = read_card(folder)
    if card.format == "saved_model":
        return ask_in_c(folder, signals)
    return import_function("reader", FORMATS[card.format].read)(folder, card)(signals)


def ask_in_c(folder: Path, signals: np.ndarray) -> np.ndarray:
    """The answers of the C program, compiled against the libraries of the installed TensorFlow."""
    package, program = Path(tf.__file__).parent, folder / "client"
    libraries = [package / f"libtensorflow_{name}.so.2" for name in ("cc", "framework")]
    compiler = ["gcc", CLIENT, "-o", program, "-isystem", package / "include"]
    subprocess.run([*compiler, f"-Wl,-rpath,{package}", *libraries], check=True)
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signature = proto.meta_graphs[0].signature_def["serving_default"]
    names = [signature.inputs["signal"].name, signature.outputs["probabilities"].name]
    command = [program, folder, *names, *map(str, signals.shape)]
    done = subprocess.run(command, input=signals.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(len(signals), -1)


def print_table(folder: Path) -> bool:
    """Whether all answers are those of Keras, and no file holds what a reader does not know."""
    rows, marks, equal = [], dict.fromkeys(map(bytes.decode, MARKS), 0), True
    order = [name.replace(":", "-") for name in NETWORKS]
    files = {file.stem: file for file in sorted(folder.glob("*.json"))}
    for name in sorted(files, key=lambda one: order.index(one) if one in order else len(order)):
        kept = json.loads(files[name].read_text())
        low, high = kept["range"]
        differences = [one for one in kept["answers"].values() if not isinstance(one, str)]
        equal &= all(one <= LARGEST for one in differences)
        rows.append((f"`{name}`", *describe(kept["answers"]), f"{low:.2f} to {high:.2f}"))
        marks = {mark: count + kept["marks"][mark] for mark, count in marks.items()}
    titles = ["TensorFlow's C API", *(row.reader for row in FORMATS.values() if row.write)]
    print(f"{describe_machine()}\n\n{table(('network', *titles, 'probabilities'), rows)}\n")
    print(", ".join(f"{mark}: {count}" for mark, count in marks.items()))
    return equal and not any(marks.values())


def describe(answers: dict[str, float | str]) -> Iterator[str]:
    for name in FORMATS:
        one = answers[name]
        if isinstance(one, str):  # why, of the sentence that a user reads
            yield f"none: {one.partition(': ')[2].partition('. ')[0]}"
        else:
            yield f"{one:.0e}" if one else "0"


if __name__ == "__main__":
    main()
