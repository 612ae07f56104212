"""The examples in the docstrings of packages run and print what they say."""

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import ecg_keras

RUNS = re.compile(r">>> (?!.*\+SKIP)")
PACKAGE = Path(ecg_keras.__file__).parent
MODULES = [
    f"{package}.{path.stem}"
    for package in ("evaluation", "metrics", "signals", "statistics")
    for path in sorted((PACKAGE / package).glob("*.py"))
    if RUNS.search(path.read_text("utf-8"))
]
# examples of functions that no face exports
PAGES = sorted(Path(__file__).parent.glob("*/worked_examples.txt"))


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    loaded = importlib.import_module(f"ecg_keras.{module}")
    result = doctest.testmod(loaded, extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_worked_examples_of_functions_inside_the_package(page):
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


def test_each_package_with_examples_is_there():
    assert {page.parent.name for page in PAGES} == {"evaluation", "metrics", "statistics"}
    assert len(MODULES) > 20
