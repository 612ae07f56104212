"""Evaluation needs no TensorFlow until it predicts."""

import subprocess
import sys


def test_importing_evaluation_imports_no_tensorflow():
    code = "import ecg_keras.evaluation, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
