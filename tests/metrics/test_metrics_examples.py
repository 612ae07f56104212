"""The examples in the docstrings run and print what they say."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "calibration",
        "challenge",
        "counting",
        "decisions",
        "operating",
        "ranking",
        "recalibration",
        "ridge",
        "summary",
    ],
)
def test_examples(module):
    result = doctest.testmod(importlib.import_module(f"ecg_keras.metrics.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
