"""The examples in the docstrings run and print what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import ecg_keras

RUNS = re.compile(r">>> (?!.*\+SKIP)")
PACKAGE = Path(ecg_keras.__file__).parent / "metrics"
MODULES = [
    path.stem for path in sorted(PACKAGE.glob("*.py")) if RUNS.search(path.read_text("utf-8"))
]


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    result = doctest.testmod(importlib.import_module(f"ecg_keras.metrics.{module}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_worked_examples_of_functions_inside_the_package():
    page = Path(__file__).with_name("worked_examples.txt")
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
