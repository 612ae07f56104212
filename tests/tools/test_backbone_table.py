"""The table in docs/backbones.md is that of the code."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "backbone_table.py"


@pytest.fixture(scope="module")
def backbone_table():
    spec = importlib.util.spec_from_file_location("backbone_table", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_in_the_docs_is_the_one_that_is_written(backbone_table):
    page = backbone_table.PAGE.read_text(encoding="utf-8")
    assert backbone_table.replace_table(page) == page


def test_a_page_without_a_table_is_refused(backbone_table):
    with pytest.raises(ValueError, match="no table of backbones"):
        backbone_table.replace_table("# Backbones")
