"""The tables of databases in the docs and the README are those that the script writes."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("source_tables", ROOT / "tools" / "source_tables.py")
source_tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(source_tables)


@pytest.mark.parametrize("page", source_tables.TABLES)
def test_the_tables_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count("<!-- sources -->") == text.count("<!-- /sources -->") == 1
    assert text == source_tables.fill(page, text), "run: python tools/source_tables.py"


@pytest.mark.parametrize("page", source_tables.TABLES)
def test_a_table_has_a_row_for_each_source(page):
    rows = source_tables.TABLES[page]().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(source_tables.SOURCES)
