"""The examples in the docstrings of learning curves, convergence, ledger and findings run."""

import doctest
import importlib

import pytest

MODULES = (
    "convergence",
    "crossover",
    "curve_words",
    "curves",
    "evidence",
    "findings",
    "headline",
    "joint",
    "label_efficiency",
    "label_words",
    "ledger",
    "logs",
    "power_law",
    "reaching",
)


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    result = doctest.testmod(importlib.import_module(f"ecg_keras.statistics.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
