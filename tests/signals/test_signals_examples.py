"""The examples in the docstrings run and print what they say."""

import doctest
import importlib

import numpy as np
import pytest


@pytest.mark.parametrize(
    "module",
    [
        "content",
        "fault_checks",
        "leads",
        "lost_signal",
        "quality",
        "resampling",
        "traits",
    ],
)
def test_examples(module):
    loaded = importlib.import_module(f"ecg_keras.signals.{module}")
    result = doctest.testmod(loaded, extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0
