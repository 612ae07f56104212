"""Fixtures every test may use: the real ECGs, where they are to be had."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with `ptbxl/`, `ludb/` and `challenge/`, or a skip that says how to get it."""
    root = Path(os.environ.get("ECG_KERAS_TEST_DATA", BESIDE))
    if not root.is_dir():
        pytest.skip(f"needs real ECGs: set ECG_KERAS_TEST_DATA, or put them in {BESIDE}")
    return root
