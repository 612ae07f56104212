"""Odd files from the field, each with what is right: copied, so that nothing is written to them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture
def case(tmp_path) -> Callable[[str], Path]:
    """Gives a copy of one case's folder, or skips where the cases are not to be had."""
    root = Path(os.environ.get("ECG_KERAS_TEST_CASES", BESIDE))

    def copy(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"needs the odd files: set ECG_KERAS_TEST_CASES, or put them in {BESIDE}")
        place = tmp_path / name
        shutil.copytree(root / name, place)
        for path in (place, *place.rglob("*")):  # the originals may be without write bits
            path.chmod(path.stat().st_mode | 0o700 if path.is_dir() else 0o644)
        return place

    return copy
