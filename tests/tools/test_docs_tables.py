"""The tables in docs/ are those of the code."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "docs_tables.py"


@pytest.fixture(scope="module")
def docs_tables():
    spec = importlib.util.spec_from_file_location("docs_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_have_the_tables_that_the_script_writes(docs_tables):
    for page, tables in docs_tables.TABLES.items():
        text = (docs_tables.DOCS / page).read_text(encoding="utf-8")
        assert docs_tables.replace_tables(text, tables) == text, page


def test_a_page_without_its_table_is_refused(docs_tables):
    with pytest.raises(ValueError, match="no line <!-- table: backbones -->"):
        docs_tables.replace_tables("# Backbones", docs_tables.TABLES["backbones.md"])
