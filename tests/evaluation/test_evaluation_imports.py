"""Evaluation needs no TensorFlow until it predicts."""

import subprocess
import sys


def test_importing_evaluation_imports_no_tensorflow():
    code = (
        "from ecg_keras import evaluation\n"
        "import sys\n"
        "found = [getattr(evaluation, name) for name in evaluation.__all__]\n"
        "sys.exit('tensorflow' in sys.modules or not found)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
