"""The script that measures memory: what it tells is that of the stage, not of who starts it."""

import numpy as np
import pytest


def test_the_largest_process_counts_and_its_parent_does_not(script, tmp_path):
    held = np.ones(50_000_000)
    little = script.peak("", folder=tmp_path)
    assert little < 30 < held.nbytes / 2**20
    assert little + 90 < script.peak("x = b'1' * int(sys.argv[1])", f"{10**8}", folder=tmp_path)
    child = "import subprocess\nsubprocess.run([sys.executable, '-c', 'x = b\"1\" * 10**8'])"
    assert little + 90 < script.peak(child, folder=tmp_path)


def test_a_stage_that_fails_says_why(script, tmp_path):
    with pytest.raises(SystemExit, match=r"a stage failed:[\s\S]*no such file"):
        script.peak("raise OSError('no such file')", folder=tmp_path)
