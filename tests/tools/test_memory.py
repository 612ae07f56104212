"""The script that measures memory: what it tells is that of the stage, not of who starts it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "memory.py"


@pytest.fixture(scope="module")
def memory():
    spec = importlib.util.spec_from_file_location("memory_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT.parent)
        spec.loader.exec_module(module)
        yield module


def test_the_largest_process_counts_and_its_parent_does_not(memory, tmp_path):
    held = np.ones(50_000_000)
    little = memory.peak("", folder=tmp_path)
    assert little < 30 < held.nbytes / 2**20
    assert little + 90 < memory.peak("x = b'1' * int(sys.argv[1])", f"{10**8}", folder=tmp_path)
    child = "import subprocess\nsubprocess.run([sys.executable, '-c', 'x = b\"1\" * 10**8'])"
    assert little + 90 < memory.peak(child, folder=tmp_path)


def test_a_stage_that_fails_says_why(memory, tmp_path):
    with pytest.raises(SystemExit, match=r"a stage failed:[\s\S]*no such file"):
        memory.peak("raise OSError('no such file')", folder=tmp_path)
