"""The examples in the docstrings of arms, contrasts and verdicts run."""

import doctest
import importlib

import pytest

MODULES = ("arms", "contrast", "holm", "pooling", "variance", "verdict")


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    result = doctest.testmod(importlib.import_module(f"ecg_keras.statistics.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
