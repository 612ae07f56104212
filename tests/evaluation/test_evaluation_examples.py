"""The examples in the docstrings run, and evaluation needs no TensorFlow until it predicts."""

import doctest
import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "arrays",
        "bootstrap",
        "budget",
        "calibrating",
        "comparing",
        "delong",
        "diagnostics",
        "draws",
        "evaluating",
        "further",
        "intervals",
        "predictions",
        "run_facts",
        "tables",
        "thresholds",
        "undefined",
        "variance",
    ],
)
def test_examples(module):
    result = doctest.testmod(importlib.import_module(f"ecg_keras.evaluation.{module}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_importing_evaluation_imports_no_tensorflow():
    code = "import ecg_keras.evaluation, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
