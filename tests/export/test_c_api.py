"""A client without Python: the C API's loader of SavedModels, which TensorFlow Serving uses too."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

SOURCE = Path(__file__).with_name("saved_model_client.c")
INVALID_ARGUMENT = 3  # TF_INVALID_ARGUMENT


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    """The C program, compiled against the libraries of the installed TensorFlow."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler: install gcc")
    package = Path(tf.__file__).parent
    libraries = [package / f"libtensorflow_{name}.so.2" for name in ("cc", "framework")]
    if not all(library.exists() for library in libraries):
        pytest.skip(f"this TensorFlow has no shared libraries in {package}")
    program = tmp_path_factory.mktemp("c") / "saved_model_client"
    command = [compiler, "-Wall", "-Werror", SOURCE, "-o", program]
    command += ["-isystem", package / "include", f"-Wl,-rpath,{package}", *libraries]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return program


def run(client: Path, folder: Path, signals: np.ndarray) -> subprocess.CompletedProcess:
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signature = proto.meta_graphs[0].signature_def["serving_default"]
    names = [signature.inputs["signal"].name, signature.outputs["probabilities"].name]
    command = [client, folder, *names, *map(str, signals.shape)]
    return subprocess.run(command, input=signals.tobytes(), capture_output=True, timeout=120)


def test_a_c_program_gets_the_answers_of_keras(client, exported):
    model, folder = exported
    signals = np.random.default_rng(3).normal(0, 0.5, (4, *model.input_shape[1:]))
    signals = signals.astype(np.float32)
    done = run(client, folder, signals)
    assert done.returncode == 0, done.stderr.decode()
    answers = np.frombuffer(done.stdout, dtype=np.float32).reshape(4, 3)
    np.testing.assert_allclose(answers, model(signals).numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: np.where(x == x[0, 0, 0], np.nan, x), "signal holds NaN or infinite samples"),
        (lambda x: x[:, :-1], "is not compatible with expected shape"),
        (lambda x: x[:, :, :1], "is not compatible with expected shape"),
    ],
)
def test_a_c_program_gets_an_error_for_a_wrong_ecg(client, exported, change, message):
    model, folder = exported
    signals = np.random.default_rng(3).normal(0, 0.5, (2, *model.input_shape[1:]))
    done = run(client, folder, change(signals).astype(np.float32))
    assert done.returncode == INVALID_ARGUMENT
    assert message in done.stderr.decode()
    assert done.stdout == b""
