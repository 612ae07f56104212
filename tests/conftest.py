"""Fixtures every test may use: the real ECGs, where they are to be had, and a small hospital."""

import gc
import importlib.util
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # as the command does, before gRPC is imported
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("MPLBACKEND", "Agg")
# requests and gRPC would ask a proxy for servers of this machine, too
os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(
    filter(None, [*map(os.environ.get, ("no_proxy", "NO_PROXY")), "127.0.0.1,localhost"])
)

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_finish():
    # what was imported stays, half a million objects, which each full collection would look through
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with `ptbxl/`, `ludb/` and `challenge/`, or a skip that says how to get it."""
    root = Path(os.environ.get("ECG_KERAS_TEST_DATA", BESIDE))
    if not root.is_dir():
        pytest.skip(f"needs real ECGs: set ECG_KERAS_TEST_DATA, or put them in {BESIDE}")
    return root


@pytest.fixture(scope="session")
def apache_beam() -> None:
    """Skips where Beam is not installed: it comes with TensorFlow Data Validation."""
    if importlib.util.find_spec("apache_beam") is None:
        pytest.skip("needs Apache Beam: pip install apache-beam")


@pytest.fixture(scope="module")
def without_tfdv():
    """As where TensorFlow Data Validation has no package, in processes that are spawned too.

    For tests of something else: it takes two seconds a split, and the plain check has its rules.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorflow_data_validation", None)
        patch.syspath_prepend(Path(__file__).parent / "small" / "absent")
        yield


@pytest.fixture(scope="session")
def hospital_raw(tmp_path_factory):
    from my_lab import hospital

    root = tmp_path_factory.mktemp("hospital") / "raw"
    hospital.write(root)
    return root


@pytest.fixture(scope="session")
def hospital_data(hospital_raw):
    from ecg_keras.config import Data

    return Data(source="my_lab.hospital", raw=hospital_raw, seconds=2)


@pytest.fixture(scope="session")
def hospital_shards(hospital_data, tmp_path_factory):
    """Shards of a user's own source, read-only for tests: copy them to change them."""
    from ecg_keras.data.preparation import prepare

    folder = tmp_path_factory.mktemp("shards") / "hospital"
    prepare(hospital_data, folder)
    return folder
